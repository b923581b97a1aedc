#include "app/config_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using std::chrono::milliseconds;

bool contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "expected X, not Y; what to do"
void report_type(const Value& value, std::string_view expected, std::string_view advice,
                 Report& report) {
  report.error(value.position(), value.path,
               "expected " + std::string(expected) + ", not " +
                   std::string(type_name(*value.node)) + "; " + std::string(advice));
}

bool is_header_table(const toml::node& node) {
  const toml::table* table = node.as_table();
  return table != nullptr && !table->is_inline();
}

/// True for `[zone.gslb.example.com]`: TOML splits a name without quotes at each dot, into a table
/// "gslb" with a table "example" with a table "com". Reports it.
bool is_name_in_pieces(const Entry& named, const Section& section, Report& report) {
  std::string name(named.key);
  const toml::table* at = named.value.node->as_table();
  while (at != nullptr && at->size() == 1) {
    const auto only = at->begin();
    const std::string_view key = only->first.str();
    const toml::node& node = only->second;
    if (!is_header_table(node) || contains(section.keys, key) ||
        contains(section.later_keys, key) || nearest(key, section.keys)) {
      break;
    }
    name += "." + std::string(key);
    at = node.as_table();
  }
  if (name.size() == named.key.size()) return false;
  report.error(named.key_position, named.value.path,
               "a name with dots must be quoted; write [" + key_path(section.name, name) + "]");
  return true;
}

}  // namespace

Position position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

Position Value::position() const { return position_of(node->source()); }

Position NamedTable::position() const { return position_of(table->source()); }

std::vector<Entry> entries_of(const toml::table& table, std::string_view path) {
  std::vector<Entry> entries;
  entries.reserve(table.size());
  for (const auto& [key, node] : table) {
    entries.push_back({key.str(), position_of(key.source()), {&node, key_path(path, key.str())}});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.key_position.line, a.key_position.column) <
           std::tie(b.key_position.line, b.key_position.column);
  });
  return entries;
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a decimal number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

std::optional<std::string> read_string(const Value& value, Report& report) {
  if (const auto* text = value.node->as_string()) return text->get();
  report_type(value, "a string", "put it in double quotes", report);
  return std::nullopt;
}

std::optional<std::vector<Value>> read_array(const Value& value, Report& report) {
  const toml::array* array = value.node->as_array();
  if (array == nullptr) {
    report_type(value, "an array", "put it in [ ]", report);
    return std::nullopt;
  }
  std::vector<Value> values;
  values.reserve(array->size());
  for (const toml::node& element : *array) {
    values.push_back({&element, value.path + "[" + std::to_string(values.size()) + "]"});
  }
  return values;
}

const toml::table* read_table(const Value& value, Report& report, std::string_view advice) {
  const toml::table* table = value.node->as_table();
  if (table == nullptr) report_type(value, "a table", advice, report);
  return table;
}

std::vector<base::IpAddress> read_addresses(const Value& array, Report& report) {
  std::vector<base::IpAddress> addresses;
  const auto elements = read_array(array, report);
  if (!elements) return addresses;
  for (const Value& element : *elements) {
    const auto address = read_parsed(element, parse_host_address, report);
    if (!address) continue;
    if (std::find(addresses.begin(), addresses.end(), *address) != addresses.end()) {
      report.error(element.position(), element.path,
                   quote(base::to_string(*address)) + " is listed twice; remove one");
      continue;
    }
    addresses.push_back(*address);
  }
  return addresses;
}

std::vector<base::AddressPrefix> read_prefixes(const Value& array, Report& report) {
  std::vector<base::AddressPrefix> prefixes;
  const auto elements = read_array(array, report);
  for (const Value& element : elements.value_or(std::vector<Value>{})) {
    if (const auto prefix = read_parsed(element, parse_prefix, report)) prefixes.push_back(*prefix);
  }
  return prefixes;
}

std::string TableReader::path_of(std::string_view key) const { return key_path(path_, key); }

Position TableReader::position() const { return position_of(table_.source()); }

void TableReader::check_keys(const Words& known, const Words& later) {
  for (const Entry& entry : entries_of(table_, path_)) {
    if (contains(known, entry.key)) continue;
    if (contains(later, entry.key)) {
      report_.error(entry.key_position, entry.value.path, "not supported yet; remove it");
      continue;
    }
    Words all = known;
    all.insert(all.end(), later.begin(), later.end());
    std::string message = "unknown key";
    if (const auto meant = nearest(entry.key, all)) {
      message += "; did you mean " + quote(*meant) + "?";
      misspelt_.push_back(*meant);
    } else {
      message += "; remove it";
    }
    report_.error(entry.key_position, entry.value.path, message);
  }
}

bool TableReader::has(std::string_view key) const { return table_.contains(key); }

std::optional<Value> TableReader::find(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  return Value{node, path_of(key)};
}

void TableReader::require(std::string_view key, std::string_view advice) const {
  if (has(key) || contains(misspelt_, key)) return;
  report_.error(position(), path_of(key), "is missing; " + std::string(advice));
}

std::optional<std::string> TableReader::string(std::string_view key) const {
  const std::optional<Value> value = find(key);
  if (!value) return std::nullopt;
  return read_string(*value, report_);
}

std::optional<bool> TableReader::boolean(std::string_view key) const {
  const std::optional<Value> value = find(key);
  if (!value) return std::nullopt;
  if (const auto* flag = value->node->as_boolean()) return flag->get();
  report_type(*value, "true or false", "write true or false without quotes", report_);
  return std::nullopt;
}

std::optional<unsigned> TableReader::integer(std::string_view key, unsigned min,
                                             unsigned max) const {
  const std::optional<Value> value = find(key);
  if (!value) return std::nullopt;
  const auto* number = value->node->as_integer();
  if (number == nullptr) {
    report_type(*value, "an integer", "write a whole number without quotes", report_);
    return std::nullopt;
  }
  if (number->get() < min || number->get() > max) {
    report_.error(value->position(), value->path,
                  std::to_string(number->get()) + " is out of range; use " + std::to_string(min) +
                      " to " + std::to_string(max));
    return std::nullopt;
  }
  return static_cast<unsigned>(number->get());
}

std::optional<milliseconds> TableReader::duration(std::string_view key,
                                                  const DurationRange& range) const {
  const std::optional<Value> value = find(key);
  if (!value) return std::nullopt;
  if (const auto* number = value->node->as_integer()) {
    const std::string text = std::to_string(number->get());
    const bool is_usable = number->get() >= 0;
    report_.error(value->position(), value->path,
                  text + " has no unit; write " + (is_usable ? quote(text + "s") : "\"30s\""));
    return std::nullopt;
  }
  if (!value->node->is_string()) {
    report_type(*value, "a duration", "write a string such as \"30s\"", report_);
    return std::nullopt;
  }
  const auto duration = read_parsed(*value, parse_duration, report_);
  if (!duration) return std::nullopt;
  std::string problem;
  if (*duration < range.min || *duration > range.max) {
    problem = " is out of range; use " + to_string(range.min) + " to " + to_string(range.max);
  } else if (*duration % range.step != milliseconds::zero()) {
    problem = " is not a whole number of seconds; write it in s, m or h";
  }
  if (problem.empty()) return duration;
  report_.error(value->position(), value->path, quote(value->node->as_string()->get()) + problem);
  return std::nullopt;
}

std::optional<std::size_t> TableReader::choice_index(std::string_view key, const Words& words,
                                                     const Words& later) const {
  const std::optional<std::string> text = string(key);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  if (contains(later, *text)) {
    error(key,
          std::string(key) + " " + quote(*text) + " is not supported yet; use " + join_or(words));
    return std::nullopt;
  }
  std::string list;
  for (const std::string_view word : words) {
    if (!list.empty()) list += ", ";
    list += word;
  }
  error(key, "unknown " + std::string(key) + " " + quote(*text) +
                 (words.size() == 1 ? "; use " : "; use one of: ") + list);
  return std::nullopt;
}

void TableReader::error(std::string_view key, std::string message) const {
  const std::optional<Value> value = find(key);
  report_.error(value ? value->position() : position(), path_of(key), std::move(message));
}

void TableReader::warning(std::string_view key, std::string message) const {
  const std::optional<Value> value = find(key);
  report_.warning(value ? value->position() : position(), path_of(key), std::move(message));
}

std::vector<NamedTable> named_tables(const toml::table& root, const Section& section,
                                     Report& report) {
  std::vector<NamedTable> tables;
  const toml::node* node = root.get(section.name);
  if (node == nullptr) return tables;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    report_type({node, std::string(section.name)}, "a table",
                "write " + std::string(section.header), report);
    return tables;
  }
  for (const Entry& entry : entries_of(*table, section.name)) {
    const bool is_key =
        contains(section.keys, entry.key) || contains(section.later_keys, entry.key);
    if (!entry.value.node->is_table() || (is_key && !is_header_table(*entry.value.node))) {
      report.error(
          entry.key_position, entry.value.path,
          "stands outside a table with a name; write " + std::string(section.header) + " above it");
      continue;
    }
    if (is_name_in_pieces(entry, section, report)) continue;
    tables.push_back({std::string(entry.key), entry.value.node->as_table(), entry.value.path});
  }
  return tables;
}

void check_name(const NamedTable& named, Report& report) {
  constexpr std::size_t kMaxNameLength = 63;
  const bool is_valid = !named.name.empty() && named.name.size() <= kMaxNameLength &&
                        std::all_of(named.name.begin(), named.name.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
                        });
  if (is_valid) return;
  report.error(named.position(), named.path,
               "this name cannot be used; write 1 to 63 letters, digits, \"_\", \".\" and \"-\"");
}

}  // namespace gslb::app::loading

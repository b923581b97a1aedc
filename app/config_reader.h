#pragma once

#include <toml++/toml.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_report.h"
#include "app/config_values.h"

// Typed reading of a parsed TOML document. Whatever does not fit is reported at its position, and
// comes back as "nothing", so that one run finds every error. Only config*.cpp may include this:
// it brings toml++ along.
namespace gslb::app::loading {

/// A value and where it was found. Borrows from the document.
struct Value {
  const toml::node* node = nullptr;
  std::string path;  ///< "monitor.sstp.expected_status[0]"

  Position position() const;
};

Position position_of(const toml::source_region& region);

/// The entries of a table in the order of the file; toml++ sorts them by key.
struct Entry {
  std::string_view key;
  Position key_position;
  Value value;
};
std::vector<Entry> entries_of(const toml::table& table, std::string_view path);

/// "a string", "an integer", …
std::string_view type_name(const toml::node& node);

// Each reports what does not fit and returns nothing then.
std::optional<std::string> read_string(const Value& value, Report& report);
std::optional<std::vector<Value>> read_array(const Value& value, Report& report);
const toml::table* read_table(const Value& value, Report& report,
                              std::string_view advice = "write it as { KEY = VALUE }");

/// Reads a string and hands it to `parse`, which returns a Parsed<T>.
template <typename Parse>
auto read_parsed(const Value& value, Parse parse, Report& report)
    -> std::optional<typename decltype(parse(std::string_view()))::value_type> {
  const std::optional<std::string> text = read_string(value, report);
  if (!text) return std::nullopt;
  auto parsed = parse(std::string_view(*text));
  if (!parsed) {
    report.error(value.position(), value.path, parsed.error());
    return std::nullopt;
  }
  return *std::move(parsed);
}

/// Addresses of hosts; one that comes twice is an error.
std::vector<base::IpAddress> read_addresses(const Value& array, Report& report);

/// Networks, and addresses for themselves alone.
std::vector<base::AddressPrefix> read_prefixes(const Value& array, Report& report);

/// A word of the configuration and what it stands for.
template <typename T>
struct Choice {
  std::string_view word;
  T meaning;
};

struct DurationRange {
  std::chrono::milliseconds min;
  std::chrono::milliseconds max;
  std::chrono::milliseconds step{1};  ///< 1s where DNS counts in whole seconds.
};

using Words = std::vector<std::string_view>;

/// One table of the file. Borrows the table and the report.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string path, Report& report)
      : table_(table), path_(std::move(path)), report_(report) {}

  const std::string& path() const noexcept { return path_; }
  std::string path_of(std::string_view key) const;
  Position position() const;

  /// Reports every key that is in neither list, and every key of `later`: those of the contract
  /// that this version does not have yet.
  void check_keys(const Words& known, const Words& later);

  bool has(std::string_view key) const;
  std::optional<Value> find(std::string_view key) const;

  /// Reports that `key` is missing, unless check_keys found it misspelt. `advice` says what to
  /// write.
  void require(std::string_view key, std::string_view advice) const;

  // Nothing when the key is absent, and nothing after a report when its value does not fit.
  std::optional<std::string> string(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<unsigned> integer(std::string_view key, unsigned min, unsigned max) const;
  std::optional<std::chrono::milliseconds> duration(std::string_view key,
                                                    const DurationRange& range) const;

  template <typename Parse>
  auto parsed(std::string_view key, Parse parse) const
      -> std::optional<typename decltype(parse(std::string_view()))::value_type> {
    const std::optional<Value> value = find(key);
    if (!value) return std::nullopt;
    return read_parsed(*value, parse, report_);
  }

  /// One of `choices`; `later` holds the words of the contract that this version does not have.
  template <typename T>
  std::optional<T> choice(std::string_view key, const std::vector<Choice<T>>& choices,
                          const Words& later = {}) const {
    Words words;
    for (const Choice<T>& choice : choices) words.push_back(choice.word);
    const std::optional<std::size_t> index = choice_index(key, words, later);
    if (!index) return std::nullopt;
    return choices[*index].meaning;
  }

  void error(std::string_view key, std::string message) const;
  void warning(std::string_view key, std::string message) const;

 private:
  std::optional<std::size_t> choice_index(std::string_view key, const Words& words,
                                          const Words& later) const;

  const toml::table& table_;
  std::string path_;
  Report& report_;
  Words misspelt_;  ///< The keys that unknown ones were probably meant to be.
};

/// What stands below `[SECTION.NAME]`.
struct Section {
  std::string_view name;
  std::string_view header;  ///< To imitate: `[monitor.NAME]`.
  Words keys;
  Words later_keys;  ///< Of the contract, but not in this version.
};

/// A `[SECTION.NAME]`.
struct NamedTable {
  std::string name;
  const toml::table* table = nullptr;
  std::string path;

  Position position() const;
};

/// The named tables of a section in the order of the file.
std::vector<NamedTable> named_tables(const toml::table& root, const Section& section,
                                     Report& report);

/// Reports a name that is not 1 to 63 letters, digits, '_', '.' and '-'.
void check_name(const NamedTable& named, Report& report);

}  // namespace gslb::app::loading

#include "health/metric.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace gslb::health {
namespace {

namespace json = boost::json;

struct Label {
  std::string name;
  std::string value;

  bool operator==(const Label&) const = default;
};

struct Series {
  std::string_view name;
  std::vector<Label> labels;
};

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

std::string_view take_name(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && is_name_character(text[size])) ++size;
  const std::string_view name = text.substr(0, size);
  text.remove_prefix(size);
  return name;
}

/// Whether it stood there.
bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// What stands between the quotes, with \\, \" and \n as they are meant.
std::optional<std::string> take_quoted(std::string_view& text) {
  if (!take(text, '"')) return std::nullopt;
  std::string value;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return value;
    if (c != '\\') {
      value += c;
      continue;
    }
    if (text.empty()) return std::nullopt;
    value += text.front() == 'n' ? '\n' : text.front();
    text.remove_prefix(1);
  }
  return std::nullopt;
}

/// A name and perhaps labels, from the front of `text`.
std::optional<Series> take_series(std::string_view& text) {
  Series series;
  series.name = take_name(text);
  if (series.name.empty()) return std::nullopt;
  if (!take(text, '{')) return series;
  while (true) {
    skip_blanks(text);
    if (take(text, '}')) return series;
    Label label;
    label.name = std::string(take_name(text));
    skip_blanks(text);
    if (label.name.empty() || !take(text, '=')) return std::nullopt;
    skip_blanks(text);
    auto value = take_quoted(text);
    if (!value) return std::nullopt;
    label.value = *std::move(value);
    series.labels.push_back(std::move(label));
    skip_blanks(text);
    take(text, ',');
  }
}

std::optional<double> take_value(std::string_view text) {
  skip_blanks(text);
  take(text, '+');  // Which from_chars does not know.
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  // Behind it may only stand a timestamp.
  const bool is_whole = end == text.data() + text.size() || *end == ' ' || *end == '\t';
  return is_whole ? std::optional(value) : std::nullopt;
}

bool matches(const Series& series, const Series& wanted) {
  return series.name == wanted.name &&
         std::all_of(wanted.labels.begin(), wanted.labels.end(), [&](const Label& label) {
           return std::find(series.labels.begin(), series.labels.end(), label) !=
                  series.labels.end();
         });
}

tl::unexpected<std::string> fail(std::string message) {
  return tl::make_unexpected(std::move(message));
}

tl::expected<double, std::string> read_prometheus(std::string_view text, std::string_view metric) {
  std::string_view rest = metric;
  const std::optional<Series> wanted = take_series(rest);
  if (!wanted || !rest.empty()) return fail(find_metric_problem(metric));
  double sum = 0;
  bool is_there = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    // Most lines are about others.
    if (!line.starts_with(wanted->name)) continue;
    const std::optional<Series> series = take_series(line);
    if (!series || !matches(*series, *wanted)) continue;
    const std::optional<double> value = take_value(line);
    if (!value) return fail("a series of " + std::string(metric) + " has no number");
    sum += *value;
    is_there = true;
  }
  if (!is_there) return fail("there is no metric " + std::string(metric));
  return sum;
}

tl::expected<double, std::string> read_json(std::string_view text, std::string_view pointer) {
  boost::system::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  if (error) return fail("expected JSON, got something else");
  const json::value* found = root.find_pointer({pointer.data(), pointer.size()}, error);
  if (found == nullptr) return fail("there is no " + std::string(pointer) + " in the JSON");
  if (!found->is_number()) return fail(std::string(pointer) + " in the JSON is no number");
  return found->to_number<double>();
}

}  // namespace

tl::expected<double, std::string> read_metric(std::string_view text, std::string_view metric) {
  auto value = metric.starts_with('/') ? read_json(text, metric) : read_prometheus(text, metric);
  if (value && !(std::isfinite(*value) && *value >= 0)) {
    return fail(std::string(metric) + " is no number from 0 on");
  }
  return value;
}

std::string find_metric_problem(std::string_view metric) {
  if (metric.starts_with('/')) return {};
  std::string_view rest = metric;
  const auto series = take_series(rest);
  if (series && rest.empty() && std::isdigit(static_cast<unsigned char>(metric.front())) == 0) {
    return {};
  }
  return "is neither the name of a metric nor a JSON pointer; write one such as "
         "\"windows_ras_total_connections\" or \"/sessions/active\"";
}

}  // namespace gslb::health

#include "app/latency_csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "app/config_text.h"
#include "app/config_values.h"
#include "base/address_range.h"

namespace gslb::app {
namespace {

constexpr std::size_t kMaxErrors = 20;
constexpr double kMaxRttMs = 60'000;
constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

using Fields = std::array<std::string_view, 3>;
constexpr Fields kHeader{"prefix", "endpoint", "rtt_ms"};

/// Nothing where there are more or fewer fields.
std::optional<Fields> split(std::string_view line) {
  Fields fields;
  const std::size_t first = line.find(',');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = line.find(',', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  fields = {trim(line.substr(0, first)), trim(line.substr(first + 1, second - first - 1)),
            trim(line.substr(second + 1))};
  if (fields[2].find(',') != std::string_view::npos) return std::nullopt;
  return fields;
}

/// One read of a file.
class CsvReader {
 public:
  explicit CsvReader(const FindEndpoint& find_endpoint) : find_endpoint_(find_endpoint) {}

  LatencyCsv read(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (number_ = 1; !text.empty(); ++number_) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      read_line(trim(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    finish();
    return std::move(csv_);
  }

 private:
  struct Numbered {
    routing::FiledLatency latency;
    std::uint32_t line;
  };
  struct Missing {
    std::size_t first_line = 0;
    std::size_t count = 0;
  };

  void error(std::size_t line, std::string message) {
    ++error_count_;
    if (csv_.errors.size() < kMaxErrors) csv_.errors.push_back({line, std::move(message)});
  }

  void read_line(std::string_view line) {
    if (line.empty() || line.starts_with('#')) return;
    const bool may_be_header = !std::exchange(has_content_, true);
    const auto fields = split(line);
    if (may_be_header && fields == kHeader) return;
    if (!fields) {
      error(number_, "expected prefix,endpoint,rtt_ms, not " + loading::quote(line) +
                         "; write a line such as 192.0.2.0/24,london,12.5");
      return;
    }
    const auto& [prefix_text, endpoint_name, rtt_text] = *fields;
    const auto prefix = loading::parse_prefix(prefix_text);
    if (!prefix) error(number_, prefix.error());
    const auto rtt = parse_rtt_ms(rtt_text);
    if (!rtt) {
      error(number_, "the round-trip time " + loading::quote(rtt_text) +
                         " cannot be used; write milliseconds from 0 to 60000, such as 12.5");
    }
    const std::optional<std::uint16_t> endpoint = find(endpoint_name);
    if (prefix && rtt && endpoint) add(*prefix, *endpoint, *rtt);
  }

  std::optional<std::uint16_t> find(std::string_view name) {
    const auto endpoint = find_endpoint_(name);
    if (endpoint) return endpoint;
    const auto known = missing_.find(name);
    if (known != missing_.end()) {
      ++known->second.count;
    } else if (missing_.size() < kMaxErrors) {
      missing_.emplace(std::string(name), Missing{number_, 1});
    }
    return std::nullopt;
  }

  void add(const base::AddressPrefix& prefix, std::uint16_t endpoint, std::uint32_t rtt) {
    const base::AddressPrefix network{base::masked(prefix.address, prefix.length), prefix.length};
    lines_.push_back({{network, endpoint, rtt}, static_cast<std::uint32_t>(number_)});
  }

  void finish() {
    std::sort(lines_.begin(), lines_.end(), [](const Numbered& a, const Numbered& b) {
      const auto place = [](const Numbered& line) {
        return std::tie(line.latency.network.address, line.latency.network.length,
                        line.latency.endpoint, line.line);
      };
      return place(a) < place(b);
    });
    csv_.lines.reserve(lines_.size());
    for (const Numbered& line : lines_) {
      const auto is_same = [&](const routing::FiledLatency& other) {
        return other.network == line.latency.network && other.endpoint == line.latency.endpoint;
      };
      if (!csv_.lines.empty() && is_same(csv_.lines.back())) {
        error(line.line, "the endpoint has a line for " + base::to_string(line.latency.network) +
                             " already; remove one");
      } else {
        csv_.lines.push_back(line.latency);
      }
    }
    const auto by_line = [](const LatencyCsvNote& a, const LatencyCsvNote& b) {
      return a.line < b.line;
    };
    std::stable_sort(csv_.errors.begin(), csv_.errors.end(), by_line);
    if (error_count_ > csv_.errors.size()) {
      csv_.errors.push_back(
          {csv_.errors.back().line, "and " + std::to_string(error_count_ - csv_.errors.size()) +
                                        " more errors; correct these first"});
    }
    for (const auto& [name, missing] : missing_) {
      csv_.warnings.push_back(
          {missing.first_line, "no endpoint " + loading::quote(name) +
                                   " is defined; define it, or remove the lines about it (" +
                                   std::to_string(missing.count) + "), which have no effect"});
    }
    std::stable_sort(csv_.warnings.begin(), csv_.warnings.end(), by_line);
  }

  const FindEndpoint& find_endpoint_;
  LatencyCsv csv_;
  std::vector<Numbered> lines_;
  std::map<std::string, Missing, std::less<>> missing_;
  std::size_t number_ = 0;
  std::size_t error_count_ = 0;
  bool has_content_ = false;
};

}  // namespace

LatencyCsv parse_latency_csv(std::string_view text, const FindEndpoint& find_endpoint) {
  return CsvReader(find_endpoint).read(text);
}

std::optional<std::uint32_t> parse_rtt_ms(std::string_view text) {
  double value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, value, std::chars_format::fixed);
  if (problem != std::errc() || end != last) return std::nullopt;
  if (!(value >= 0 && value <= kMaxRttMs)) return std::nullopt;
  return static_cast<std::uint32_t>(std::lround(value * 1000));
}

}  // namespace gslb::app

#include "app/metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace gslb::app {
namespace {

/// Writes families of samples, each with its head.
class Writer {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP gslbd_{} {}\n# TYPE gslbd_{} {}\n", name,
                   help, name, type);
  }

  template <typename Number>
  void sample(const Labels& labels, Number value, std::string_view suffix = "") {
    std::string joined;
    for (const auto& [key, text] : labels) {
      joined += fmt::format("{}{}=\"{}\"", joined.empty() ? "" : ",", key, escaped(text));
    }
    if (!joined.empty()) joined = "{" + joined + "}";
    fmt::format_to(std::back_inserter(text_), "gslbd_{}{}{} {}\n", name_, suffix, joined, value);
  }

  std::string take() { return std::move(text_); }

 private:
  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    return out;
  }

  std::string text_;
  std::string name_;
};

/// Calls `write` with each check and the labels that name it.
template <typename Write>
void for_each_check(const Config& config, const StatusReport& report, Write write) {
  for (const EndpointStatusReport& endpoint : report.endpoints) {
    for (const health::CheckReport& check : endpoint.checks) {
      write(check, Writer::Labels{{"endpoint", config.endpoints[endpoint.id].routing.name},
                                  {"monitor", check.monitor},
                                  {"address", base::to_string(check.address)}});
    }
  }
}

double seconds(std::chrono::microseconds duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

void write_endpoints(Writer& out, const Config& config, const StatusReport& report) {
  out.family("endpoint_status", "gauge", "1 for the status that an endpoint has.");
  for (const EndpointStatusReport& endpoint : report.endpoints) {
    out.sample({{"endpoint", config.endpoints[endpoint.id].routing.name},
                {"status", std::string(base::to_string(endpoint.status))}},
               1);
  }
  out.family("endpoint_warnings", "gauge", "What should be mended at an endpoint.");
  for (const EndpointStatusReport& endpoint : report.endpoints) {
    out.sample({{"endpoint", config.endpoints[endpoint.id].routing.name}},
               endpoint.warnings.size());
  }
  out.family("profile_serving", "gauge", "Entries of a profile that may be answered.");
  for (const ProfileReport& profile : report.profiles) {
    out.sample({{"profile", config.profiles[profile.id].name}}, profile.serving);
  }
}

void write_checks(Writer& out, const Config& config, const StatusReport& report) {
  out.family("check_up", "gauge", "1 while a monitor finds an address healthy.");
  for_each_check(config, report, [&](const auto& check, const auto& labels) {
    out.sample(labels, check.status == base::EndpointStatus::kOnline ? 1 : 0);
  });
  out.family("check_consecutive_failures", "gauge", "Failures in a row.");
  for_each_check(config, report, [&](const auto& check, const auto& labels) {
    out.sample(labels, check.consecutive_failures);
  });
  out.family("check_duration_seconds", "gauge", "How long the newest probe took.");
  for_each_check(config, report, [&](const auto& check, const auto& labels) {
    if (check.probed_at && !check.is_remembered) out.sample(labels, seconds(check.elapsed));
  });
  out.family("certificate_not_after_seconds", "gauge",
             "When the certificate that was shown expires, in seconds since 1970.");
  for_each_check(config, report, [&](const auto& check, const auto& labels) {
    if (check.certificate) {
      out.sample(labels, check.certificate->not_after.time_since_epoch().count());
    }
  });
  out.family("certificate_faults", "gauge", "Why clients refuse the certificate that was shown.");
  for_each_check(config, report, [&](const auto& check, const auto& labels) {
    if (check.certificate) out.sample(labels, check.certificate->errors.size());
  });
}

void write_probing(Writer& out, const StatusReport& report, const health::ProbingStats& stats) {
  out.family("probes_total", "counter", "Probes that have ended.");
  out.sample({{"outcome", "success"}}, stats.successes);
  out.sample({{"outcome", "failure"}}, stats.failures);
  out.sample({{"outcome", "local_fault"}}, stats.local_faults);
  out.family("probes_hung_total", "counter", "Probes whose end never came.");
  out.sample({}, stats.hung);
  out.family("probes_capped_total", "counter", "Probes that waited for a limit of [health].");
  out.sample({}, stats.capped);
  out.family("probe_lateness_seconds", "histogram", "How late probes started.");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < stats.lateness.size(); ++i) {
    sum += stats.lateness[i];
    const bool is_last = i == health::ProbingStats::kBounds.size();
    out.sample(
        {{"le", is_last ? "+Inf" : fmt::format("{}", seconds(health::ProbingStats::kBounds[i]))}},
        sum, "_bucket");
  }
  out.sample({}, seconds(stats.lateness_sum), "_sum");
  out.sample({}, sum, "_count");
  out.family("isolated", "gauge", "1 while all sites and canaries fail, and statuses are frozen.");
  out.sample({}, report.isolated_since ? 1 : 0);
}

}  // namespace

std::string health_metrics(const Config& config, const StatusReport& report,
                           const health::ProbingStats& stats) {
  Writer out;
  write_endpoints(out, config, report);
  write_checks(out, config, report);
  write_probing(out, report, stats);
  return out.take();
}

}  // namespace gslb::app

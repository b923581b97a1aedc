#include "app/health_json.h"

#include "app/json_values.h"

namespace gslb::app {

namespace json = boost::json;

std::string_view outcome_name(health::Outcome outcome) noexcept {
  switch (outcome) {
    case health::Outcome::kSuccess:
      return "success";
    case health::Outcome::kFailure:
      return "failure";
    case health::Outcome::kLocalFault:
      return "local-fault";
  }
  return "unknown";
}

double milliseconds_of(std::chrono::microseconds duration) noexcept {
  return static_cast<double>(duration.count()) / 1000;
}

json::value to_json(const health::CertificateReport* certificate) {
  if (certificate == nullptr) return nullptr;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return {{"subject", certificate->subject},
          {"issuer", certificate->issuer},
          {"not_before", format_time(certificate->not_before)},
          {"not_after", format_time(certificate->not_after)},
          {"days_left", health::days_left(*certificate, now)},
          {"fingerprint", certificate->fingerprint},
          {"key", certificate->key},
          {"errors", json::value_from(certificate->errors)},
          {"warnings", json::value_from(certificate->warnings)}};
}

json::array to_json(const std::vector<health::CheckReport>& checks, health::WallTime now) {
  json::array out;
  for (const health::CheckReport& check : checks) {
    json::object item{{"monitor", check.monitor},
                      {"address", base::to_string(check.address)},
                      {"port", nullptr},
                      {"status", base::to_string(check.status)},
                      {"since", format_time(check.since)},
                      {"consecutive_failures", check.consecutive_failures},
                      {"reason", text_or_null(check.reason)},
                      {"probed_at", nullptr},
                      {"age_seconds", nullptr},
                      {"before_restart", check.is_remembered},
                      {"elapsed_ms", nullptr},
                      {"detail", text_or_null(check.detail)},
                      {"fault", text_or_null(check.fault)},
                      {"certificate", to_json(check.certificate.get())}};
    if (check.port != 0) item["port"] = check.port;
    if (check.probed_at) {
      item["probed_at"] = format_time(*check.probed_at);
      item["age_seconds"] =
          std::chrono::floor<std::chrono::seconds>(now - *check.probed_at).count();
      if (!check.is_remembered) item["elapsed_ms"] = milliseconds_of(check.elapsed);
    }
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace gslb::app

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "health/certificate.h"
#include "health/openssl_ptr.h"

namespace gslb::health {

// What a probe over TLS makes of the chain that it was shown. For the sources of this room only.

/// The report on `chain`, the server's own certificate first; null where the monitor does not look
/// at certificates, or none was shown.
inline std::shared_ptr<const CertificateReport> report_certificate(STACK_OF(X509) * chain,
                                                                   const MonitorSpec& monitor) {
  if (monitor.certificate.policy == CertificatePolicy::kIgnore) return nullptr;
  if (chain == nullptr || sk_X509_num(chain) == 0) return nullptr;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return std::make_shared<const CertificateReport>(
      examine_certificate(chain, monitor.host, monitor.certificate, now));
}

/// Why a probe that is fine otherwise has failed; empty where it has not.
inline std::string find_refusal(const CertificateReport* report, const MonitorSpec& monitor) {
  const bool is_required = monitor.certificate.policy == CertificatePolicy::kRequire;
  if (!is_required || report == nullptr || report->errors.empty()) return "";
  return "certificate " + report->errors.front();
}

}  // namespace gslb::health

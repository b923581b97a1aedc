// What a TLS server shows as its certificate: any that OpenSSL reads is described in printable
// lines, whatever stands in it.

#include <openssl/x509.h>

#include <string>

#include "health/certificate.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  STACK_OF(X509)* const chain = sk_X509_new_null();
  const auto octets = fuzz::Input(data, size).rest();
  const unsigned char* at = octets.data();
  const unsigned char* const end = at + octets.size();
  while (at < end) {
    X509* const certificate = d2i_X509(nullptr, &at, end - at);
    if (certificate == nullptr) break;
    sk_X509_push(chain, certificate);
  }
  if (sk_X509_num(chain) > 0) {
    health::CertificateSpec spec;
    spec.policy = health::CertificatePolicy::kWarn;
    const std::chrono::sys_seconds now{std::chrono::seconds{1'795'525'200}};
    const auto report = health::examine_certificate(chain, "vpn.example.com", spec, now);
    for (const std::string& text : {report.subject, report.issuer, report.key}) {
      fuzz::require_one_line(text);
    }
    for (const auto& texts : {report.errors, report.warnings}) {
      for (const std::string& text : texts) fuzz::require_one_line(text);
    }
    fuzz::require(report.fingerprint.size() == 64, "it has a fingerprint");
    static_cast<void>(health::days_left(report, now));
  }
  sk_X509_pop_free(chain, X509_free);
  return 0;
}

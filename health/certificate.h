#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "health/spec.h"

struct stack_st_X509;  // STACK_OF(X509) of OpenSSL.

namespace gslb::health {

/// What a TLS server showed of itself, and what is wrong with it. Texts that come from the
/// certificate are printable ASCII.
struct CertificateReport {
  std::string subject;      ///< "CN=vpn.example.com" (RFC 2253)
  std::string issuer;       ///< Likewise.
  std::string fingerprint;  ///< SHA-256, in lower-case hexadecimal.
  std::string key;          ///< "RSA 2048 bits"
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  std::vector<std::string> errors;    ///< Why a client refuses it: "has expired on 2026-11-01".
  std::vector<std::string> warnings;  ///< What will or should be mended: "expires on 2026-12-01".

  bool operator==(const CertificateReport&) const = default;
};

/// Examines a chain as it came, the server's own certificate first: its path to a trust anchor
/// (RFC 5280 §6.1), its validity at `now`, that it carries `host` (RFC 6125; empty: not asked), its
/// key and signatures. Revocation is not looked up. Thread-safe.
CertificateReport examine_certificate(stack_st_X509* chain, const std::string& host,
                                      const CertificateSpec& spec, std::chrono::sys_seconds now);

/// Whole days from `now` until the certificate expires, negative where it has.
int days_left(const CertificateReport& certificate, std::chrono::sys_seconds now);

}  // namespace gslb::health

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace gslb::support {

/// A certificate with its key, made on the spot. Copies share both.
struct Identity {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
  std::vector<std::shared_ptr<X509>> chain;  ///< What a server sends behind its own.

  std::string certificate_pem() const;
  std::string key_pem() const;
};

struct IdentityOptions {
  std::string name = "vpn.example.com";  ///< CN, and DNS in the subject alternative names.
  int valid_from_days = -1;              ///< From now.
  int valid_to_days = 30;
  bool is_authority = false;
  int rsa_bits = 0;  ///< 0: an EC key on P-256.
  const char* digest = "SHA256";
};

/// Self-signed, or signed by `issuer`. Throws std::runtime_error.
Identity make_identity(const IdentityOptions& options = {}, const Identity* issuer = nullptr);

}  // namespace gslb::support

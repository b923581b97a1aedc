#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

struct x509_store_st;  // X509_STORE of OpenSSL.

namespace gslb::health {

/// The authorities whose certificates count (trust anchors, RFC 5280 §6.1.1). Immutable and
/// thread-safe.
class TrustAnchors {
 public:
  /// Those that the system trusts; what is in its store is looked up when it is needed, so that a
  /// change takes effect by itself.
  static std::shared_ptr<const TrustAnchors> system();

  /// Those of a PEM file with one certificate or more. The error is complete: "holds no
  /// certificate; …".
  static tl::expected<std::shared_ptr<const TrustAnchors>, std::string> parse(std::string_view pem);

  TrustAnchors(const TrustAnchors&) = delete;
  TrustAnchors& operator=(const TrustAnchors&) = delete;
  ~TrustAnchors();

  /// SHA-256 of the file, in hexadecimal.
  const std::string& digest() const noexcept { return digest_; }
  x509_store_st* native() const noexcept { return store_; }

 private:
  TrustAnchors() = default;

  x509_store_st* store_ = nullptr;
  std::string digest_;
};

}  // namespace gslb::health

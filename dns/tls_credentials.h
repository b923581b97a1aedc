#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

// OpenSSL's SSL_CTX, without its header.
struct ssl_ctx_st;

namespace gslb::dns {

/// A certificate chain and its key, ready to serve DNS over TLS with (RFC 7858, RFC 8310): TLS 1.2
/// or later. Immutable once made; any number of threads may use it at once.
class TlsCredentials {
 public:
  struct Error {
    bool is_about_key = false;  ///< False: about the certificate chain.
    std::string text;           ///< "what is wrong; what to do"
  };

  /// Both in PEM form, the server's own certificate first.
  static tl::expected<std::shared_ptr<const TlsCredentials>, Error> make(
      const std::string& certificate_chain, const std::string& key);

  ssl_ctx_st* native() const noexcept { return context_.get(); }

 private:
  struct Deleter {
    void operator()(ssl_ctx_st* context) const noexcept;
  };

  explicit TlsCredentials(ssl_ctx_st* context) : context_(context) {}

  std::unique_ptr<ssl_ctx_st, Deleter> context_;
};

}  // namespace gslb::dns

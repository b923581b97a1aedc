#include "dns/tls_credentials.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <cstring>

namespace gslb::dns {
namespace {

struct BioFree {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct CertificateFree {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, CertificateFree>;

Bio reading(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

tl::unexpected<std::string> fail(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = what;
  if (reason != nullptr) text += std::string(" (") + reason + ")";
  ERR_clear_error();
  return tl::unexpected<std::string>(std::move(text));
}

/// An encrypted key must not make OpenSSL ask for its password on the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

tl::expected<void, std::string> use_chain(SSL_CTX* context, const std::string& chain) {
  const Bio bio = reading(chain);
  const Certificate own(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr));
  if (!own) return fail("holds no certificate in PEM form; write the server's chain there");
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return fail("has an unusable certificate");
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return fail("has an unusable certificate in its chain");
    }
  }
  ERR_clear_error();  // Of the end of the file.
  return {};
}

tl::expected<void, std::string> use_key(SSL_CTX* context, const std::string& text) {
  const Bio bio = reading(text);
  const std::unique_ptr<EVP_PKEY, KeyFree> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!key) return fail("holds no private key in PEM form without a password");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return fail("does not belong to the certificate");
  }
  return {};
}

/// RFC 7301: "dot" to the client that offers it (IANA ALPN protocol ids); any other goes without.
int select_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                const unsigned char* in, unsigned int in_size, void* /*data*/) {
  static constexpr std::array<unsigned char, 4> kDot = {3, 'd', 'o', 't'};
  for (unsigned int at = 0; at < in_size; at += 1U + in[at]) {
    if (in_size - at < kDot.size() || std::memcmp(in + at, kDot.data(), kDot.size()) != 0) continue;
    *out = in + at + 1;
    *out_size = 3;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

void TlsCredentials::Deleter::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}

tl::expected<std::shared_ptr<const TlsCredentials>, TlsCredentials::Error> TlsCredentials::make(
    const std::string& certificate_chain, const std::string& key) {
  const std::shared_ptr<const TlsCredentials> credentials(
      new TlsCredentials(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* context = credentials->native();
  if (context == nullptr) return tl::make_unexpected(Error{false, "cannot be used: out of memory"});
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // 34 kB less for each idle connection.
  SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  if (auto used = use_chain(context, certificate_chain); !used) {
    return tl::make_unexpected(Error{false, used.error()});
  }
  if (auto used = use_key(context, key); !used) {
    return tl::make_unexpected(Error{true, used.error()});
  }
  return credentials;
}

}  // namespace gslb::dns

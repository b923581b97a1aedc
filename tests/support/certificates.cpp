#include "tests/support/certificates.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace gslb::support {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()), X509_EXTENSION_free);
  require(extension != nullptr, "cannot make an extension");
  X509_add_ext(certificate, extension.get(), -1);
}

template <typename Write>
std::string pem_of(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  write(bio.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::string Identity::certificate_pem() const {
  return pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); });
}

std::string Identity::key_pem() const {
  return pem_of([&](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Identity make_identity(const IdentityOptions& options, const Identity* issuer) {
  constexpr long kDay = 86'400;
  static std::atomic<long> serial{1};
  Identity identity;
  identity.key.reset(options.rsa_bits > 0 ? EVP_RSA_gen(static_cast<std::size_t>(options.rsa_bits))
                                          : EVP_EC_gen("P-256"),
                     EVP_PKEY_free);
  require(identity.key != nullptr, "cannot make a key");
  identity.certificate.reset(X509_new(), X509_free);
  X509* const x509 = identity.certificate.get();
  require(x509 != nullptr, "cannot make a certificate");
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x509), kDay * options.valid_from_days);
  // Not to the second, so that a count of whole days is certain.
  X509_time_adj_ex(X509_getm_notAfter(x509), options.valid_to_days, kDay / 24, nullptr);
  X509_set_pubkey(x509, identity.key.get());

  X509_NAME* const subject = X509_get_subject_name(x509);
  const std::vector<unsigned char> name(options.name.begin(), options.name.end());
  if (!name.empty()) {
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name.data(),
                               static_cast<int>(name.size()), -1, 0);
  }
  X509_set_issuer_name(
      x509, issuer == nullptr ? subject : X509_get_subject_name(issuer->certificate.get()));
  if (options.is_authority) {
    add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
  } else if (!name.empty()) {
    add_extension(x509, NID_subject_alt_name, "DNS:" + options.name);
  }
  EVP_PKEY* const signer = issuer == nullptr ? identity.key.get() : issuer->key.get();
  require(X509_sign(x509, signer, EVP_get_digestbyname(options.digest)) != 0,
          "cannot sign the certificate");
  return identity;
}

}  // namespace gslb::support

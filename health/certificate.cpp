#include "health/certificate.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "health/openssl_ptr.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

using std::chrono::sys_seconds;

constexpr std::size_t kMaxNameLength = 200;
constexpr int kMinRsaBits = 2048;
constexpr int kMinEcBits = 224;

std::string day_of(sys_seconds time) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time_t{time.time_since_epoch().count()}));
}

sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  // Not by way of system_clock, whose nanoseconds end in 2262: 9999 is a year for certificates that
  // do not expire (RFC 5280 §4.1.2.5).
  return sys_seconds{std::chrono::seconds{::timegm(&parts)}};
}

std::string name_of(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "(no name)";
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  // A name may be empty where the alternative names say it all (RFC 5280 §4.2.1.6).
  if (size <= 0) return "(no name)";
  return printable({text, static_cast<std::size_t>(size)}, kMaxNameLength);
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

void add_once(std::vector<std::string>& texts, std::string text) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
}

/// What is examined, while it is: the callback of the verification adds to it.
class Examination {
 public:
  Examination(STACK_OF(X509) * chain, const std::string& host, const CertificateSpec& spec,
              sys_seconds now)
      : chain_(chain), leaf_(sk_X509_value(chain, 0)), host_(host), spec_(spec), now_(now) {}

  CertificateReport run() {
    report_.subject = name_of(X509_get_subject_name(leaf_));
    report_.issuer = name_of(X509_get_issuer_name(leaf_));
    report_.fingerprint = fingerprint_of(leaf_);
    report_.not_before = time_of(X509_get0_notBefore(leaf_));
    report_.not_after = time_of(X509_get0_notAfter(leaf_));
    verify_chain();
    check_host();
    check_days();
    check_key();
    for (int i = 0; i < sk_X509_num(chain_); ++i) check_signature(sk_X509_value(chain_, i));
    ERR_clear_error();
    return std::move(report_);
  }

 private:
  void verify_chain() {
    const X509StoreCtxPtr context(X509_STORE_CTX_new());
    const auto trust = spec_.trust ? spec_.trust : TrustAnchors::system();
    if (!context || X509_STORE_CTX_init(context.get(), trust->native(), leaf_, chain_) != 1) {
      report_.errors.emplace_back("cannot be verified: out of memory");
      return;
    }
    X509_STORE_CTX_set_default(context.get(), "ssl_server");
    X509_STORE_CTX_set_time(context.get(), 0, std::chrono::system_clock::to_time_t(now_));
    X509_STORE_CTX_set_app_data(context.get(), this);
    X509_STORE_CTX_set_verify_cb(context.get(), [](int ok, X509_STORE_CTX* found) {
      if (ok == 0) {
        static_cast<Examination*>(X509_STORE_CTX_get_app_data(found))->add_error(found);
      }
      return 1;  // Goes on, so that all errors are found in one run.
    });
    X509_verify_cert(context.get());
  }

  void add_error(X509_STORE_CTX* context) {
    const X509* const certificate = X509_STORE_CTX_get_current_cert(context);
    const int depth = X509_STORE_CTX_get_error_depth(context);
    const std::string whose =
        depth == 0 || certificate == nullptr
            ? ""
            : fmt::format("issuer {} ", name_of(X509_get_subject_name(certificate)));
    add_once(report_.errors, whose + describe(X509_STORE_CTX_get_error(context),
                                              certificate ? certificate : leaf_));
  }

  std::string describe(int error, const X509* certificate) const {
    switch (error) {
      case X509_V_ERR_CERT_HAS_EXPIRED:
        return "has expired on " + day_of(time_of(X509_get0_notAfter(certificate)));
      case X509_V_ERR_CERT_NOT_YET_VALID:
        return "is not valid before " + day_of(time_of(X509_get0_notBefore(certificate)));
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "is self-signed";
      case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "is not a trusted authority";
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return fmt::format("is signed by {}, which is neither a trusted authority nor in the chain",
                           name_of(X509_get_issuer_name(certificate)));
      default:
        return fmt::format("is refused: {}", X509_verify_cert_error_string(error));
    }
  }

  void check_host() {
    if (host_.empty()) return;
    if (X509_check_host(leaf_, host_.data(), host_.size(), 0, nullptr) == 1) return;
    if (X509_check_ip_asc(leaf_, host_.c_str(), 0) == 1) return;
    report_.errors.push_back(fmt::format("does not carry the name {}", host_));
  }

  void check_days() {
    const int days = days_left(report_, now_);
    if (now_ >= report_.not_after || days >= static_cast<int>(spec_.warn_days)) return;
    report_.warnings.push_back(fmt::format("expires on {}, in {} day{}", day_of(report_.not_after),
                                           days, days == 1 ? "" : "s"));
  }

  void check_key() {
    const EVP_PKEY* const key = X509_get0_pubkey(leaf_);
    if (key == nullptr) {
      report_.key = "unknown";
      report_.errors.emplace_back("has a key that cannot be read");
      return;
    }
    const int bits = EVP_PKEY_get_bits(key);
    const char* const type = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
    const bool is_rsa = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
    const bool is_ec = EVP_PKEY_is_a(key, "EC") == 1;
    report_.key = fmt::format("{} {} bits", is_rsa ? "RSA" : is_ec ? "EC" : type, bits);
    if ((is_rsa && bits < kMinRsaBits) || (is_ec && bits < kMinEcBits)) {
      report_.warnings.push_back(fmt::format("has a weak key ({})", report_.key));
    }
  }

  /// What an authority signs itself with is of no importance: it is trusted or it is not.
  void check_signature(X509* certificate) {
    if (certificate != leaf_ && X509_self_signed(certificate, 0) == 1) return;
    int digest = NID_undef;
    X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr);
    if (digest != NID_md5 && digest != NID_sha1 && digest != NID_md4) return;
    add_once(
        report_.warnings,
        fmt::format("{}has a weak signature ({})",
                    certificate == leaf_
                        ? ""
                        : fmt::format("issuer {} ", name_of(X509_get_subject_name(certificate))),
                    OBJ_nid2sn(digest)));
  }

  STACK_OF(X509) * chain_;
  X509* leaf_;
  const std::string& host_;
  const CertificateSpec& spec_;
  const sys_seconds now_;
  CertificateReport report_;
};

}  // namespace

CertificateReport examine_certificate(stack_st_X509* chain, const std::string& host,
                                      const CertificateSpec& spec, sys_seconds now) {
  return Examination(chain, host, spec, now).run();
}

int days_left(const CertificateReport& certificate, sys_seconds now) {
  return static_cast<int>(
      std::chrono::floor<std::chrono::days>(certificate.not_after - now).count());
}

}  // namespace gslb::health

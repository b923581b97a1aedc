#include "health/trust_anchors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <array>

#include "health/openssl_ptr.h"

namespace gslb::health {
namespace {

std::string sha256(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  // OpenSSL reads octets as unsigned char.
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace

std::shared_ptr<const TrustAnchors> TrustAnchors::system() {
  static const std::shared_ptr<const TrustAnchors> kSystem = [] {
    const std::shared_ptr<TrustAnchors> anchors(new TrustAnchors);
    anchors->store_ = X509_STORE_new();
    if (anchors->store_ != nullptr) X509_STORE_set_default_paths(anchors->store_);
    return anchors;
  }();
  return kSystem;
}

tl::expected<std::shared_ptr<const TrustAnchors>, std::string> TrustAnchors::parse(
    std::string_view pem) {
  const std::shared_ptr<TrustAnchors> anchors(new TrustAnchors);
  anchors->digest_ = sha256(pem);
  anchors->store_ = X509_STORE_new();
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (anchors->store_ == nullptr || !bio) return tl::make_unexpected(std::string("out of memory"));
  int count = 0;
  while (const X509Ptr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(anchors->store_, certificate.get());
    ++count;
  }
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_at_end) {
    return tl::make_unexpected(
        fmt::format("cannot be read behind certificate {}; write certificates in PEM form", count));
  }
  if (count == 0) {
    return tl::make_unexpected(
        std::string("holds no certificate; write those of the authorities in PEM form"));
  }
  return anchors;
}

TrustAnchors::~TrustAnchors() { X509_STORE_free(store_); }

}  // namespace gslb::health

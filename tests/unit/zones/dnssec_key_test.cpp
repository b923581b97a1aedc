#include "zones/dnssec_key.h"

// Before ldns, which otherwise makes macros of bool, true and false.
#include <stdbool.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "zones/master_file_text.h"

namespace gslb::zones {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Octets = std::vector<std::uint8_t>;
using Time = std::chrono::sys_seconds;

constexpr Time kNow{1'800'000'000s};

dns::Name name(std::string_view text) { return dns::parse_name(text).value(); }

std::shared_ptr<const DnssecKey> make(KeyAlgorithm algorithm, const Octets& private_key,
                                      const KeyTiming& timing = {}) {
  return DnssecKey::make(name("example.com"), 257, algorithm, private_key, timing).value();
}

std::shared_ptr<const DnssecKey> with_timing(const KeyTiming& timing) {
  static const Octets kSeed = make_private_key(KeyAlgorithm::kEd25519);
  return make(KeyAlgorithm::kEd25519, kSeed, timing);
}

struct Published {
  KeyAlgorithm algorithm;
  const char* private_key;
  const char* dnskey;  ///< The public key field.
  std::uint16_t tag;
  const char* ds;  ///< The SHA-256 digest.
};

/// RFC 6605 §6.1 and RFC 8080 §6.1.
const std::vector<Published>& published_keys() {
  static const std::vector<Published> keys{
      {KeyAlgorithm::kEcdsaP256Sha256, "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=",
       "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
       55648, "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"},
      {KeyAlgorithm::kEd25519, "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
       "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", 3613,
       "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b"}};
  return keys;
}

TEST(DnssecKey, HasThePublicHalfTagAndDsOfTheExamplesInTheRfcs) {
  for (const Published& example : published_keys()) {
    SCOPED_TRACE(example.tag);
    // The one of RFC 6605 is of example.net.
    const bool is_p256 = example.algorithm == KeyAlgorithm::kEcdsaP256Sha256;
    const auto key = DnssecKey::make(name(is_p256 ? "Example.NET" : "Example.com"), 257,
                                     example.algorithm, *decode_base64(example.private_key), {})
                         .value();
    EXPECT_EQ(key->tag(), example.tag);
    Octets dnskey{1, 1, 3, static_cast<std::uint8_t>(example.algorithm)};
    const Octets public_key = *decode_base64(example.dnskey);
    dnskey.insert(dnskey.end(), public_key.begin(), public_key.end());
    EXPECT_EQ(key->dnskey(), dnskey);
    Octets ds{static_cast<std::uint8_t>(example.tag >> 8), static_cast<std::uint8_t>(example.tag),
              static_cast<std::uint8_t>(example.algorithm), 2};
    const Octets digest = *decode_hex(example.ds);
    ds.insert(ds.end(), digest.begin(), digest.end());
    EXPECT_EQ(ds_rdata(*key, DsDigest::kSha256), ds);
    const Octets longer = ds_rdata(*key, DsDigest::kSha384);
    EXPECT_EQ(longer.size(), 4U + 48U);
    EXPECT_EQ(longer[3], 4);
  }
}

struct RrFree {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct ListFree {
  void operator()(ldns_rr_list* list) const { ldns_rr_list_free(list); }
};
using Rr = std::unique_ptr<ldns_rr, RrFree>;

Rr rr(const std::string& text) {
  ldns_rr* out = nullptr;
  EXPECT_EQ(ldns_rr_new_frm_str(&out, text.c_str(), 0, nullptr, nullptr), LDNS_STATUS_OK) << text;
  return Rr(out);
}

std::string base64(std::span<const std::uint8_t> octets) {
  const std::unique_ptr<ldns_rdf, decltype(&ldns_rdf_deep_free)> rdf(
      ldns_rdf_new_frm_data(LDNS_RDF_TYPE_B64, octets.size(), octets.data()), ldns_rdf_deep_free);
  const std::unique_ptr<char, decltype(&std::free)> text(ldns_rdf2str(rdf.get()), std::free);
  return text.get();
}

/// An RRSIG over "example.com. 3600 IN MX 10 mail.example.com.", made as RFC 4034 §3.1.8.1 says.
Rr signed_by(const DnssecKey& key) {
  const std::string zone = "\7example\3com";
  std::string data{"\0\x0F", 2};
  data += static_cast<char>(key.algorithm());
  data += std::string("\2\0\0\x0E\x10\x55\xD4\xFC\x60\x55\xB9\x4C\xE0", 13);
  data += static_cast<char>(key.tag() >> 8);
  data += static_cast<char>(key.tag());
  data += zone + '\0' + zone + std::string("\0\0\x0F\0\1\0\0\x0E\x10\0\x14\0\x0A\4mail", 18) +
          zone + '\0';
  const Octets octets(data.begin(), data.end());
  const Octets signature = key.sign(octets);
  EXPECT_EQ(signature.size(), 64U);
  return rr("example.com. 3600 IN RRSIG MX " +
            std::to_string(static_cast<unsigned>(key.algorithm())) +
            " 2 3600 1440021600 1438207200 " + std::to_string(key.tag()) + " example.com. " +
            base64(signature));
}

/// Whenever it was made.
ldns_status verify(const std::string& record, const Rr& signature, const Rr& dnskey) {
  const Rr owned = rr(record);
  const std::unique_ptr<ldns_rr_list, ListFree> records(ldns_rr_list_new());
  const std::unique_ptr<ldns_rr_list, ListFree> keys(ldns_rr_list_new());
  const std::unique_ptr<ldns_rr_list, ListFree> good(ldns_rr_list_new());
  ldns_rr_list_push_rr(records.get(), owned.get());
  ldns_rr_list_push_rr(keys.get(), dnskey.get());
  return ldns_verify_rrsig_keylist_notime(records.get(), signature.get(), keys.get(), good.get());
}

TEST(DnssecKey, SignsWhatLdnsVerifies) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::kEcdsaP256Sha256, KeyAlgorithm::kEd25519}) {
    SCOPED_TRACE(to_string(algorithm));
    // Often, since a number may begin with zeros (1 in 256).
    for (int i = 0; i < 600; ++i) {
      const auto key = make(algorithm, make_private_key(algorithm));
      const Rr signature = signed_by(*key);
      const Rr dnskey = rr("example.com. 3600 IN DNSKEY 257 3 " +
                           std::to_string(static_cast<unsigned>(algorithm)) + " " +
                           base64(std::span(key->dnskey()).subspan(4)));
      ASSERT_EQ(ldns_calc_keytag(dnskey.get()), key->tag());
      ASSERT_EQ(verify("example.com. 3600 IN MX 10 mail.example.com.", signature, dnskey),
                LDNS_STATUS_OK);
      ASSERT_EQ(verify("example.com. 3600 IN MX 11 mail.example.com.", signature, dnskey),
                LDNS_STATUS_CRYPTO_BOGUS);
    }
  }
}

TEST(DnssecKey, SignsTheExampleOfRfc8080) {
  // §6.1; Ed25519 gives the same signature every time.
  const auto key = make(KeyAlgorithm::kEd25519, *decode_base64(published_keys()[1].private_key));
  const Rr signature = signed_by(*key);
  const std::unique_ptr<char, decltype(&std::free)> text(
      ldns_rdf2str(ldns_rr_rrsig_sig(signature.get())), std::free);
  EXPECT_STREQ(
      text.get(),
      "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqN"
      "Ag==");
}

TEST(DnssecKey, RefusesWhatIsNoPrivateKey) {
  struct Case {
    const char* what;
    KeyAlgorithm algorithm;
    Octets private_key;
    const char* error;
  };
  // The order of P-256 (FIPS 186-4 D.1.2.3).
  const Octets order =
      *decode_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  Octets largest = order;
  largest.back() -= 1;
  const std::vector<Case> cases{
      {"a scalar of zero", KeyAlgorithm::kEcdsaP256Sha256, Octets(32), "is not one of ECDSAP256"},
      {"the order of the curve", KeyAlgorithm::kEcdsaP256Sha256, order, "is not one of ECDSAP256"},
      {"nothing", KeyAlgorithm::kEcdsaP256Sha256, {}, "has 0 octets"},
      {"a long scalar", KeyAlgorithm::kEcdsaP256Sha256, Octets(33, 1), "has 33 octets"},
      {"a short seed", KeyAlgorithm::kEd25519, Octets(31, 1), "has 31 octets, and one of ED25519"},
      {"a long seed", KeyAlgorithm::kEd25519, Octets(64, 1), "has 64 octets"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto key = DnssecKey::make(name("example.com"), 257, c.algorithm, c.private_key, {});
    ASSERT_FALSE(key.has_value());
    EXPECT_THAT(key.error(), HasSubstr(c.error));
  }
  EXPECT_TRUE(
      DnssecKey::make(name("example.com"), 257, KeyAlgorithm::kEcdsaP256Sha256, largest, {}));
}

TEST(DnssecKey, TakesAScalarWithoutItsLeadingZeros) {
  Octets padded(32);
  padded[31] = 7;
  const auto key = make(KeyAlgorithm::kEcdsaP256Sha256, {7});
  EXPECT_EQ(key->dnskey(), make(KeyAlgorithm::kEcdsaP256Sha256, padded)->dnskey());
}

TEST(DnssecKey, NamesItsFilesAsBindDoes) {
  const auto file_name = [](const char* zone) {
    return DnssecKey::make(name(zone), 256, KeyAlgorithm::kEd25519,
                           *decode_base64(published_keys()[1].private_key), {})
        .value()
        ->file_name();
  };
  EXPECT_EQ(file_name("GSLB.Example.com"), "Kgslb.example.com.+015+03612");
  EXPECT_EQ(file_name("we/ird_.example.com"), "Kwe%2Fird_.example.com.+015+03612");
  EXPECT_EQ(file_name("a\\.b.example"), "Ka%2Eb.example.+015+03612");
  EXPECT_EQ(file_name("."), "K.+015+03612");
}

/// Whether a key with this timing is published, active and in CDS: "pas", with '-' for no.
std::string states(const KeyTiming& timing, Time now = kNow) {
  const auto key = with_timing(timing);
  std::string text;
  text += key->is_published(now) ? 'p' : '-';
  text += key->is_active(now) ? 'a' : '-';
  text += key->is_sync_published(now) ? 's' : '-';
  return text;
}

TEST(DnssecKey, TimesMeanWhatTheyMeanToBind) {
  const Time past = kNow - 1s;
  const Time future = kNow + 1s;
  struct Case {
    const char* what;
    KeyTiming timing;
    const char* states;
  };
  const std::vector<Case> cases{
      {"no times (dnssec-keygen -G)", {.created = past}, "---"},
      {"published", {.publish = past}, "p--"},
      {"from that second on", {.publish = kNow, .activate = kNow, .sync_publish = kNow}, "pas"},
      {"not before it", {.publish = future, .activate = future, .sync_publish = future}, "---"},
      {"published ahead", {.publish = past, .activate = future}, "p--"},
      {"to be activated, without Publish", {.activate = future}, "---"},
      {"active, without Publish", {.activate = past}, "pa-"},
      {"active, so published too", {.publish = future, .activate = past}, "pa-"},
      {"inactive", {.publish = past, .activate = past, .inactive = kNow}, "p--"},
      {"inactive, without Publish", {.activate = past, .inactive = past}, "p--"},
      {"to be inactive", {.publish = past, .activate = past, .inactive = future}, "pa-"},
      {"deleted", {.publish = past, .activate = past, .remove = kNow, .sync_publish = past}, "---"},
      {"to be deleted", {.publish = past, .activate = past, .remove = future}, "pa-"},
      {"in CDS", {.publish = past, .activate = past, .sync_publish = past}, "pas"},
      {"no longer in CDS",
       {.publish = past, .activate = past, .sync_publish = past, .sync_remove = kNow},
       "pa-"},
      {"CDS without DNSKEY", {.sync_publish = past}, "---"}};
  for (const Case& c : cases) EXPECT_EQ(states(c.timing), c.states) << c.what;
}

TEST(DnssecKey, TellsItsNextChange) {
  const KeyTiming timing{.created = kNow + 1s,  // Changes nothing.
                         .publish = kNow,
                         .activate = kNow + 30s,
                         .inactive = kNow + 60s,
                         .remove = kNow + 90s,
                         .sync_publish = kNow + 31s,
                         .sync_remove = kNow + 61s};
  const auto key = with_timing(timing);
  std::vector<std::int64_t> changes;
  for (auto at = key->next_change(kNow - 10s); at; at = key->next_change(*at)) {
    changes.push_back((*at - kNow).count());
  }
  EXPECT_THAT(changes, testing::ElementsAre(0, 30, 31, 60, 61, 90));
}

}  // namespace
}  // namespace gslb::zones

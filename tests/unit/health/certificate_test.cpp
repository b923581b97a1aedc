#include "health/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/certificates.h"

namespace gslb::health {
namespace {

using std::chrono::days;
using std::chrono::sys_seconds;
using support::Identity;
using support::IdentityOptions;
using support::make_identity;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class CertificateTest : public testing::Test {
 protected:
  static CertificateSpec trusting(const Identity& authority) {
    CertificateSpec spec;
    spec.policy = CertificatePolicy::kRequire;
    spec.trust = *TrustAnchors::parse(authority.certificate_pem());
    return spec;
  }

  static CertificateReport examine(const Identity& identity, const CertificateSpec& spec,
                                   const std::string& host = "vpn.example.com") {
    STACK_OF(X509)* const chain = sk_X509_new_null();
    sk_X509_push(chain, identity.certificate.get());
    for (const auto& issuer : identity.chain) sk_X509_push(chain, issuer.get());
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    CertificateReport report = examine_certificate(chain, host, spec, now);
    sk_X509_free(chain);
    return report;
  }

  const Identity authority_ = make_identity({.name = "Example CA", .is_authority = true});
  const CertificateSpec spec_ = trusting(authority_);
};

TEST_F(CertificateTest, AGoodOneIsDescribedAndHasNoFaults) {
  const CertificateReport report = examine(make_identity({}, &authority_), spec_);
  EXPECT_EQ(report.subject, "CN=vpn.example.com");
  EXPECT_EQ(report.issuer, "CN=Example CA");
  EXPECT_EQ(report.key, "EC 256 bits");
  EXPECT_EQ(report.fingerprint.size(), 64U);
  EXPECT_THAT(report.errors, IsEmpty());
  EXPECT_THAT(report.warnings, IsEmpty());
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  EXPECT_EQ(days_left(report, now), 30);
}

TEST_F(CertificateTest, EachFaultIsTold) {
  const Identity other = make_identity({.name = "Other CA", .is_authority = true});
  Identity intermediate =
      make_identity({.name = "Intermediate", .is_authority = true}, &authority_);
  Identity old_intermediate = make_identity(
      {.name = "Old", .valid_from_days = -20, .valid_to_days = -1, .is_authority = true},
      &authority_);
  Identity below = make_identity({}, &intermediate);
  below.chain = {intermediate.certificate};
  Identity below_old = make_identity({}, &old_intermediate);
  below_old.chain = {old_intermediate.certificate};
  const struct {
    const char* title;
    Identity identity;
    std::vector<std::string> errors;  ///< What each begins with.
  } rows[] = {
      {"expired",
       make_identity({.valid_from_days = -10, .valid_to_days = -2}, &authority_),
       {"has expired on 20"}},
      {"not yet valid",
       make_identity({.valid_from_days = 2}, &authority_),
       {"is not valid before 20"}},
      {"another name",
       make_identity({.name = "mail.example.com"}, &authority_),
       {"does not carry the name vpn.example.com"}},
      {"wildcard of the domain", make_identity({.name = "*.example.com"}, &authority_), {}},
      {"self-signed", make_identity({}), {"is self-signed"}},
      {"another authority",
       make_identity({}, &other),
       {"is signed by CN=Other CA, which is neither a trusted authority nor in the chain"}},
      {"intermediate sent", below, {}},
      {"intermediate missing",
       make_identity({}, &intermediate),
       {"is signed by CN=Intermediate, which is neither"}},
      {"intermediate expired", below_old, {"issuer CN=Old has expired on 20"}},
      {"several at once",
       make_identity({.name = "mail.example.com", .valid_from_days = -10, .valid_to_days = -2}),
       {"is self-signed", "has expired on 20", "does not carry the name"}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    const CertificateReport report = examine(row.identity, spec_);
    ASSERT_EQ(report.errors.size(), row.errors.size()) << testing::PrintToString(report.errors);
    for (std::size_t i = 0; i < row.errors.size(); ++i) {
      EXPECT_THAT(report.errors[i], StartsWith(row.errors[i]));
    }
  }
}

TEST_F(CertificateTest, AnAuthorityOfItsOwnThatIsSentIsNotTrusted) {
  const Identity other = make_identity({.name = "Other CA", .is_authority = true});
  Identity identity = make_identity({}, &other);
  identity.chain = {other.certificate};
  EXPECT_THAT(examine(identity, spec_).errors,
              ElementsAre("issuer CN=Other CA is not a trusted authority"));
}

TEST_F(CertificateTest, WhatWillBeAFaultIsAWarning) {
  const struct {
    const char* title;
    Identity identity;
    const char* warning;
  } rows[] = {
      {"soon", make_identity({.valid_to_days = 5}, &authority_), "expires on 20"},
      {"weak key", make_identity({.rsa_bits = 1024}, &authority_),
       "has a weak key (RSA 1024 bits)"},
      {"weak signature", make_identity({.digest = "SHA1"}, &authority_),
       "has a weak signature (SHA1)"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    const CertificateReport report = examine(row.identity, spec_);
    EXPECT_THAT(report.errors, IsEmpty());
    ASSERT_EQ(report.warnings.size(), 1U) << testing::PrintToString(report.warnings);
    EXPECT_THAT(report.warnings[0], StartsWith(row.warning));
  }
  EXPECT_THAT(examine(rows[0].identity, spec_).warnings[0], HasSubstr(", in 5 days"));
  CertificateSpec calm = spec_;
  calm.warn_days = 3;
  EXPECT_THAT(examine(rows[0].identity, calm).warnings, IsEmpty());
}

TEST_F(CertificateTest, OneThatNeverExpiresIsFine) {
  const CertificateReport report =
      examine(make_identity({.valid_to_days = 2'900'000}, &authority_), spec_);
  EXPECT_THAT(report.errors, IsEmpty());
  EXPECT_THAT(report.warnings, IsEmpty());
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  EXPECT_EQ(days_left(report, now), 2'900'000);
}

TEST_F(CertificateTest, AnEmptyNameIsSaidToBeNone) {
  EXPECT_EQ(examine(make_identity({.name = ""}, &authority_), spec_).subject, "(no name)");
}

TEST_F(CertificateTest, WithoutAHostTheNameIsNotAsked) {
  const Identity identity = make_identity({.name = "mail.example.com"}, &authority_);
  EXPECT_THAT(examine(identity, spec_, "").errors, IsEmpty());
}

TEST_F(CertificateTest, TextsOfAHostileCertificateArePrintable) {
  const Identity authority = make_identity({.name = "a\nb\x1b[2J", .is_authority = true});
  const CertificateReport hostile = examine(make_identity({}, &authority), spec_);
  for (const std::string& text : {hostile.issuer, hostile.errors.at(0)}) {
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        << text;
  }
}

TEST(TrustAnchors, WhatIsNoPemIsRefusedWithTheReason) {
  const std::string good = make_identity({.is_authority = true}).certificate_pem();
  EXPECT_EQ(TrustAnchors::parse("").error(),
            "holds no certificate; write those of the authorities in PEM form");
  EXPECT_EQ(TrustAnchors::parse("hello").error(),
            "holds no certificate; write those of the authorities in PEM form");
  std::string cut = good;
  cut.replace(100, 10, "**********");
  EXPECT_THAT(TrustAnchors::parse(good + cut).error(),
              HasSubstr("cannot be read behind certificate 1"));
  EXPECT_TRUE(TrustAnchors::parse("# a comment\n" + good + good));
}

TEST(TrustAnchors, TheSameFileReadTwiceIsTheSame) {
  const std::string pem = make_identity({.is_authority = true}).certificate_pem();
  CertificateSpec a;
  a.trust = *TrustAnchors::parse(pem);
  CertificateSpec b;
  b.trust = *TrustAnchors::parse(pem);
  EXPECT_EQ(a, b);
  b.trust = *TrustAnchors::parse(pem + pem);
  EXPECT_FALSE(a == b);
  b.trust = nullptr;
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace gslb::health

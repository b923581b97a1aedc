#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <string>

#include "app/config.h"
#include "app/config_diff.h"
#include "tests/support/process.h"
#include "zones/dnssec_key_file.h"

// `[zone."NAME"] dnssec`, with keys that are made here: git keeps no private files.
namespace gslb::app {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using zones::KeyAlgorithm;

class DnssecConfig : public testing::Test {
 protected:
  DnssecConfig() { fs::create_directory(keys_); }

  std::shared_ptr<const zones::DnssecKey> generate(
      KeyAlgorithm algorithm = KeyAlgorithm::kEcdsaP256Sha256) {
    constexpr std::chrono::sys_seconds kPast{1'700'000'000s};
    return zones::generate_key(keys_, dns::parse_name("gslb.example.com").value(), algorithm, true,
                               {.publish = kPast, .activate = kPast})
        .value();
  }

  ConfigResult load(const std::string& dnssec = R"({ key_dir = "keys" })") {
    return parse_config("[zone.\"gslb.example.com\"]\nnameservers = { \"ns.example.net\" = [] }\n" +
                            (dnssec.empty() ? "" : "dnssec = " + dnssec + "\n"),
                        (folder_.path() / "gslbd.toml").string(), 1);
  }

  std::vector<std::string> messages(const std::string& dnssec = R"({ key_dir = "keys" })") {
    std::vector<std::string> out;
    for (const Diagnostic& diagnostic : load(dnssec).diagnostics) {
      std::string text = diagnostic.to_string();
      EXPECT_TRUE(text.starts_with(folder_.path().string()));
      out.push_back(text.substr(folder_.path().string().size() + 1));
    }
    return out;
  }

  support::TemporaryFolder folder_;
  fs::path keys_ = folder_.path() / "keys";
};

TEST_F(DnssecConfig, AZoneIsNotSignedByDefault) {
  const auto config = load("").config;
  ASSERT_NE(config, nullptr);
  EXPECT_FALSE(config->zones[0].signing);
}

TEST_F(DnssecConfig, KeysAreReadFromTheFolderBesideTheFile) {
  const auto key = generate();
  const auto config = load().config;
  ASSERT_NE(config, nullptr);
  ASSERT_TRUE(config->zones[0].signing);
  ASSERT_THAT(config->zones[0].signing->keys, SizeIs(1));
  EXPECT_EQ(config->zones[0].signing->keys[0]->dnskey(), key->dnskey());
  EXPECT_EQ(config->zones[0].signing->validity, 14 * 24h);
  EXPECT_THAT(config->files, ElementsAre(keys_));
}

TEST_F(DnssecConfig, ASignedZoneIsNotTransferred) {
  generate();
  support::write_file(folder_.path() / "secret", "c2VjcmV0IG9mIHNpeHRlZW4gb2N0ZXRz\n");
  const ConfigResult result = load(
      "{ key_dir = \"keys\" }\nallow_transfer = [\"192.0.2.1\"]\ntransfer_key = \"t\"\n"
      "[tsig.t]\nsecret_file = \"secret\"");
  ASSERT_EQ(result.config, nullptr);
  ASSERT_THAT(result.diagnostics, SizeIs(1));
  EXPECT_THAT(result.diagnostics[0].to_string(),
              HasSubstr("allow_transfer: a zone with dnssec is not transferred; remove this"));
}

TEST_F(DnssecConfig, AnAbsolutePathAndAValidityAreTaken) {
  generate();
  const auto config =
      load("{ key_dir = \"" + keys_.string() + "/\", signature_validity = \"36h\" }").config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->zones[0].signing->validity, 36h);
  EXPECT_THAT(config->files, ElementsAre(keys_));
}

TEST_F(DnssecConfig, TheSerialFollowsTheKeys) {
  const auto set_time = [](const fs::path& file, std::time_t time) {
    const std::array<timespec, 2> times{{{time, 0}, {time, 0}}};
    ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times.data(), 0), 0);
  };
  const fs::path stem = keys_ / generate()->file_name();
  set_time(stem.string() + ".key", 1'600'000'000);
  set_time(stem.string() + ".private", 1'600'000'000);
  set_time(keys_, 1'600'000'001);  // When a key was last added or removed.
  EXPECT_EQ(load().config->serial, 1'600'000'001U);
  set_time(stem.string() + ".private", 1'600'000'002);
  EXPECT_EQ(load().config->serial, 1'600'000'002U);
}

TEST_F(DnssecConfig, AFolderWithoutKeysNamesTheCommandThatMakesOne) {
  const std::string dir = keys_.string();
  EXPECT_THAT(
      messages(),
      ElementsAre("gslbd.toml:3:22: error: zone.\"gslb.example.com\".dnssec.key_dir: "
                  "\"keys\": no key for gslb.example.com in " +
                  dir + "; make one with: gslbctl keys generate gslb.example.com --key-dir " +
                  dir));
}

TEST_F(DnssecConfig, EveryErrorOfTheFilesIsReportedAtTheKey) {
  const std::string first = generate()->file_name();
  const std::string second = generate(KeyAlgorithm::kEd25519)->file_name();
  support::write_file(keys_ / (first + ".key"), "");
  fs::remove(keys_ / (second + ".private"));
  EXPECT_THAT(
      messages(),
      ElementsAre("gslbd.toml:3:22: error: zone.\"gslb.example.com\".dnssec.key_dir: \"keys/" +
                      first +
                      ".key\": there is no DNSKEY record in it; restore it from a "
                      "backup, or move both files of the key out of the directory",
                  HasSubstr("key_dir: \"keys/" + second + ".key\": " + second +
                            ".private is missing beside it")));
}

TEST_F(DnssecConfig, AnOpenPrivateKeyIsAWarning) {
  const fs::path file = keys_ / (generate()->file_name() + ".private");
  ASSERT_EQ(::chmod(file.c_str(), 0604), 0);
  const ConfigResult result = load();
  EXPECT_NE(result.config, nullptr);
  ASSERT_THAT(result.diagnostics, SizeIs(1));
  EXPECT_EQ(result.diagnostics[0].severity, Diagnostic::Severity::kWarning);
  EXPECT_EQ(result.diagnostics[0].line, 3U);
  EXPECT_THAT(result.diagnostics[0].message, HasSubstr("everyone on this host may use"));
}

TEST_F(DnssecConfig, ChangesOfKeysAreNamed) {
  const auto unsigned_zone = load("").config;
  const auto first = generate();
  const auto one = load().config;
  EXPECT_THAT(describe_changes(*unsigned_zone, *one),
              ElementsAre("zone gslb.example.com: is signed now"));
  EXPECT_THAT(describe_changes(*one, *unsigned_zone),
              ElementsAre("zone gslb.example.com: is no longer signed"));
  EXPECT_THAT(describe_changes(*one, *load().config), IsEmpty());

  const auto second = generate(KeyAlgorithm::kEd25519);
  const auto two = load().config;
  EXPECT_THAT(describe_changes(*one, *two),
              ElementsAre("zone gslb.example.com: key " + second->file_name() + " added"));
  EXPECT_THAT(describe_changes(*two, *one),
              ElementsAre("zone gslb.example.com: key " + second->file_name() + " removed"));

  zones::KeyTiming timing = first->timing();
  timing.sync_publish = timing.activate;
  ASSERT_TRUE(zones::set_key_timing(keys_, *first, timing));
  const auto changed = load(R"({ key_dir = "keys", signature_validity = "48h" })").config;
  EXPECT_THAT(
      describe_changes(*two, *changed),
      ElementsAre("zone gslb.example.com: signature_validity 336h -> 48h",
                  "zone gslb.example.com: key " + first->file_name() + ": its times changed"));
}

}  // namespace
}  // namespace gslb::app

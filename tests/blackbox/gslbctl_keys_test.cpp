// gslbctl keys, and that its keys and those of BIND's tools are the same.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace gslb::blackbox {
namespace {

namespace fs = std::filesystem;
using support::Finished;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kZone = "gslb.example.com";

class GslbctlKeys : public testing::Test {
 protected:
  GslbctlKeys() { fs::create_directory(keys_); }

  /// `gslbctl keys COMMAND gslb.example.com --key-dir KEYS ARGUMENTS`
  Finished keys(const std::string& command, const std::vector<std::string>& arguments = {}) const {
    std::vector<std::string> line{GSLBCTL_BINARY, "keys",      command,
                                  kZone,          "--key-dir", keys_.string()};
    line.insert(line.end(), arguments.begin(), arguments.end());
    return support::run(line);
  }

  /// The name of the files of a new key; fails the test where there is none.
  std::string generate(const std::vector<std::string>& arguments = {}) const {
    const Finished made = keys("generate", arguments);
    EXPECT_EQ(made.status, 0) << made.output;
    return made.output.substr(0, made.output.find('\n'));
  }

  static std::string tag_of(const std::string& name) {
    return std::to_string(std::stoi(name.substr(name.size() - 5)));
  }

  fs::path path(const std::string& file) const { return keys_ / file; }

  support::TemporaryFolder folder_;
  fs::path keys_ = folder_.path() / "keys";
};

TEST_F(GslbctlKeys, TheDsIsThatOfDnssecDsfromkey) {
  for (const char* algorithm : {"ecdsap256sha256", "ED25519"}) {
    const std::string name = generate({"--algorithm", algorithm});
    const Finished expected =
        support::run({"dnssec-dsfromkey", "-2", path(name + ".key").string()});
    ASSERT_EQ(expected.status, 0) << expected.output;
    const Finished ds = keys("ds");
    EXPECT_EQ(ds.status, 0);
    EXPECT_EQ(ds.output, expected.output);
    EXPECT_THAT(keys("ds", {"--json"}).output,
                AllOf(testing::StartsWith(
                          "{\"zone\":\"gslb.example.com\",\"ds\":[{\"tag\":" + tag_of(name) + ","),
                      HasSubstr(expected.output.substr(0, expected.output.size() - 1))));
    fs::remove(path(name + ".key"));
    fs::remove(path(name + ".private"));
  }
}

TEST_F(GslbctlKeys, AZoneIsSignedWithThemByBindAndIsValid) {
  for (const char* algorithm : {"ecdsap256sha256", "ed25519"}) {
    generate({"--role", "ksk", "--algorithm", algorithm});
    generate({"--role", "zsk", "--algorithm", algorithm});
  }
  const fs::path zone = folder_.path() / "zone";
  support::write_file(zone,
                      "@ 300 SOA ns.example.net. hostmaster 1 3600 600 86400 60\n"
                      "@ 300 NS ns.example.net.\nvpn 30 A 203.0.113.10\n");
  const Finished made = support::run({"dnssec-signzone", "-S", "-K", keys_.string(), "-o", kZone,
                                      "-d", folder_.path().string(), zone.string()});
  EXPECT_EQ(made.status, 0) << made.output;
  const Finished verified = support::run({"dnssec-verify", "-o", kZone, zone.string() + ".signed"});
  EXPECT_EQ(verified.status, 0) << verified.output;
  EXPECT_THAT(verified.output, HasSubstr("Zone fully signed"));
  std::ifstream stream(zone.string() + ".signed");
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  EXPECT_THAT(text, HasSubstr("CDS")) << "SyncPublish is set for keys with SEP";
}

TEST_F(GslbctlKeys, TimesAreThoseThatDnssecSettimeShows) {
  const std::string name =
      generate({"--role", "zsk", "--publish", "20200101000000", "--activate", "20200102000000",
                "--inactive", "20350101000000", "--delete", "20350102000000"});
  const Finished shown = support::run({"dnssec-settime", "-u", "-p", "all", path(name).string()});
  EXPECT_THAT(shown.output,
              AllOf(HasSubstr("Publish: 1577836800"), HasSubstr("Activate: 1577923200"),
                    HasSubstr("Inactive: 2051222400"), HasSubstr("Delete: 2051308800")));
  EXPECT_THAT(shown.output, Not(ContainsRegex("SYNC Publish: [0-9]")));
  struct stat status {};
  ASSERT_EQ(::stat(path(name + ".private").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(GslbctlKeys, StatusShowsWhatEachKeyDoes) {
  const std::string ksk = generate({"--role", "ksk"});
  const std::string zsk = generate({"--role", "zsk"});
  const std::string next = generate({"--role", "zsk", "--activate", "+2d"});
  const Finished status = keys("status");
  EXPECT_EQ(status.status, 0);
  EXPECT_THAT(status.output,
              ContainsRegex(tag_of(ksk) + " +ECDSAP256SHA256 +KSK +active +yes +none"));
  EXPECT_THAT(status.output,
              ContainsRegex(tag_of(zsk) + " +ECDSAP256SHA256 +ZSK +active +no +none"));
  EXPECT_THAT(status.output,
              ContainsRegex(tag_of(next) + " +ECDSAP256SHA256 +ZSK +published +no +active at 20"));
  const std::string text = keys("status", {"--json"}).output;
  EXPECT_THAT(text,
              HasSubstr("\"tag\":" + tag_of(next) +
                        ",\"algorithm\":\"ECDSAP256SHA256\",\"role\":\"ZSK\",\"flags\":256,"));
  EXPECT_THAT(text, HasSubstr("\"becomes\":\"active\""));
  EXPECT_THAT(text, HasSubstr("\"problems\":[]}"));
}

TEST_F(GslbctlKeys, AZskIsRolledByTimes) {
  generate({"--role", "ksk"});
  const std::string old = generate({"--role", "zsk"});
  const std::string fresh = generate({"--role", "zsk", "--activate", "+2d"});
  EXPECT_EQ(keys("set", {tag_of(fresh), "--activate", "now"}).output, fresh + "\n");
  EXPECT_EQ(keys("set", {old, "--inactive", "now", "--delete", "+3d"}).status, 0);
  const std::string text = keys("status").output;
  EXPECT_THAT(text, ContainsRegex(tag_of(fresh) + " +ECDSAP256SHA256 +ZSK +active"));
  EXPECT_THAT(text, ContainsRegex(tag_of(old) + " +ECDSAP256SHA256 +ZSK +retired +no +deleted at"));
  EXPECT_EQ(support::run({"dnssec-settime", "-p", "all", path(old).string()}).status, 0);
}

TEST_F(GslbctlKeys, TheDsComesAndGoesWithCds) {
  const std::string old = generate();
  const std::string fresh = generate({"--sync-publish", "+2d"});
  EXPECT_THAT(keys("ds").output,
              AllOf(HasSubstr(" DS " + tag_of(old)), Not(HasSubstr(" DS " + tag_of(fresh)))));
  EXPECT_EQ(keys("set", {tag_of(fresh), "--sync-publish", "now"}).status, 0);
  EXPECT_THAT(keys("ds").output,
              AllOf(HasSubstr(" DS " + tag_of(old)), HasSubstr(" DS " + tag_of(fresh))));
  EXPECT_EQ(keys("set", {tag_of(old), "--sync-delete", "now"}).status, 0);
  EXPECT_THAT(keys("ds").output,
              AllOf(Not(HasSubstr(" DS " + tag_of(old))), HasSubstr(" DS " + tag_of(fresh))));
  EXPECT_THAT(keys("ds", {tag_of(old)}).output, HasSubstr(" DS " + tag_of(old)));
}

TEST_F(GslbctlKeys, WhatWouldMakeTheZoneBogusIsRefused) {
  const std::string name = generate();
  const Finished set = keys("set", {tag_of(name), "--inactive", "now"});
  EXPECT_EQ(set.status, 1);
  EXPECT_THAT(set.output, HasSubstr("nothing was changed, for then no key is active; "));
  EXPECT_THAT(keys("status").output, HasSubstr("active"));
  const Finished made = keys("generate", {"--algorithm", "ed25519", "--activate", "+1d"});
  EXPECT_EQ(made.status, 1);
  EXPECT_THAT(made.output,
              HasSubstr("not made, for keys of ED25519 are published but none is active"));
  EXPECT_EQ(std::distance(fs::directory_iterator(keys_), {}), 2);
  // What lies ahead is the administrator's to decide.
  const Finished ahead = keys("set", {tag_of(name), "--inactive", "+30d"});
  EXPECT_EQ(ahead.status, 0);
  EXPECT_THAT(ahead.output, ContainsRegex("warning: from 20.* on, no key is active; "));
}

TEST_F(GslbctlKeys, TheDirectoryIsThatOfTheConfiguration) {
  const fs::path config = folder_.path() / "gslbd.toml";
  support::write_file(config,
                      "[zone.\"GSLB.example.com\"]\n"
                      "nameservers = { \"ns.example.net\" = [] }\n"
                      "dnssec = { key_dir = \"keys\" }\n"
                      "[zone.\"other.example\"]\nnameservers = { \"ns.example.net\" = [] }\n");
  const auto keys_of = [&](const std::string& zone, const std::string& command) {
    return support::run({GSLBCTL_BINARY, "keys", command, zone, "--config", config.string()});
  };
  // The daemon cannot start with an empty directory, but the first key must have a way into it.
  EXPECT_EQ(support::run({GSLBD_BINARY, "--check", "--config", config.string()}).status, 2);
  EXPECT_EQ(keys_of(kZone, "generate").status, 0);
  EXPECT_EQ(support::run({GSLBD_BINARY, "--check", "--config", config.string()}).status, 0);
  EXPECT_THAT(keys_of(kZone, "status").output, HasSubstr("active"));

  const Finished other = keys_of("other.example", "status");
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.output, HasSubstr(config.string() + ":4:7: error: the zone is not signed; add "
                                                        "dnssec = { key_dir = \"keys\" } to it"));
  EXPECT_THAT(keys_of("third.example", "status").output,
              HasSubstr("error: has no [zone.\"third.example\"]; add it"));
}

TEST_F(GslbctlKeys, MisuseIsToldFromFailure) {
  struct Case {
    const char* what;
    std::string command;
    std::vector<std::string> arguments;
    int status;
    const char* output;
  };
  const std::string name = generate();
  const std::vector<Case> cases{
      {"no such command", "destroy", {}, 2, ""},
      {"another algorithm", "generate", {"--algorithm", "rsasha256"}, 2, "ecdsap256sha256"},
      {"another role", "generate", {"--role", "master"}, 2, "csk"},
      {"no time",
       "generate",
       {"--activate", "tomorrow"},
       2,
       "--activate: \"tomorrow\" is not a time; write now, +30d, +12h, YYYYMMDDHHMMSS or none"},
      {"times in disorder",
       "generate",
       {"--inactive", "+2d", "--delete", "+1d"},
       2,
       "the key would be \"delete\" at"},
      {"a directory and a configuration", "status", {"--config", "x"}, 2, "excludes"},
      {"nothing to set", "set", {tag_of(name)}, 2, "nothing to set; give at least one of"},
      {"no key to set", "set", {}, 2, "KEY is required"},
      {"no such key", "set", {"99999", "--delete", "now"}, 1, "no key 99999 in"},
      {"no such directory", "status", {"--key-dir", "/nonexistent"}, 2, ""}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const Finished finished = keys(c.command, c.arguments);
    EXPECT_EQ(finished.status, c.status) << finished.output;
    EXPECT_THAT(finished.output, HasSubstr(c.output));
  }
  const Finished nowhere =
      support::run({GSLBCTL_BINARY, "keys", "status", kZone, "--key-dir", "/nonexistent"});
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.output, HasSubstr("cannot read the directory: No such file or directory"));
  const Finished name_of_none = support::run({GSLBCTL_BINARY, "keys", "status", "a..b"});
  EXPECT_EQ(name_of_none.status, 2);
  EXPECT_THAT(name_of_none.output, HasSubstr("ZONE: "));
  EXPECT_EQ(support::run({GSLBCTL_BINARY}).status, 2);
  EXPECT_EQ(support::run({GSLBCTL_BINARY, "--help"}).status, 0);
  EXPECT_THAT(support::run({GSLBCTL_BINARY, "--version"}).output, HasSubstr("gslbctl 0."));
}

}  // namespace
}  // namespace gslb::blackbox

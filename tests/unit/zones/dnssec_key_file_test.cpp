#include "zones/dnssec_key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/process.h"

namespace gslb::zones {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using support::run;
using support::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Time = std::chrono::sys_seconds;

constexpr Time kNow{1'800'000'000s};
const KeyTiming kActive{.created = kNow - 1h, .publish = kNow - 1h, .activate = kNow - 1h};
constexpr auto kP256 = KeyAlgorithm::kEcdsaP256Sha256;
constexpr auto kEd = KeyAlgorithm::kEd25519;
constexpr const char* kZone = "gslb.example.com";

dns::Name name(std::string_view text) { return dns::parse_name(text).value(); }

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

unsigned mode_of(const fs::path& file) {
  struct stat status {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
  return status.st_mode & 07777U;
}

/// The end of what a tool of BIND prints: the name of the key that it has made.
std::string last_word(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.find_last_of(" \n") + 1);
}

class KeyFiles : public testing::Test {
 protected:
  std::shared_ptr<const DnssecKey> generate(KeyAlgorithm algorithm = kP256, bool sep = true,
                                            const KeyTiming& timing = kActive,
                                            const char* zone = kZone) {
    return generate_key(dir(), name(zone), algorithm, sep, timing).value();
  }

  /// By dnssec-keygen; the name of the files.
  std::string generate_with_bind(const std::vector<std::string>& options,
                                 const std::string& zone = kZone) {
    std::vector<std::string> command{"dnssec-keygen", "-q", "-K", dir().string()};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(zone);
    const support::Finished finished = run(command);
    EXPECT_EQ(finished.status, 0) << finished.output;
    return last_word(finished.output);
  }

  KeySetResult read(const char* zone = kZone) { return read_keys(dir(), name(zone), kNow); }

  /// "FILE: MESSAGE" each, without the directory.
  std::vector<std::string> errors(const char* zone = kZone) {
    std::vector<std::string> out;
    const KeySetResult set = read(zone);
    if (set) return out;
    for (const KeyError& error : set.error()) {
      EXPECT_EQ(error.file.find(dir().string()), 0U) << error.file;
      out.push_back(fs::path(error.file).filename().string() + ": " + error.message);
    }
    return out;
  }

  const fs::path& dir() const { return folder_.path(); }
  fs::path file(const std::string& stem, const std::string& extension) const {
    return dir() / (stem + extension);
  }

  support::TemporaryFolder folder_;
};

TEST_F(KeyFiles, AreReadAsTheyWereWritten) {
  const KeyTiming timing{.created = kNow - 6h,
                         .publish = kNow - 5h,
                         .activate = kNow - 4h,
                         .inactive = kNow + 3h,
                         .remove = kNow + 4h,
                         .sync_publish = kNow - 2h,
                         .sync_remove = kNow + 2h};
  const auto ksk = generate(kP256, true, timing);
  const auto zsk = generate(kEd, false);
  const auto csk = generate(kEd, true);
  generate(kEd, true, {}, "other.example");
  const KeySetResult set = read();
  ASSERT_TRUE(set) << set.error()[0].message;
  ASSERT_THAT(set->keys, SizeIs(3));
  EXPECT_EQ(set->keys[0]->dnskey(), ksk->dnskey());
  EXPECT_EQ(set->keys[0]->timing(), timing);
  for (const auto& key : {zsk, csk}) {
    EXPECT_TRUE(std::any_of(set->keys.begin(), set->keys.end(), [&](const auto& read) {
      return read->dnskey() == key->dnskey() && read->timing() == key->timing() &&
             read->is_sep() == key->is_sep();
    }));
  }
  EXPECT_TRUE(set->keys[0]->sign({}).size() == 64U);
  EXPECT_EQ(mode_of(file(ksk->file_name(), ".private")), 0600U);
  EXPECT_EQ(mode_of(file(ksk->file_name(), ".key")), 0644U);
}

TEST_F(KeyFiles, LookLikeThoseOfBind) {
  const auto key = generate(kEd, true, {.created = Time{1'700'000'000s}, .publish = kNow});
  const std::string tag = std::to_string(key->tag());
  const std::string text = content_of(file(key->file_name(), ".key"));
  EXPECT_THAT(text, HasSubstr("; This is a key-signing key, keyid " + tag +
                              ", for gslb.example.com.\n"
                              "; Created: 20231114221320 (Tue Nov 14 22:13:20 2023)\n"
                              "; Publish: 20270115080000 (Fri Jan 15 08:00:00 2027)\n"
                              "gslb.example.com. IN DNSKEY 257 3 15 "));
  const std::string secret = content_of(file(key->file_name(), ".private"));
  EXPECT_THAT(secret, testing::StartsWith("Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\n"
                                          "PrivateKey: "));
  EXPECT_THAT(secret, HasSubstr("\nCreated: 20231114221320\nPublish: 20270115080000\n"));
}

TEST_F(KeyFiles, OfDnssecKeygenAreRead) {
  const std::string ksk = generate_with_bind({"-a",
                                              "ECDSAP256SHA256",
                                              "-f",
                                              "KSK",
                                              "-P",
                                              "20200101000000",
                                              "-A",
                                              "20200102000000",
                                              "-I",
                                              "20400101000000",
                                              "-D",
                                              "20400102000000",
                                              "-P",
                                              "sync",
                                              "20200103000000",
                                              "-D",
                                              "sync",
                                              "20300101000000",
                                              "-L",
                                              "3600"});
  const std::string zsk = generate_with_bind(
      {"-a", "ED25519", "-P", "20200101000000", "-A", "20200101000000"}, "GSLB.Example.Com");
  const KeySetResult set = read();
  ASSERT_TRUE(set) << set.error()[0].message;
  ASSERT_THAT(set->keys, SizeIs(2));
  EXPECT_EQ(set->keys[0]->file_name(), ksk);
  EXPECT_EQ(set->keys[1]->file_name(), zsk);
  const KeyTiming& timing = set->keys[0]->timing();
  EXPECT_EQ(timing.publish, parse_key_time("20200101000000"));
  EXPECT_EQ(timing.activate, parse_key_time("20200102000000"));
  EXPECT_EQ(timing.inactive, parse_key_time("20400101000000"));
  EXPECT_EQ(timing.remove, parse_key_time("20400102000000"));
  EXPECT_EQ(timing.sync_publish, parse_key_time("20200103000000"));
  EXPECT_EQ(timing.sync_remove, parse_key_time("20300101000000"));
  EXPECT_TRUE(timing.created);
}

TEST_F(KeyFiles, OfLdnsKeygenHaveNoTimesAndSignFromTheBeginning) {
  const support::Finished made =
      run({"sh", "-c", "cd \"$0\" && ldns-keygen -a ED25519 -k Gslb.example.com", dir().string()});
  ASSERT_EQ(made.status, 0) << made.output;
  const KeySetResult set = read();
  ASSERT_TRUE(set) << set.error()[0].message;
  ASSERT_THAT(set->keys, SizeIs(1));
  EXPECT_TRUE(set->keys[0]->is_active(kNow));
  EXPECT_TRUE(set->keys[0]->is_published(kNow));
  EXPECT_FALSE(set->keys[0]->is_sync_published(kNow));
  // Once it has times, they are in the files under the name that it had.
  ASSERT_TRUE(set_key_timing(dir(), *set->keys[0], kActive));
  EXPECT_EQ(read()->keys[0]->timing(), kActive);
}

TEST_F(KeyFiles, AreTakenByTheToolsOfBind) {
  const auto key = generate(kP256, true, kActive);
  const std::string path = file(key->file_name(), "").string();
  const support::Finished ds = run({"dnssec-dsfromkey", "-2", path + ".key"});
  ASSERT_EQ(ds.status, 0) << ds.output;
  std::string digest;
  const std::vector<std::uint8_t> rdata = ds_rdata(*key, DsDigest::kSha256);
  for (std::size_t i = 4; i < rdata.size(); ++i) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    digest += kHex[rdata[i] >> 4U];
    digest += kHex[rdata[i] & 15U];
  }
  EXPECT_EQ(ds.output,
            "gslb.example.com. IN DS " + std::to_string(key->tag()) + " 13 2 " + digest + "\n");
  const support::Finished shown = run({"dnssec-settime", "-u", "-p", "A", path});
  EXPECT_THAT(shown.output,
              HasSubstr(std::to_string((*kActive.activate).time_since_epoch().count())));
  // And back: what dnssec-settime writes is read here.
  const support::Finished set = run({"dnssec-settime", "-I", "20300101000000", path});
  ASSERT_EQ(set.status, 0) << set.output;
  KeyTiming expected = kActive;
  expected.inactive = parse_key_time("20300101000000");
  EXPECT_EQ(read()->keys[0]->timing(), expected);
}

TEST_F(KeyFiles, GetNewTimesAndKeepAllElse) {
  const std::string stem = generate_with_bind(
      {"-a", "ECDSAP256SHA256", "-f", "KSK", "-P", "20200101000000", "-A", "20200102000000"});
  ASSERT_EQ(::chmod(file(stem, ".private").c_str(), 0640), 0);
  std::ofstream(file(stem, ".private"), std::ios::app) << "Successor: 12345\n";
  std::ofstream(file(stem, ".key"), std::ios::app) << "; of the second site\n";
  const auto key = read()->keys[0];
  KeyTiming timing = key->timing();
  timing.activate.reset();
  timing.publish = kNow + 1h;
  const auto changed = set_key_timing(dir(), *key, timing);
  ASSERT_TRUE(changed) << changed.error();
  EXPECT_EQ((*changed)->timing(), timing);
  EXPECT_EQ((*changed)->dnskey(), key->dnskey());
  const std::string secret = content_of(file(stem, ".private"));
  EXPECT_THAT(secret, HasSubstr("Successor: 12345\n"));
  EXPECT_THAT(secret, HasSubstr("Publish: 20270115090000\n"));
  EXPECT_THAT(secret, testing::Not(HasSubstr("Activate")));
  const std::string text = content_of(file(stem, ".key"));
  EXPECT_THAT(text, HasSubstr("; of the second site\n"));
  EXPECT_THAT(text, HasSubstr("; Publish: 20270115090000 (Fri Jan 15 09:00:00 2027)\ngslb."));
  EXPECT_THAT(text, testing::Not(HasSubstr("Activate")));
  EXPECT_EQ(mode_of(file(stem, ".private")), 0640U);
  EXPECT_EQ(load_keys(dir(), name(kZone))->keys[0]->timing(), timing);
  EXPECT_EQ(run({"dnssec-settime", "-p", "all", file(stem, "").string()}).status, 0);
}

TEST_F(KeyFiles, MadeAtOnceDoNotCollide) {
  constexpr int kThreads = 4;
  constexpr int kEach = 25;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) generate(kEd, false);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const KeySetResult set = load_keys(dir(), name(kZone));
  ASSERT_TRUE(set) << set.error()[0].message;
  EXPECT_THAT(set->keys, SizeIs(kThreads * kEach));
  std::map<std::uint16_t, int> tags;
  for (const auto& key : set->keys) ++tags[key->tag()];
  EXPECT_THAT(tags, SizeIs(kThreads * kEach));
  for (const auto& entry : fs::directory_iterator(dir())) {
    EXPECT_NE(entry.path().filename().string().front(), '.') << "a file was left behind";
  }
}

TEST_F(KeyFiles, BelongToTheOwnerOfTheDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(::chown(dir().c_str(), kNobody, kNobody), 0);
  const auto key = generate();
  struct stat status {};
  ASSERT_EQ(::stat(file(key->file_name(), ".private").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, kNobody);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(KeyFiles, OpenToEveryoneBringAWarning) {
  const auto key = generate();
  EXPECT_THAT(read()->warnings, IsEmpty());
  ASSERT_EQ(::chmod(file(key->file_name(), ".private").c_str(), 0644), 0);
  EXPECT_THAT(read()->warnings,
              ElementsAre(file(key->file_name(), ".private").string() +
                          ": everyone on this host may use the private key (mode 0644); run chmod "
                          "600 on it"));
}

TEST_F(KeyFiles, OfAKeyThatBindManagesBringAWarning) {
  const auto key = generate();
  write_file(file(key->file_name(), ".state"), "KSK: yes\n");
  EXPECT_THAT(read()->warnings, ElementsAre(HasSubstr(".state: has no effect")));
}

TEST_F(KeyFiles, WithoutASuccessorBringAWarning) {
  KeyTiming timing = kActive;
  timing.inactive = kNow + 24h;
  generate(kP256, true, timing);
  EXPECT_THAT(read()->warnings,
              ElementsAre(HasSubstr(": from 2027-01-16 08:00:00 UTC on, no key is active; ")));
}

TEST_F(KeyFiles, ThatCannotBeReadAreNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user takes root";
  const auto key = generate();
  ASSERT_EQ(::chmod(dir().c_str(), 0755), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const std::vector<std::string> of_file = errors();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(of_file, ElementsAre(key->file_name() + ".private: cannot read the file: Permission "
                                                      "denied; give it to the user who is to read "
                                                      "it, with chown"));
  ASSERT_EQ(::chmod(dir().c_str(), 0700), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const std::vector<std::string> of_directory = errors();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(of_directory,
              ElementsAre(HasSubstr("cannot read the directory: Permission denied; ")));
}

TEST_F(KeyFiles, InNoDirectory) {
  const auto messages = [](const fs::path& dir) {
    return read_keys(dir, name(kZone), kNow).error().at(0).message;
  };
  EXPECT_EQ(messages(dir() / "none"),
            "cannot read the directory: No such file or directory; create it with mkdir -m 700, or "
            "correct the path");
  write_file(dir() / "file", "");
  EXPECT_EQ(messages(dir() / "file"),
            "cannot read the directory: Not a directory; give the directory of the key files");
  EXPECT_EQ(messages(dir()),
            "no key for gslb.example.com in " + dir().string() +
                "; make one with: gslbctl keys generate gslb.example.com --key-dir " +
                dir().string());
  const KeyResult made = generate_key(dir() / "none", name(kZone), kEd, true, kActive);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("No such file or directory; create it with mkdir -m 700"));
}

/// One pair of files, and what is done to it.
struct Damage {
  const char* what;
  std::function<void(std::string& key, std::string& secret)> change;
  const char* error;  ///< After the name of the file: ".key: …" or ".private: …"
};

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

/// A line of its own in place of the one that begins with `start`.
void replace_line(std::string& text, const std::string& start, const std::string& line) {
  const std::size_t at = text.find(start);
  ASSERT_NE(at, std::string::npos) << start;
  text.replace(at, text.find('\n', at) - at, line);
}

std::vector<Damage> damages() {
  const std::string other_secret = "PrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=";
  return {
      {"the wrong zone", [](auto& key, auto&) { replace(key, "gslb.example.com. IN", "x. IN"); },
       ".key: holds a key of \"x\", and its name says \"gslb.example.com\"; correct"},
      {"another private half",
       [=](auto&, auto& secret) { replace_line(secret, "PrivateKey:", other_secret); },
       ".private: is not the private half of the key in K"},
      {"another public half",
       [](auto& key, auto&) {
         replace_line(key, "gslb.example.com. IN",
                      "gslb.example.com. IN DNSKEY 257 3 13 "
                      "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+"
                      "Wi9xMWyQLc8NAA==");
       },
       ".private: is not the private half of the key in K"},
      {"another algorithm in .key", [](auto& key, auto&) { replace(key, "257 3 13", "257 3 15"); },
       ".key: holds a key of algorithm 15, and its name says 13; the files do not belong"},
      {"another algorithm in .private",
       [](auto&, auto& secret) { replace_line(secret, "Algorithm:", "Algorithm: 15 (ED25519)"); },
       ".private: holds a key of algorithm 15, and its name says 13; the files do not belong"},
      {"RSA in .key", [](auto& key, auto&) { replace(key, "257 3 13", "257 3 8"); },
       ".key: algorithm 8 (RSASHA256) is not supported; make a key of ECDSAP256SHA256 or ED25519"},
      {"an unknown algorithm in .private",
       [](auto&, auto& secret) { replace_line(secret, "Algorithm:", "Algorithm: 200"); },
       ".private: algorithm 200 is not supported; make"},
      {"no number as algorithm",
       [](auto&, auto& secret) { replace_line(secret, "Algorithm:", "Algorithm: ECDSA"); },
       ".private: \"ECDSA\" is not the number of an algorithm; restore"},
      {"other flags than the tag has", [](auto& key, auto&) { replace(key, "257 3", "256 3"); },
       ".key: holds the key with the tag"},
      {"a revoked key", [](auto& key, auto&) { replace(key, "257 3", "385 3"); },
       ".key: the key is revoked (RFC 5011), so no signature of it counts; move both files"},
      {"a time of revocation", [](auto&, auto& secret) { secret += "Revoke: 20300101000000\n"; },
       ".private: the key is to be revoked (RFC 5011), which gslbd does not do; remove"},
      {"a key of a host", [](auto& key, auto&) { replace(key, "257 3", "1 3"); },
       ".key: the flags 1 are not those of a zone's key, 256 or 257; restore"},
      {"unknown flags", [](auto& key, auto&) { replace(key, "257 3", "259 3"); },
       ".key: the flags 259 hold the unknown ones 2, but only 256 and 257 are taken; restore"},
      {"another protocol", [](auto& key, auto&) { replace(key, "257 3 13", "257 2 13"); },
       ".key: the protocol is 2 instead of 3; restore"},
      {"another record", [](auto& key, auto&) { replace(key, "DNSKEY", "KEY"); },
       ".key: there is no DNSKEY record in it; restore"},
      {"two records", [](auto& key, auto&) { key += key.substr(key.find("gslb.example.com. IN")); },
       ".key: there is more than one record in it; leave only that of the key"},
      {"an empty .key", [](auto& key, auto&) { key.clear(); },
       ".key: there is no DNSKEY record in it; restore"},
      {"garbage in .key", [](auto& key, auto&) { key = "\x7F\x45LF\x02\x01 \xFF"; },
       ".key: there is no DNSKEY record in it; restore"},
      {"octets of zero in .key", [](auto& key, auto&) { key = std::string(100, '\0'); },
       ".key: the file is not text; restore"},
      {"no base64 in .key", [](auto& key, auto&) { replace(key, "257 3 13 ", "257 3 13 !"); },
       ".key: the DNSKEY record cannot be read; restore"},
      {"an empty .private", [](auto&, auto& secret) { secret.clear(); },
       ".private: the file is empty; restore"},
      {"garbage in .private", [](auto&, auto& secret) { secret = "\x7F\x45LF\x02\x01 \xFF"; },
       ".private: \"\\127ELF\\002\\001 \\255\" is not of the form NAME: VALUE; restore"},
      {"a key in PEM form",
       [](auto&, auto& secret) { secret = "-----BEGIN EC PRIVATE KEY-----\n"; },
       ".private: \"-----BEGIN EC PRIVATE KEY-----\" is not of the form NAME: VALUE; restore"},
      {"no format", [](auto&, auto& secret) { secret.erase(0, secret.find('\n') + 1); },
       ".private: the file does not begin with Private-key-format: v1.3; restore"},
      {"a new format", [](auto&, auto& secret) { replace(secret, "v1.3", "v2.0"); },
       ".private: the format \"v2.0\" is not supported; make the key with format v1.3"},
      {"no algorithm", [](auto&, auto& secret) { replace_line(secret, "Algorithm:", ""); },
       ".private: the line Algorithm: is missing; restore"},
      {"no private key", [](auto&, auto& secret) { replace_line(secret, "PrivateKey:", ""); },
       ".private: the line PrivateKey: is missing; restore"},
      {"a private key that is not base64",
       [](auto&, auto& secret) { replace_line(secret, "PrivateKey:", "PrivateKey: s3cr3t!"); },
       ".private: the private key is not base64; restore"},
      {"half a private key",
       [](auto&, auto& secret) {
         replace_line(secret, "PrivateKey:", "PrivateKey: " + std::string(60, 'A'));
       },
       ".private: the private key has 45 octets, and one of ECDSAP256SHA256 has 32; the files"},
      {"a private key of zero",
       [](auto&, auto& secret) {
         replace_line(secret, "PrivateKey:", "PrivateKey: " + std::string(43, 'A') + "=");
       },
       ".private: the private key is not one of ECDSAP256SHA256; the files"},
      {"a time that is none",
       [](auto&, auto& secret) { replace_line(secret, "Activate:", "Activate: tomorrow"); },
       ".private: \"tomorrow\" is not a time of Activate; write YYYYMMDDHHMMSS in UTC"},
      {"a day that is none",
       [](auto&, auto& secret) { replace_line(secret, "Publish:", "Publish: 20270229000000"); },
       ".private: \"20270229000000\" is not a time of Publish; write"},
      {"a misspelt time", [](auto&, auto& secret) { replace(secret, "Activate", "Actvate"); },
       ".private: \"Actvate\" is not known; correct it, or remove the line"},
      {"a time twice", [](auto&, auto& secret) { secret += "Activate: 20300101000000\n"; },
       ".private: \"Activate\" stands there twice; remove one"},
      {"a key in a security module",
       [](auto&, auto& secret) { replace_line(secret, "PrivateKey:", "Label: cGtjczEx"); },
       ".private: the key lies in a security module, which is not supported; make"},
      {"a huge .key", [](auto& key, auto&) { key.append(100'000, ';'); },
       ".key: the file is too large to be that of a key"},
  };
}

TEST_F(KeyFiles, DamageIsNamedWithTheRemedy) {
  const auto key = generate();
  const std::string stem = key->file_name();
  const std::string public_text = content_of(file(stem, ".key"));
  const std::string private_text = content_of(file(stem, ".private"));
  for (const Damage& damage : damages()) {
    SCOPED_TRACE(damage.what);
    std::string changed_public = public_text;
    std::string changed_private = private_text;
    damage.change(changed_public, changed_private);
    write_file(file(stem, ".key"), changed_public);
    write_file(file(stem, ".private"), changed_private);
    EXPECT_THAT(errors(), ElementsAre(testing::StartsWith(stem + damage.error)));
  }
}

TEST_F(KeyFiles, AMissingHalfIsNamed) {
  const std::string stem = generate()->file_name();
  const std::string secret = content_of(file(stem, ".private"));
  fs::remove(file(stem, ".private"));
  EXPECT_THAT(errors(), ElementsAre(stem + ".key: " + stem +
                                    ".private is missing beside it; restore "
                                    "it, or move this one out of the "
                                    "directory"));
  write_file(file(stem, ".private"), secret);
  fs::remove(file(stem, ".key"));
  EXPECT_THAT(errors(), ElementsAre(testing::StartsWith(stem + ".private: " + stem +
                                                        ".key is missing beside it; restore it")));
}

TEST_F(KeyFiles, ADirectoryInPlaceOfAFileIsNamed) {
  const std::string stem = generate()->file_name();
  fs::remove(file(stem, ".key"));
  fs::create_directory(file(stem, ".key"));
  EXPECT_THAT(errors(),
              ElementsAre(HasSubstr(".key: this is a directory; give the path of a file")));
}

TEST_F(KeyFiles, OfAnotherAlgorithmAreNamedByWhatIsSupported) {
  const std::string stem = generate_with_bind({"-a", "RSASHA256", "-b", "2048"});
  EXPECT_THAT(errors(), ElementsAre(stem + ".key: algorithm 8 (RSASHA256) is not supported; make a "
                                           "key of ECDSAP256SHA256 or ED25519 with gslbctl keys "
                                           "generate, and move this one out of the directory"));
}

TEST_F(KeyFiles, ThatBindHasRevokedAreRefused) {
  generate();
  const std::string stem = generate_with_bind({"-a", "ED25519", "-f", "KSK"});
  const support::Finished revoked = run({"dnssec-revoke", "-r", file(stem, "").string()});
  ASSERT_EQ(revoked.status, 0) << revoked.output;
  EXPECT_THAT(errors(),
              ElementsAre(HasSubstr("revoked (RFC 5011)"), HasSubstr("revoked (RFC 5011)")));
}

TEST_F(KeyFiles, AllErrorsAreReportedInOneRun) {
  const std::string first = generate()->file_name();
  const std::string second = generate(kEd)->file_name();
  write_file(file(first, ".key"), "");
  write_file(file(first, ".private"), "");
  fs::remove(file(second, ".private"));
  EXPECT_THAT(errors(), SizeIs(3));
}

TEST_F(KeyFiles, WithoutAnActiveKeyDoNotSign) {
  generate(kP256, true, {.publish = kNow, .activate = kNow + 1h});
  EXPECT_THAT(errors(), ElementsAre(HasSubstr(": no key is active; ")));
  generate(kEd, true, kActive);
  EXPECT_THAT(errors(), ElementsAre(HasSubstr(": keys of ECDSAP256SHA256 are published but none is "
                                              "active")));
}

TEST(KeyTime, IsReadAndWrittenInUtc) {
  EXPECT_EQ(format_key_time(kNow), "20270115080000");
  EXPECT_EQ(parse_key_time("20270115080000"), kNow);
  EXPECT_EQ(parse_key_time("21060207062815"), kMaxKeyTime);
  EXPECT_EQ(format_key_time(kMaxKeyTime), "21060207062815");
  for (const char* bad : {"", "21060207062816", "60261124165608", "2027", "20271315080000",
                          "20270132080000", "20270115240000", "20270115086000", "2027011508000x",
                          "202701150800000", "-0270115080000"}) {
    EXPECT_EQ(parse_key_time(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace gslb::zones

#include "zones/master_file.h"

// Before ldns, which otherwise makes macros of bool, true and false.
#include <stdbool.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ldns/ldns.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dns/wire.h"

// tests/conformance/zonefiles: master files of the zone example.com with what they must bring, line
// for line: the records of those in good/ as ldns prints them, the errors of those in broken/.
namespace gslb::zones {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const fs::path kCases = fs::path(GSLB_SOURCE_DIR) / "tests/conformance/zonefiles";
constexpr seconds kDefaultTtl{300};

dns::Name name(std::string_view text) { return dns::parse_name(text).value(); }

MasterFile parse(std::string_view text) {
  return parse_master_file(text, "test.zone", name("example.com"), kDefaultTtl);
}

std::vector<std::string> errors_of(const MasterFile& file) {
  std::vector<std::string> errors;
  for (const MasterFileError& error : file.errors) errors.push_back(error.to_string());
  return errors;
}

struct RrFree {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

void append_u16(std::vector<std::uint8_t>& wire, std::size_t value) {
  wire.push_back(static_cast<std::uint8_t>(value >> 8U));
  wire.push_back(static_cast<std::uint8_t>(value));
}

/// The record in the words of ldns, which so has read our wire form to the last octet.
std::string to_presentation(const MasterFileRecord& record) {
  std::vector<std::uint8_t> wire(record.owner.wire().begin(), record.owner.wire().end());
  append_u16(wire, record.type);
  append_u16(wire, dns::klass::kIn);
  append_u16(wire, static_cast<std::size_t>(record.ttl.count()) >> 16U);
  append_u16(wire, static_cast<std::size_t>(record.ttl.count()));
  append_u16(wire, record.rdata.size());
  wire.insert(wire.end(), record.rdata.begin(), record.rdata.end());

  ldns_rr* raw = nullptr;
  std::size_t at = 0;
  const ldns_status status = ldns_wire2rr(&raw, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER);
  const std::unique_ptr<ldns_rr, RrFree> rr(raw);
  if (status != LDNS_STATUS_OK) return ldns_get_errorstr_by_id(status);
  EXPECT_EQ(at, wire.size());
  const std::unique_ptr<char, Free> text(ldns_rr2str(raw));
  if (text == nullptr) return "ldns cannot print type " + std::to_string(record.type);
  std::string line(text.get());
  std::replace(line.begin(), line.end(), '\t', ' ');
  line.erase(line.find_last_not_of(" \n") + 1);
  return line;
}

std::vector<std::string> presentation_of(const MasterFile& file) {
  std::vector<std::string> lines;
  for (const MasterFileRecord& record : file.records) lines.push_back(to_presentation(record));
  return lines;
}

/// Below the folder of the case, so that expectations hold on every machine.
std::string short_name(const std::string& file, const std::string& folder) {
  const std::string prefix = (kCases / folder).string() + "/";
  return file.starts_with(prefix) ? file.substr(prefix.size()) : file;
}

std::string result_of(const fs::path& path, const std::string& folder) {
  const MasterFile file = read_master_file(path, name("example.com"), kDefaultTtl);
  std::string text;
  if (folder == "good") {
    for (const MasterFileRecord& record : file.records) {
      text += short_name(file.files.at(record.file), folder) + ":" + std::to_string(record.line) +
              ": " + to_presentation(record) + "\n";
    }
  }
  for (MasterFileError error : file.errors) {
    error.file = short_name(error.file, folder);
    text += error.to_string() + "\n";
  }
  return text;
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> zone_files(const std::string& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(kCases / folder)) {
    if (entry.path().extension() == ".zone") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void expect_results(const std::string& folder) {
  for (const fs::path& file : zone_files(folder)) {
    SCOPED_TRACE(file.filename().string());
    const std::string result = result_of(file, folder);
    EXPECT_EQ(result, content_of(fs::path(file).replace_extension(".expected")));
    // GSLB_WRITE_EXPECTED=1 writes them, to be read before they are committed.
    if (std::getenv("GSLB_WRITE_EXPECTED") != nullptr) {
      std::ofstream(fs::path(file).replace_extension(".expected"), std::ios::binary) << result;
    }
  }
}

TEST(MasterFileCases, GoodFilesBringTheExpectedRecords) {
  EXPECT_GE(zone_files("good").size(), 10U);
  expect_results("good");
}

TEST(MasterFileCases, BrokenFilesBringTheExpectedErrors) {
  EXPECT_GE(zone_files("broken").size(), 25U);
  expect_results("broken");
}

TEST(MasterFileCases, GoodFilesHaveNoErrorsAndBrokenFilesHaveSome) {
  for (const fs::path& file : zone_files("good")) {
    EXPECT_THAT(read_master_file(file, name("example.com"), kDefaultTtl).errors, IsEmpty()) << file;
  }
  for (const fs::path& file : zone_files("broken")) {
    EXPECT_THAT(read_master_file(file, name("example.com"), kDefaultTtl).errors,
                testing::Not(IsEmpty()))
        << file;
  }
}

/// What ldns prints is a master file again, but for owners, where it does not escape "$" and
/// quotes, and for lists of SVCB, whose commas it escapes once instead of twice.
TEST(MasterFile, ReadsBackWhatLdnsPrints) {
  for (const fs::path& path : zone_files("good")) {
    MasterFile file = read_master_file(path, name("example.com"), kDefaultTtl);
    std::erase_if(file.records, [](const MasterFileRecord& record) {
      const std::string line = to_presentation(record);
      return line.find("\\,") != std::string::npos || line.starts_with("ldns cannot print");
    });
    std::string printed;
    for (const MasterFileRecord& record : file.records) {
      const std::string line = to_presentation(record);
      printed += record.owner.to_string() + (record.owner.is_root() ? "" : ".");
      printed += line.substr(line.find(' ')) + "\n";
    }
    const MasterFile again = parse(printed);
    EXPECT_THAT(again.errors, IsEmpty()) << path << "\n" << printed;
    ASSERT_EQ(again.records.size(), file.records.size()) << path;
    for (std::size_t i = 0; i < file.records.size(); ++i) {
      EXPECT_EQ(again.records[i].owner, file.records[i].owner) << printed;
      EXPECT_EQ(again.records[i].ttl, file.records[i].ttl) << printed;
      EXPECT_EQ(again.records[i].rdata, file.records[i].rdata) << to_presentation(file.records[i]);
    }
  }
}

TEST(MasterFile, RecordKnowsWhereItBegins) {
  const MasterFile file = parse("\n; comment\na A (\n 192.0.2.1\n)\n\n A 192.0.2.2\n");
  ASSERT_THAT(file.records, SizeIs(2));
  EXPECT_EQ(file.records[0].line, 3U);
  EXPECT_EQ(file.records[1].line, 7U);
  EXPECT_EQ(file.records[1].file, 0U);
  EXPECT_THAT(file.files, ElementsAre("test.zone"));
}

TEST(MasterFile, RecordKeepsTheCaseOfItsNames) {
  const MasterFile file = parse("Www CNAME TARGET.Example.Net.\n");
  ASSERT_THAT(file.records, SizeIs(1));
  EXPECT_EQ(file.records[0].owner.to_string(), "Www.example.com");
  EXPECT_THAT(presentation_of(file),
              ElementsAre("Www.example.com. 300 IN CNAME TARGET.Example.Net."));
}

TEST(MasterFile, RecordsBesideErrorsAreKept) {
  const MasterFile file = parse("a A 192.0.2.1\nb A x\nc A 192.0.2.3\n");
  EXPECT_THAT(file.records, SizeIs(2));
  EXPECT_THAT(errors_of(file), ElementsAre("test.zone:2: A: expected an IPv4 address, not \"x\""));
}

TEST(MasterFile, RecordsBelowAnUnreadableNameAreNotGivenToAnother) {
  const MasterFile file = parse("a A 192.0.2.1\nb..c A 192.0.2.2\n A 192.0.2.3\nd A 192.0.2.4\n");
  ASSERT_THAT(file.records, SizeIs(2));
  EXPECT_EQ(file.records[1].owner, name("d.example.com"));
}

/// Not among the cases: what ldns prints depends on /etc/services.
TEST(MasterFile, WksHoldsItsProtocolAndServices) {
  const MasterFile file = parse("a WKS 192.0.2.1 6 25 80\n");
  ASSERT_THAT(file.records, SizeIs(1));
  EXPECT_THAT(file.records[0].rdata,
              ElementsAre(192, 0, 2, 1, 6, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0x80));
}

TEST(MasterFile, TxtHoldsEveryOctetThatCanBeEscaped) {
  std::string text = "a TXT \"";
  for (int octet = 0; octet < 250; ++octet) {
    std::string digits = std::to_string(octet);
    text += "\\" + std::string(3 - digits.size(), '0') + digits;
  }
  const MasterFile file = parse(text + "\"\n");
  ASSERT_THAT(file.records, SizeIs(1));
  ASSERT_EQ(file.records[0].rdata.size(), 251U);
  for (std::size_t i = 0; i < 250; ++i) EXPECT_EQ(file.records[0].rdata[i + 1], i);
}

TEST(MasterFile, TextOfThe255thOctetFitsAndOf256DoesNot) {
  EXPECT_THAT(parse("a TXT \"" + std::string(255, 'x') + "\"\n").errors, IsEmpty());
  EXPECT_THAT(parse("a TXT \"" + std::string(256, 'x') + "\"\n").errors, SizeIs(1));
}

TEST(MasterFile, DataOfMoreThan65535OctetsIsAnError) {
  std::string text = "a TXT";
  for (int i = 0; i < 300; ++i) text += " " + std::string(255, 'x');
  EXPECT_THAT(errors_of(parse(text + "\n")),
              ElementsAre("test.zone:1: TXT: the data has more than 65535 octets; shorten it"));
}

TEST(MasterFile, EveryUnclosedParenthesisIsReportedUpToALimit) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += "a A ( 192.0.2.1\nb A 192.0.2.2\n";
  const MasterFile file = parse(text);
  ASSERT_THAT(file.errors, SizeIs(5));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(file.errors[i].line, 2 * i + 1);
  EXPECT_THAT(file.records, SizeIs(5));

  for (int i = 0; i < 100'000; ++i) text += "a A ( 192.0.2.1\n";
  EXPECT_THAT(parse(text).errors, SizeIs(16));
}

TEST(MasterFile, ReadingStopsAfterAThousandErrors) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "a A x\n";
  const MasterFile file = parse(text);
  ASSERT_EQ(file.errors.size(), kMaxMasterFileErrors + 1);
  EXPECT_EQ(file.errors.back().to_string(),
            "test.zone:1000: reading stops after 1000 errors; correct these first");
}

/// A folder that is gone with the test.
class MasterFileOnDisk : public testing::Test {
 protected:
  MasterFileOnDisk() {
    std::string pattern = (fs::temp_directory_path() / "gslb_master_file_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~MasterFileOnDisk() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  fs::path write(const std::string& file, const std::string& text) {
    std::ofstream(folder_ / file, std::ios::binary) << text;
    return folder_ / file;
  }
  static MasterFile read(const fs::path& file) {
    return read_master_file(file, name("example.com"), kDefaultTtl);
  }
  fs::path folder_;
};

TEST_F(MasterFileOnDisk, WhatIsNoRegularFileIsAnErrorAndNeverWaitedFor) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const struct {
    fs::path file;
    std::string message;
  } rows[] = {
      {folder_ / "missing", "cannot open the file: No such file or directory; check the path"},
      {folder_, "this is a directory; give the path of a file"},
      {folder_ / "pipe", "this is not a regular file; give the path of a file"},
      {"/dev/zero", "this is not a regular file; give the path of a file"}};
  for (const auto& row : rows) {
    EXPECT_THAT(errors_of(read(row.file)), ElementsAre(row.file.string() + ": " + row.message));
  }
}

TEST_F(MasterFileOnDisk, FilesOfMoreThan256MiBAreRefused) {
  const fs::path file = write("large", "");
  fs::resize_file(file, kMaxMasterFileSize + 1);  // A hole: it takes no space.
  EXPECT_THAT(
      errors_of(read(file)),
      ElementsAre(file.string() + ": the zone's files are larger than 256 MiB; give smaller ones"));
}

TEST_F(MasterFileOnDisk, IncludeIsRelativeToTheFileThatHasIt) {
  fs::create_directory(folder_ / "sub");
  write("sub/b", "$INCLUDE c\n");
  write("sub/c", "@ A 192.0.2.1\n");
  const fs::path file = write("a", "$INCLUDE sub/b host\n");
  const MasterFile result = read(file);
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(result.files, ElementsAre(file.string(), (folder_ / "sub/b").string(),
                                        (folder_ / "sub/c").string()));
  ASSERT_THAT(result.records, SizeIs(1));
  EXPECT_EQ(result.records[0].file, 2U);
  EXPECT_EQ(result.records[0].owner, name("host.example.com"));
}

TEST_F(MasterFileOnDisk, CircleThroughALinkIsFound) {
  const fs::path file = write("a", "$INCLUDE b\n");
  fs::create_symlink("a", folder_ / "b");
  EXPECT_THAT(
      errors_of(read(file)),
      ElementsAre(file.string() + ":1: $INCLUDE \"b\": the file includes itself; remove one "
                                  "$INCLUDE of the circle"));
}

TEST_F(MasterFileOnDisk, FilesThatMultiplyAreStopped) {
  for (int i = 0; i < 8; ++i) {
    std::string text;
    for (int line = 0; line < 10; ++line) text += "$INCLUDE f" + std::to_string(i + 1) + "\n";
    write("f" + std::to_string(i), text);
  }
  write("f8", "a A 192.0.2.1\n");
  const MasterFile result = read(folder_ / "f0");
  EXPECT_LE(result.files.size(), 1000U);
  EXPECT_FALSE(result.errors.empty());
}

/// Whatever the text, there are records or errors, and each is within its limits.
void expect_verdict(const std::string& text) {
  const MasterFile file = parse(text);
  for (const MasterFileRecord& record : file.records) {
    ASSERT_LE(record.owner.length(), dns::kMaxNameLength);
    ASSERT_LE(record.rdata.size(), 65535U);
    ASSERT_GE(record.ttl.count(), 0);
    ASSERT_LE(record.ttl.count(), 0x7FFFFFFF);
    ASSERT_LT(record.file, file.files.size());
    ASSERT_GE(record.line, 1U);
  }
  for (const MasterFileError& error : file.errors) {
    ASSERT_FALSE(error.message.empty());
    ASSERT_LE(error.message.size(), 500U);
    ASSERT_EQ(error.message.find_first_of(std::string("\0\n\r\t\x1b\xff", 6)), std::string::npos);
  }
}

TEST(MasterFileRobustness, MegabytesOfOneKindGetAVerdict) {
  constexpr std::size_t kSize = 1'000'000;
  constexpr std::size_t kDataSize = 70'000;  // More than a record can have.
  for (const std::string part :
       {"a",  "\"", "\"\"", "(",  ")",   "()",  ";",    "\\",   "@",    "$",   ".",
        "\n", " ",  "\r",   "a ", "a\n", "(\n", "a(\n", "\"\n", "a=\"", "\xFF"}) {
    SCOPED_TRACE(part);
    std::string text;
    while (text.size() < kSize) text += part;
    expect_verdict(text);
    for (const std::string type : {"A", "TXT", "TLSA 3 1 1", "SVCB 1 .", "TYPE65280 \\# 1", "APL",
                                   "CSYNC 1 1", "LOC", "WKS 192.0.2.1", "HIP 1", "CERT"}) {
      expect_verdict("a " + type + " " + text.substr(0, kDataSize));
    }
  }
  expect_verdict(std::string(kSize, '\0'));
}

/// Cuts, swaps and repeats pieces of the good and broken files; the seed makes it the same each
/// time. GSLB_MASTER_FILE_MUTATIONS=N tries more.
TEST(MasterFileRobustness, MutatedFilesGetAVerdict) {
  std::vector<std::string> seeds;
  for (const char* folder : {"good", "broken"}) {
    for (const fs::path& file : zone_files(folder)) seeds.push_back(content_of(file));
  }
  std::erase_if(seeds, [](const std::string& seed) { return seed.size() < 2; });
  ASSERT_FALSE(seeds.empty());

  const char* wanted = std::getenv("GSLB_MASTER_FILE_MUTATIONS");
  const int count = wanted != nullptr ? std::stoi(wanted) : 1000;
  const std::string alphabet(
      "\"();\\#@$.=,!/:-+ \t\n\r\0"
      "09aZ\xFF",
      26);
  std::mt19937 random(20240501);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t edits = 1 + below(6); edits > 0 && text.size() > 1; --edits) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = alphabet[below(alphabet.size())];
          break;
        case 1:
          text.erase(at, 1 + below(20));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), below(80)));
          break;
        case 3: {
          const std::string& other = seeds[below(seeds.size())];
          text.insert(at, other.substr(below(other.size()), below(200)));
          break;
        }
        default:
          text.insert(at, 1, alphabet[below(alphabet.size())]);
          break;
      }
    }
    SCOPED_TRACE(text);
    expect_verdict(text);
  }
}

}  // namespace
}  // namespace gslb::zones

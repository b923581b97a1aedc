#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "tests/support/process.h"
#include "zones/dnssec_key_file.h"

// Every ```toml block in README.md and docs/ is a configuration that gslbd takes:
//   ```toml            a whole file
//   ```toml fragment   some tables of one; the rest comes from kBase
//   ```toml not-yet    tables that this version refuses as "not supported yet"
// So is every literal display of gslbd.toml(5). Each finds keys in key_dir.
namespace gslb::app {
namespace {

namespace fs = std::filesystem;

enum class Kind { kWhole, kFragment, kNotYet, kUnknown };

struct Block {
  std::string file;
  std::size_t line = 0;  ///< Of its first line.
  Kind kind = Kind::kUnknown;
  std::string text;
};

/// What a fragment leaves out. A table that the fragment has itself is left out here.
constexpr std::array<std::string_view, 5> kBase{
    "[zone.\"gslb.example.com\"]\n"
    "nameservers = { \"ns1.gslb.example.com\" = [\"192.0.2.53\"] }\n",
    "[monitor.sstp]\npreset = \"sstp\"\nhost = \"vpn.example.com\"\n",
    "[endpoint.london]\naddresses = [\"203.0.113.10\"]\nmonitors = [\"sstp\"]\n",
    "[endpoint.paris]\naddresses = [\"203.0.113.20\"]\nmonitors = [\"sstp\"]\n",
    "[profile.vpn]\nname = \"vpn.gslb.example.com\"\nmethod = \"weighted\"\n"
    "endpoints = [{ endpoint = \"london\" }, { endpoint = \"paris\" }]\n",
};

/// The fragment at its own lines, so that diagnostics point into the document, then the base.
std::string complete(const Block& block) {
  std::string text(block.line - 1, '\n');
  text += block.text;
  if (block.kind == Kind::kWhole) return text;
  for (const std::string_view table : kBase) {
    const std::string_view header = table.substr(0, table.find('\n'));
    if (block.text.find(header) == std::string::npos) text += table;
  }
  return text;
}

/// The text with a directory of keys for gslb.example.com in place of those that it names.
std::string with_keys(std::string text, const fs::path& keys) {
  const std::string mark = "key_dir = \"";
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
    at += mark.size();
    text.replace(at, text.find('"', at) - at, keys.string());
  }
  return text;
}

Kind kind_of(std::string_view info) {
  if (info == "toml") return Kind::kWhole;
  if (info == "toml fragment") return Kind::kFragment;
  if (info == "toml not-yet") return Kind::kNotYet;
  return Kind::kUnknown;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<Block> blocks_of(const fs::path& file) {
  std::vector<Block> blocks;
  std::ifstream stream(file);
  std::string line;
  bool is_fenced = false;
  bool is_toml = false;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const std::string_view content = trim(line);
    if (!content.starts_with("```")) {
      if (is_fenced && is_toml) blocks.back().text += line + "\n";
    } else if (is_fenced) {
      is_fenced = false;
    } else {
      is_fenced = true;
      const std::string_view info = trim(content.substr(3));
      is_toml = info.starts_with("toml");
      if (is_toml) {
        blocks.push_back({fs::relative(file, GSLB_SOURCE_DIR).string(), number + 1, kind_of(info),
                          std::string()});
      }
    }
  }
  EXPECT_FALSE(is_fenced) << file << " ends inside a fence";
  return blocks;
}

/// The `.Bd -literal` displays of a man page.
std::vector<Block> displays_of(const fs::path& file) {
  std::vector<Block> blocks;
  std::ifstream stream(file);
  std::string line;
  bool is_display = false;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    if (line.starts_with(".Bd -literal")) {
      is_display = true;
      blocks.push_back(
          {fs::relative(file, GSLB_SOURCE_DIR).string(), number + 1, Kind::kWhole, std::string()});
    } else if (line == ".Ed") {
      is_display = false;
    } else if (is_display) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

std::vector<Block> all_blocks() {
  const fs::path root = GSLB_SOURCE_DIR;
  std::vector<fs::path> files;
  if (fs::exists(root / "README.md")) files.push_back(root / "README.md");
  if (fs::exists(root / "docs")) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / "docs")) {
      if (entry.path().extension() == ".md") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Block> blocks = displays_of(root / "docs/man/gslbd.toml.5");
  for (const fs::path& file : files) {
    const std::vector<Block> found = blocks_of(file);
    blocks.insert(blocks.end(), found.begin(), found.end());
  }
  return blocks;
}

TEST(DocsExamples, AreThere) {
  const std::vector<Block> blocks = all_blocks();
  EXPECT_TRUE(std::any_of(blocks.begin(), blocks.end(),
                          [](const Block& block) { return block.kind == Kind::kWhole; }));
  for (const Block& block : blocks) {
    EXPECT_NE(block.kind, Kind::kUnknown) << block.file << ":" << block.line - 1
                                          << ": write ```toml, ```toml fragment or ```toml not-yet";
  }
}

void make_key(const fs::path& folder) {
  constexpr std::chrono::sys_seconds kPast{std::chrono::seconds{1'700'000'000}};
  ASSERT_TRUE(zones::generate_key(folder, dns::parse_name("gslb.example.com").value(),
                                  zones::KeyAlgorithm::kEcdsaP256Sha256, true,
                                  {.publish = kPast, .activate = kPast}));
}

void expect_taken(const std::string& text, const fs::path& file) {
  for (const Diagnostic& diagnostic : parse_config(text, file.string(), 0).diagnostics) {
    EXPECT_NE(diagnostic.severity, Diagnostic::Severity::kError) << diagnostic.to_string();
  }
}

TEST(DocsExamples, AreTaken) {
  const support::TemporaryFolder keys;
  ASSERT_NO_FATAL_FAILURE(make_key(keys.path()));
  for (const Block& block : all_blocks()) {
    if (block.kind != Kind::kWhole && block.kind != Kind::kFragment) continue;
    expect_taken(with_keys(complete(block), keys.path()), fs::path(GSLB_SOURCE_DIR) / block.file);
  }
}

// docker/compose.yml mounts what it needs at /estate.
TEST(DocsExamples, TheEstateInContainersIsTaken) {
  const fs::path file = fs::path(GSLB_SOURCE_DIR) / "docker/estate/gslbd.toml";
  std::ifstream stream(file);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  const support::TemporaryFolder estate;
  ASSERT_NO_FATAL_FAILURE(make_key(estate.path()));
  fs::copy_file(fs::path(GSLB_SOURCE_DIR) / "docs/reference/ca.pem", estate.path() / "ca.pem");
  support::write_file(estate.path() / "api.token", "0123456789abcdef\n");
  text = with_keys(text, estate.path());
  const std::string mark = "/estate/";
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
    text.replace(at, mark.size(), estate.path().string() + "/");
  }
  expect_taken(text, file);
}

TEST(DocsExamples, OfLaterVersionsAreRefused) {
  for (const Block& block : all_blocks()) {
    if (block.kind != Kind::kNotYet) continue;
    SCOPED_TRACE(block.file + ":" + std::to_string(block.line));
    const ConfigResult result =
        parse_config(complete(block), (fs::path(GSLB_SOURCE_DIR) / block.file).string(), 0);
    EXPECT_TRUE(has_errors(result.diagnostics));
    for (const Diagnostic& diagnostic : result.diagnostics) {
      if (diagnostic.severity != Diagnostic::Severity::kError) continue;
      EXPECT_THAT(diagnostic.to_string(), testing::HasSubstr("not supported yet"));
    }
  }
}

}  // namespace
}  // namespace gslb::app

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "app/config.h"

// Whatever the bytes, parse_config returns, and returns a configuration or an error.
namespace gslb::app {
namespace {

namespace fs = std::filesystem;

void expect_verdict(const std::string& text) {
  const ConfigResult result = parse_config(text, "f", 0);
  EXPECT_NE(result.config == nullptr, !has_errors(result.diagnostics));
  for (const Diagnostic& diagnostic : result.diagnostics) {
    EXPECT_FALSE(diagnostic.message.empty());
    const std::string line = diagnostic.to_string();
    EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](char c) {
      const auto octet = static_cast<unsigned char>(c);
      return octet < ' ' || octet == 127;
    })) << line;
  }
}

std::string repeat(const std::string& part, std::size_t count) {
  std::string text;
  text.reserve(part.size() * count);
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

TEST(ConfigRobustness, DeepNestingIsRefused) {
  constexpr std::size_t kDepth = 200'000;
  const std::string dotted = repeat("a.", kDepth) + "a";
  // The deepest that passes the check of key lengths: 256 values of 16 parts each.
  const std::string deepest = repeat("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p={", 255) + repeat("}", 255);
  const std::vector<std::string> texts{
      "a = " + repeat("[", kDepth),
      "a = " + repeat("[", kDepth) + repeat("]", kDepth),
      "a = " + repeat("{a=", kDepth) + "1" + repeat("}", kDepth),
      "[" + dotted + "]\n",
      "[[" + dotted + "]]\n",
      dotted + " = 1\n",
      repeat("a . ", kDepth) + "a = 1\n",
      repeat("\"a\".", kDepth) + "a = 1\n",
      repeat("'a'.", kDepth) + "a = 1\n",
      "x = \"\"\"\n\"\"\"\"\"\n" + dotted + " = 1\n",
      "x = '''\n'''''\n" + dotted + " = 1\n",
      "x = \"\\\"\" # \"\n" + dotted + " = 1\n",
      "x = [ 1, # ]\n{ " + dotted + " = 1 } ]\n",
      "[" + std::string("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p]\n") + deepest,
  };
  for (const std::string& text : texts) {
    SCOPED_TRACE(text.substr(0, 40));
    const ConfigResult result = parse_config(text, "f", 0);
    EXPECT_EQ(result.config, nullptr);
    EXPECT_TRUE(has_errors(result.diagnostics));
  }
}

TEST(ConfigRobustness, DotsInStringsAndCommentsAreNoKeys) {
  const std::string text =
      "# " + repeat(".", 1000) +
      "\n"
      "[zone.\"example.com\"] # " +
      repeat(".", 1000) +
      "\n"
      "nameservers = { \"ns1.example.com\" = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', "
      "'192.0.2.5', '192.0.2.6'] }\n"
      "hostmaster = \"\"\"a\\\"" +
      repeat(".", 40) + "@example.com\"\"\"\n[server]\nidentity = '''\n'" + repeat(".", 40) +
      "'''\n";
  const ConfigResult result = parse_config(text, "f", 0);
  for (const Diagnostic& diagnostic : result.diagnostics) {
    ADD_FAILURE() << diagnostic.to_string();
  }
}

TEST(ConfigRobustness, JunkOfAMegabyteIsRefused) {
  constexpr std::size_t kSize = 1'000'000;
  std::mt19937 random(1);
  std::string bytes(kSize, '\0');
  for (char& c : bytes) c = static_cast<char>(random() & 0xFFU);
  expect_verdict(bytes);
  for (const std::string part :
       {"a", "\"", "'", "[", "{", "=", ".", "#", "\n", "\\", " ", "\xFF"}) {
    SCOPED_TRACE(part);
    expect_verdict(repeat(part, kSize));
  }
  expect_verdict(std::string(kSize, '\0'));
  expect_verdict("a = \"" + std::string(kSize, 'x') + "\"");
  expect_verdict(std::string(kSize, 'x') + " = 1");
}

TEST(ConfigRobustness, ManyUnknownKeysAreAllReported) {
  constexpr std::size_t kCount = 20'000;
  std::string text;
  for (std::size_t i = 0; i < kCount; ++i) text += "key" + std::to_string(i) + " = 1\n";
  EXPECT_EQ(parse_config(text, "f", 0).diagnostics.size(), kCount + 1);
}

/// Cuts, swaps and repeats pieces of the good and broken files; the seed makes it the same each
/// time. GSLB_CONFIG_MUTATIONS=N tries more.
TEST(ConfigRobustness, MutatedFilesGetAVerdict) {
  std::vector<std::string> seeds;
  for (const char* folder : {"good", "broken"}) {
    for (const fs::directory_entry& entry :
         fs::directory_iterator(fs::path(GSLB_SOURCE_DIR) / "tests/conformance/config" / folder)) {
      if (entry.path().extension() != ".toml") continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
  }
  std::sort(seeds.begin(), seeds.end());
  std::erase_if(seeds, [](const std::string& seed) { return seed.size() < 2; });
  ASSERT_FALSE(seeds.empty());

  const char* wanted = std::getenv("GSLB_CONFIG_MUTATIONS");
  const int count = wanted != nullptr ? std::stoi(wanted) : 1000;
  const std::string alphabet = "\"'[]{}=.,#\n\\ -0a\xFF";
  std::mt19937 random(20240501);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int i = 0; i < count && !HasFailure(); ++i) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t edits = 1 + below(4); edits > 0 && text.size() > 1; --edits) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = alphabet[below(alphabet.size())];
          break;
        case 1:
          text.erase(at, 1 + below(20));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), below(80)));
          break;
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
}  // namespace gslb::app

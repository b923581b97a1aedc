#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include "app/config.h"

// tests/conformance/config: files with the diagnostics that they must bring, line for line. Those
// in broken/ are refused; those in good/ are taken, with warnings where a .expected file says so.
namespace gslb::app {
namespace {

namespace fs = std::filesystem;

const fs::path kCases = fs::path(GSLB_SOURCE_DIR) / "tests/conformance/config";

std::vector<fs::path> config_files(const std::string& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(kCases / folder)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// What load_config says about the file and the zone files beside it, each named by its last part.
std::string diagnostics_of(const ConfigResult& result, const fs::path& file) {
  std::string text;
  for (Diagnostic diagnostic : result.diagnostics) {
    const fs::path named(diagnostic.file);
    EXPECT_EQ(named.parent_path(), file.parent_path());
    diagnostic.file = named.filename().string();
    text += diagnostic.to_string() + "\n";
  }
  return text;
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string expected_for(const fs::path& file) {
  return content_of(fs::path(file).replace_extension(".expected"));
}

TEST(ConfigCases, BrokenFilesBringTheExpectedDiagnostics) {
  const std::vector<fs::path> files = config_files("broken");
  EXPECT_GE(files.size(), 35U);
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    const ConfigResult result = load_config(file);
    EXPECT_EQ(result.config, nullptr);
    EXPECT_TRUE(has_errors(result.diagnostics));
    EXPECT_EQ(diagnostics_of(result, file), expected_for(file));
  }
}

TEST(ConfigCases, GoodFilesAreTaken) {
  const std::vector<fs::path> files = config_files("good");
  EXPECT_FALSE(files.empty());
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    const ConfigResult result = load_config(file);
    EXPECT_NE(result.config, nullptr);
    EXPECT_FALSE(has_errors(result.diagnostics));
    EXPECT_EQ(diagnostics_of(result, file), expected_for(file));
  }
}

TEST(ConfigCases, DiagnosticsComeInTheOrderOfTheFile) {
  for (const fs::path& file : config_files("broken")) {
    SCOPED_TRACE(file.filename().string());
    const Diagnostics diagnostics = load_config(file).diagnostics;
    EXPECT_TRUE(std::is_sorted(diagnostics.begin(), diagnostics.end(),
                               [&](const Diagnostic& a, const Diagnostic& b) {
                                 const bool a_is_other = a.file != file.string();
                                 const bool b_is_other = b.file != file.string();
                                 return std::tie(a_is_other, a.file, a.line, a.column) <
                                        std::tie(b_is_other, b.file, b.line, b.column);
                               }));
  }
}

TEST(ConfigCases, EveryCaseFileBelongsToACase) {
  for (const std::string folder : {"broken", "good"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(kCases / folder)) {
      SCOPED_TRACE(entry.path().string());
      const fs::path extension = entry.path().extension();
      EXPECT_TRUE(extension == ".zone" || extension == ".secret" || extension == ".token" ||
                  fs::exists(fs::path(entry.path()).replace_extension(".toml")));
    }
  }
}

}  // namespace
}  // namespace gslb::app

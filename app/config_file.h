#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "app/config_report.h"
#include "base/file.h"

namespace gslb::app::loading {

/// Reads a configuration file, or one that it names.
tl::expected<base::FileContent, std::string> read_file(const std::filesystem::path& file);

/// Seconds since 1970; 0 where the file is not there.
std::uint32_t modification_time(const std::filesystem::path& file);

struct TextProblem {
  Position at;
  std::string message;
};

/// What must be refused before the TOML parser sees it: empty and UTF-16 text, and keys of so many
/// parts that freeing their nested tables would exhaust the stack.
std::optional<TextProblem> find_text_problem(std::string_view text);

}  // namespace gslb::app::loading

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <tl/expected.hpp>

namespace gslb::base {

/// What makes two paths the same file.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  bool operator==(const FileIdentity&) const = default;
};

struct FileContent {
  std::string text;
  std::uint32_t modified = 0;  ///< Seconds since 1970.
  FileIdentity identity;
};

/// What errno says, for messages.
std::string errno_text();

/// Reads a regular file of at most `max_size` octets, and never waits for one that is something
/// else. The error says what is wrong with the file as a whole, and what to do; `too_large` is what
/// it says of one that is larger. Thread-safe.
tl::expected<FileContent, std::string> read_file(const std::filesystem::path& file,
                                                 std::size_t max_size,
                                                 const std::string& too_large);

}  // namespace gslb::base

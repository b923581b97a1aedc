#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/unique_fd.h"

namespace gslb::base {

/// A file that takes the place of another one once it is complete and on the disk: a reader, and a
/// system that fails meanwhile, sees the old or the new content, never a part. What is not
/// committed is removed with the object. Only the owner may read the file. Not thread-safe.
class AtomicFile {
 public:
  /// Creates it beside `file`, in the same folder. The error says what errno does.
  static tl::expected<AtomicFile, std::string> make(const std::filesystem::path& file);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  tl::expected<void, std::string> write(std::string_view text);

  /// Once. Waits for the disk.
  tl::expected<void, std::string> commit();

 private:
  AtomicFile(std::filesystem::path file, std::string temporary, UniqueFd fd)
      : file_(std::move(file)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

  std::filesystem::path file_;
  std::string temporary_;  ///< Empty once it is no more.
  UniqueFd fd_;
};

}  // namespace gslb::base

#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/file.h"

namespace gslb::base {
namespace {

tl::unexpected<std::string> fail_with_errno() { return tl::unexpected<std::string>(errno_text()); }

}  // namespace

tl::expected<AtomicFile, std::string> AtomicFile::make(const std::filesystem::path& file) {
  std::string temporary = file.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));  // Mode 0600.
  if (!fd) return fail_with_errno();
  return AtomicFile(file, std::move(temporary), std::move(fd));
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : file_(std::move(other.file_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)) {}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

tl::expected<void, std::string> AtomicFile::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_with_errno();
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

tl::expected<void, std::string> AtomicFile::commit() {
  // Before the rename, or a system that fails could leave an empty file under the name.
  if (::fsync(fd_.get()) != 0) return fail_with_errno();
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) return fail_with_errno();
  temporary_.clear();
  const UniqueFd folder(
      ::open((file_.parent_path() / ".").c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  ::fsync(folder.get());  // Some file systems cannot, and then need not.
  return {};
}

}  // namespace gslb::base

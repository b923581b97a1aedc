#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/unique_fd.h"

namespace gslb::base {
namespace {

tl::unexpected<std::string> fail(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

}  // namespace

std::string errno_text() { return std::generic_category().message(errno); }

tl::expected<FileContent, std::string> read_file(const std::filesystem::path& file,
                                                 std::size_t max_size,
                                                 const std::string& too_large) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail("cannot open the file: " + errno_text() + "; check the path");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail("cannot read the file: " + errno_text());
  if (S_ISDIR(status.st_mode)) return fail("this is a directory; give the path of a file");
  if (!S_ISREG(status.st_mode)) return fail("this is not a regular file; give the path of a file");
  if (static_cast<std::uint64_t>(status.st_size) > max_size) return fail(too_large);

  FileContent content{
      {}, static_cast<std::uint32_t>(status.st_mtim.tv_sec), {status.st_dev, status.st_ino}};
  content.text.reserve(static_cast<std::size_t>(status.st_size));
  std::string block(std::size_t{64} << 10U, '\0');
  for (;;) {
    const ssize_t length = ::read(fd.get(), block.data(), block.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return fail("cannot read the file: " + errno_text());
    if (length == 0) return content;
    content.text.append(block, 0, static_cast<std::size_t>(length));
    if (content.text.size() > max_size) return fail(too_large);
  }
}

}  // namespace gslb::base

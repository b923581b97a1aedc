#include "app/config_file.h"

#include <sys/stat.h>

namespace gslb::app::loading {
namespace {

constexpr std::size_t kMaxFileSize = std::size_t{16} << 20U;

/// The longest sensible key has three parts. toml++ limits how deep values nest (256), but not the
/// parts of a key, and frees the tables that they make recursively.
constexpr std::size_t kMaxKeyDots = 15;

/// Walks over TOML text and counts the dots of each key, outside strings and comments.
class KeyScanner {
 public:
  explicit KeyScanner(std::string_view text) : text_(text) {}

  /// The place where a key goes beyond kMaxKeyDots.
  std::optional<Position> find_long_key() {
    std::size_t dots = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        skip_comment();
        continue;
      }
      if (c == '.' && ++dots > kMaxKeyDots) return position();
      if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) dots = 0;
      ++at_;
    }
    return std::nullopt;
  }

 private:
  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }

  void skip_string(char delimiter) {
    const std::string triple(3, delimiter);
    const bool is_multi_line = text_.substr(at_, 3) == triple;
    at_ += is_multi_line ? 3 : 1;
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && delimiter == '"') {
        at_ += 2;
      } else if (!is_multi_line && (text_[at_] == delimiter || text_[at_] == '\n')) {
        if (text_[at_] == delimiter) ++at_;
        return;
      } else if (is_multi_line && text_.substr(at_, 3) == triple) {
        at_ += 3;
        // The text may end in one or two quotes of its own.
        while (at_ < text_.size() && text_[at_] == delimiter) ++at_;
        return;
      } else {
        ++at_;
      }
    }
  }

  Position position() const {
    Position position{1, 1};
    for (const char c : text_.substr(0, at_)) {
      const bool is_continuation = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
      if (c == '\n') {
        ++position.line;
        position.column = 1;
      } else if (!is_continuation) {
        ++position.column;
      }
    }
    return position;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::uint32_t modification_time(const std::filesystem::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return 0;
  return static_cast<std::uint32_t>(status.st_mtim.tv_sec);
}

tl::expected<base::FileContent, std::string> read_file(const std::filesystem::path& file) {
  return base::read_file(file, kMaxFileSize,
                         "the file is larger than 16 MiB; give the path of a configuration file");
}

std::optional<TextProblem> find_text_problem(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return TextProblem{{}, "the file is UTF-16 text; save it as UTF-8"};
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return TextProblem{{}, "the file is empty; it needs at least one [zone.\"NAME\"]"};
  }
  if (const std::optional<Position> at = KeyScanner(text).find_long_key()) {
    return TextProblem{*at, "a key of more than 16 parts; no key of gslbd has that many"};
  }
  return std::nullopt;
}

}  // namespace gslb::app::loading

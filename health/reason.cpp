#include "health/reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

namespace gslb::health {

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() % 1000 == 0) return fmt::format("{}s", duration.count() / 1000);
  return fmt::format("{}ms", duration.count());
}

std::string timed_out(std::chrono::milliseconds timeout, std::string_view reached) {
  return fmt::format("timed out after {}: {}", format_duration(timeout), reached);
}

std::string describe_errno(int error) {
  std::string text = std::generic_category().message(error);
  // "Connection refused" becomes the middle of a sentence; "RPC …" stays as it is.
  const bool acronym = text.size() > 1 && std::isupper(static_cast<unsigned char>(text[1])) != 0;
  if (!text.empty() && !acronym) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string result(text.substr(0, limit));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > limit) result += "...";
  return result;
}

}  // namespace gslb::health

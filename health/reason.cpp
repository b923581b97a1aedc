#include "health/reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

namespace gslb::health {
namespace {

constexpr std::size_t kMaxQuotedBytes = 120;

}  // namespace

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

std::string describe_handshake_error(std::string_view text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  std::string what;
  if (has("reset by peer")) {
    what = "connection reset by the peer";
  } else if (has("SSL_ERROR_SYSCALL") || has("SSL_ERROR_ZERO_RETURN") || has("unexpected eof") ||
             has("stream truncated") || has("End of file")) {
    what = "connection closed by the peer";
  } else {
    // "error:0A00010B:SSL routines::wrong version number"
    if (const auto colons = text.rfind("::"); colons != std::string_view::npos) {
      text.remove_prefix(colons + 2);
    }
    what = printable(text, kMaxQuotedBytes);
    if (text == "wrong version number") what += " (the peer does not speak TLS)";
  }
  return "TLS handshake failed: " + what;
}

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", printable(text, kMaxQuotedBytes));
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string result(text.substr(0, limit));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > limit) result += "...";
  return result;
}

}  // namespace gslb::health

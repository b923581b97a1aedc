// The configured path of an HTTP probe as it is sent: no octet may reach the request line that RFC
// 3986 does not allow there, and the server must decode what the administrator wrote.

#include <string>

#include "health/http_prober.h"
#include "tests/fuzz/fuzz.h"

namespace gslb {
namespace {

using fuzz::require;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// The octet that a "%XX" at `at` stands for, or -1.
int escaped_octet(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// RFC 3986 §2.1, leniently: a '%' without two hexadecimal digits stands for itself.
std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size();) {
    const int octet = escaped_octet(text, at);
    decoded += octet < 0 ? text[at] : static_cast<char>(octet);
    at += octet < 0 ? 1 : 3;
  }
  return decoded;
}

/// RFC 3986 appendix A: pchar, '/' and '?', where a '%' must be part of an escape.
void check_characters(std::string_view path) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?";
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '%') {
      require(escaped_octet(path, at) >= 0, "a '%' starts an escape");
    } else {
      require(kAllowed.find(path[at]) != std::string_view::npos,
              "only what RFC 3986 allows in a path");
    }
  }
}

}  // namespace
}  // namespace gslb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  const std::string_view text = fuzz::Input(data, size).text();
  const std::string path = health::percent_encode_path(text);
  require(path.starts_with('/'), "a path starts with '/'");
  check_characters(path);
  require(health::percent_encode_path(path) == path, "what is encoded stays");
  require(decode(path) == (text.starts_with('/') ? "" : "/") + decode(text),
          "the server sees what was configured");
  return 0;
}

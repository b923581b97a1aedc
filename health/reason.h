#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace gslb::health {

/// "5s", "1500ms".
std::string format_duration(std::chrono::milliseconds duration);

/// "timed out after 5s: no connection". `reached` says how far the probe got.
std::string timed_out(std::chrono::milliseconds timeout, std::string_view reached);

/// The text of an errno value, to be used within a sentence: "connection refused".
std::string describe_errno(int error);

/// "TLS handshake failed: wrong version number (the peer does not speak TLS)", from the account
/// that OpenSSL or libcurl give of it.
std::string describe_handshake_error(std::string_view text);

/// Between quotation marks and printable, at most 120 bytes of it.
std::string quoted(std::string_view text);

/// At most `limit` bytes of text that came from a peer, safe for a log line: anything but printable
/// ASCII becomes '?'.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace gslb::health

#pragma once

#include <boost/json.hpp>
#include <exception>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

// Reading what the daemon replies, for the sources of gslbctl.
namespace gslb::app {

/// The text of a member; "-" for null.
inline std::string text_of(const boost::json::object& object, std::string_view key) {
  const boost::json::value& value = object.at(key);
  return value.is_null() ? "-" : std::string(value.as_string());
}

inline std::string reason_of(const boost::json::object& object) {
  const boost::json::value& reason = object.at("reason");
  return reason.is_null() ? "" : std::string(reason.as_string());
}

/// What a daemon of another version might say must not end the program.
template <typename Read>
tl::expected<std::string, std::string> read_reply(std::string_view text, Read read) {
  try {
    boost::json::value reply = boost::json::parse(text);
    return read(reply.as_object());
  } catch (const std::exception& error) {
    return tl::make_unexpected(std::string("the reply of gslbd cannot be read: ") + error.what());
  }
}

}  // namespace gslb::app

#pragma once

#include <filesystem>
#include <string>

#include <tl/expected.hpp>

namespace gslb::app {

struct AdminReply {
  unsigned status = 0;
  std::string body;
};

/// Sends one request to the admin API of a gslbd and waits for the reply, for at most 60 s: a
/// reload of large zones takes a while. The error says why there is none. Thread-safe.
tl::expected<AdminReply, std::string> ask_admin(const std::filesystem::path& socket,
                                                const std::string& method,
                                                const std::string& target,
                                                const std::string& body = "");

}  // namespace gslb::app

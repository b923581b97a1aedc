#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "tests/support/dns_client.h"
#include "tests/support/message.h"
#include "tests/support/process.h"

namespace gslb::blackbox {

/// A running gslbd with a configuration file of its own, on a port that it picked itself.
class Daemon {
 public:
  /// `config` is everything but the listen addresses: `[server]` must not occur in it, but its
  /// other keys may come first. `prefix` is a command that runs the daemon. Waits until the daemon
  /// listens; fails the test where it does not.
  explicit Daemon(const std::string& config, std::vector<std::string> prefix = {});

  base::SocketAddress address() const { return address_; }
  std::string port() const { return std::to_string(address_.port); }
  const std::filesystem::path& file() const { return file_; }
  /// The control socket.
  std::filesystem::path control() const { return folder_.path() / "control.sock"; }
  support::Process& process() { return *process_; }

  /// The whole file for a changed configuration.
  std::string with_server(const std::string& config) const;
  /// Starts it again, once it has ended.
  void start_again();
  /// Replaces the file and waits until the log says that it was applied.
  void reload(const std::string& config);

  /// Waits for a line of the log that contains `text`, from the end of the last one waited for.
  bool wait_for_log(const std::string& text);
  std::string log() const { return process_->output(); }

  /// One query over UDP; fails the test where no readable response comes.
  support::Message ask(std::string_view owner, std::uint16_t type);
  /// The addresses of the answer, joined by blanks.
  std::string addresses(std::string_view owner);
  /// Asks until the answer is `expected`; how long that took, or nothing after 20 s.
  std::optional<std::chrono::milliseconds> wait_for_addresses(std::string_view owner,
                                                              const std::string& expected);
  /// How often each answer comes in `queries` queries, a window of them under way at a time.
  std::map<std::string, int> count_answers(std::string_view owner, int queries);

 private:
  void start();

  support::TemporaryFolder folder_;
  std::vector<std::string> prefix_;
  std::filesystem::path file_ = folder_.path() / "gslbd.toml";
  std::optional<support::Process> process_;
  base::SocketAddress address_;
  std::optional<support::UdpClient> client_;
  std::size_t log_position_ = 0;
};

/// A zone gslb.example.com, an `sstp` monitor on `port` that decides quickly, and `more`.
std::string quick_config(std::uint16_t port, const std::string& more, int tolerated_failures = 0);

/// quick_config() with a profile vpn.gslb.example.com that prefers the probed site at kSite to one
/// that needs no probing, at kSpare. `profile_keys` go into the profile.
std::string site_and_spare(std::uint16_t port, int tolerated_failures = 0,
                           const std::string& profile_keys = "");
inline constexpr const char* kVpn = "vpn.gslb.example.com";
inline constexpr const char* kSite = "127.0.0.1";
inline constexpr const char* kSpare = "203.0.113.20";

/// True where the tests run under a sanitizer, which costs memory and time.
bool is_sanitized();

}  // namespace gslb::blackbox

#include "tests/blackbox/daemon.h"

#include <gtest/gtest.h>

#include "dns/wire.h"
#include "tests/support/test_snapshot.h"

namespace gslb::blackbox {
namespace {

constexpr std::chrono::seconds kPatience{20};

/// The last word of every record.
std::string join_addresses(const support::Message& message) {
  std::string joined;
  for (const std::string& record : message.answer) {
    if (!joined.empty()) joined += ' ';
    joined += record.substr(record.rfind(' ') + 1);
  }
  return joined;
}

}  // namespace

Daemon::Daemon(const std::string& config, std::vector<std::string> prefix)
    : prefix_(std::move(prefix)) {
  support::write_file(file_, with_server(config));
  start();
}

void Daemon::start_again() {
  log_position_ = 0;
  start();
}

void Daemon::start() {
  std::vector<std::string> command = prefix_;
  command.insert(command.end(), {GSLBD_BINARY, "--config", file_.string()});
  process_.emplace(command);
  const std::string mark = "listening on ";
  const auto at = process_->wait_for_output(mark);
  if (!at || !process_->wait_for_output("serving ")) {
    ADD_FAILURE() << "gslbd does not start:\n" << process_->output();
    return;
  }
  const std::string log = process_->output();
  const auto address = base::parse_socket_address(log.substr(*at, log.find(' ', *at) - *at));
  if (!address) {
    ADD_FAILURE() << "no address in the log:\n" << log;
    return;
  }
  address_ = *address;
  client_.emplace(address_);
}

std::string Daemon::with_server(const std::string& config) const {
  return "[server]\nlisten = [\"127.0.0.1:0\"]\nidentity = \"test\"\ncontrol = \"control.sock\"\n" +
         config;
}

void Daemon::reload(const std::string& config) {
  log_position_ = log().size();
  support::replace_file(file_, with_server(config));
  EXPECT_TRUE(wait_for_log("configuration applied")) << log();
}

bool Daemon::wait_for_log(const std::string& text) {
  const auto at = process_->wait_for_output(text, log_position_);
  if (at) log_position_ = *at;
  return at.has_value();
}

support::Message Daemon::ask(std::string_view owner, std::uint16_t type) {
  const auto response = client_->ask(support::make_query(owner, type, dns::kEdnsUdpSize));
  if (!response) {
    ADD_FAILURE() << "no response for " << owner << "; the log:\n" << log();
    return {};
  }
  const auto message = support::parse_message(*response);
  EXPECT_TRUE(message) << "unreadable response for " << owner;
  return message.value_or(support::Message{});
}

std::string Daemon::addresses(std::string_view owner) {
  return join_addresses(ask(owner, dns::type::kA));
}

std::optional<std::chrono::milliseconds> Daemon::wait_for_addresses(std::string_view owner,
                                                                    const std::string& expected) {
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    const bool found = addresses(owner) == expected;
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    if (found) return passed;
    if (passed > kPatience || testing::Test::HasFailure()) return std::nullopt;
  }
}

std::map<std::string, int> Daemon::count_answers(std::string_view owner, int queries) {
  constexpr int kWindow = 32;
  std::map<std::string, int> counts;
  const std::vector<std::uint8_t> query = support::make_query(owner, dns::type::kA);
  for (int sent = 0, received = 0; received < queries; ++received) {
    for (; sent < queries && sent - received < kWindow; ++sent) client_->send(query);
    const auto response = client_->receive();
    if (!response) {
      ADD_FAILURE() << "query " << received << " stays without an answer";
      break;
    }
    const auto message = support::parse_message(*response);
    ++counts[message ? join_addresses(*message) : "unreadable"];
  }
  return counts;
}

std::string quick_config(std::uint16_t port, const std::string& more, int tolerated_failures) {
  return R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.sstp]
preset = "sstp"
host = "vpn.example.com"
interval = "1s"
timeout = "500ms"
port = )" +
         std::to_string(port) + "\ntolerated_failures = " + std::to_string(tolerated_failures) +
         "\n" + more;
}

std::string site_and_spare(std::uint16_t port, int tolerated_failures,
                           const std::string& profile_keys) {
  return quick_config(port, R"(
[endpoint.london]
addresses = ["127.0.0.1"]
monitors = ["sstp"]
[endpoint.spare]
addresses = ["203.0.113.20"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "spare" }]
)" + profile_keys,
                      tolerated_failures);
}

bool is_sanitized() { return std::string_view(GSLBD_SANITIZER) != ""; }

}  // namespace gslb::blackbox

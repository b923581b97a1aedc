#include "app/gslbctl_client.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <cstdio>

#include "app/config.h"

namespace gslb::app {
namespace {

namespace json = boost::json;

/// Nothing after a complaint.
std::optional<std::filesystem::path> find_socket(const ControlOptions& options) {
  if (!options.control.empty()) return options.control;
  if (options.config.empty()) return ControlSpec{}.path;
  auto path = find_control(options.config);
  if (path) return *std::move(path);
  complain(path.error());
  return std::nullopt;
}

}  // namespace

void add_control_options(CLI::App& command, ControlOptions& options) {
  CLI::Option* control =
      command.add_option("--control", options.control, "The control socket of gslbd")
          ->type_name("PATH");
  command.add_option("--config", options.config, "Take the control socket from this configuration")
      ->type_name("FILE")
      ->excludes(control);
  command.add_flag("--json", options.json, "Print JSON on one line");
}

int complain(const std::string& message) {
  fmt::print(stderr, "gslbctl: {}\n", message);
  return kExitFailed;
}

std::optional<AdminReply> ask_daemon(const ControlOptions& options, const std::string& method,
                                     const std::string& target, const std::string& body,
                                     int& status) {
  const auto socket = find_socket(options);
  if (!socket) {
    status = kExitFailed;
    return std::nullopt;
  }
  auto reply = ask_admin(*socket, method, target, body);
  if (reply) return *std::move(reply);
  complain(fmt::format("no gslbd answers at {}: {}; is it running, and is this its server.control?",
                       socket->string(), reply.error()));
  status = kExitUnreachable;
  return std::nullopt;
}

std::optional<std::string> ask_for_json(const ControlOptions& options, const std::string& method,
                                        const std::string& target, const std::string& body,
                                        int& status) {
  auto reply = ask_daemon(options, method, target, body, status);
  if (!reply) return std::nullopt;
  if (reply->status == 200) return std::move(reply->body);
  status = complain(problem_detail(*reply));
  return std::nullopt;
}

std::string problem_detail(const AdminReply& reply) {
  boost::system::error_code error;
  const json::value problem = json::parse(reply.body, error);
  if (!error && problem.is_object()) {
    const json::value* detail = problem.as_object().if_contains("detail");
    if (detail != nullptr && detail->is_string()) return std::string(detail->as_string());
  }
  return fmt::format("gslbd answers with status {}", reply.status);
}

std::string encode_query(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool is_plain = octet < 0x80 && (std::isalnum(octet) != 0 || c == '.' || c == '-');
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", octet);
  }
  return out;
}

std::string TextTable::to_string() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace gslb::app

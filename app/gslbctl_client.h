#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/admin_client.h"

namespace CLI {
class App;
}

namespace gslb::app {

// What the commands of gslbctl that talk to the daemon share.

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;

/// `--control`, `--config` and `--json`.
struct ControlOptions {
  std::string control;  ///< Empty: that of `config`.
  std::string config;   ///< Empty: the default path.
  bool json = false;
};

void add_control_options(CLI::App& command, ControlOptions& options);

/// Prints `gslbctl: MESSAGE` to stderr; returns kExitFailed.
int complain(const std::string& message);

/// One request to the daemon. Nothing after a complaint; `status` is the exit status then.
std::optional<AdminReply> ask_daemon(const ControlOptions& options, const std::string& method,
                                     const std::string& target, const std::string& body,
                                     int& status);

/// The same, where anything but 200 is a failure: its detail is complained of.
std::optional<std::string> ask_for_json(const ControlOptions& options, const std::string& method,
                                        const std::string& target, const std::string& body,
                                        int& status);

/// The detail of a problem (RFC 9457), or what else can be said.
std::string problem_detail(const AdminReply& reply);

/// Percent-encoded for a query.
std::string encode_query(const std::string& text);

/// Columns of text, each as wide as its widest cell.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;  ///< All of one length.
};

}  // namespace gslb::app

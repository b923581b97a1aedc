#include "health/exec_prober.h"

#include <fmt/format.h>

#include <utility>

#include "health/command.h"
#include "health/probe_run.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

constexpr std::string_view kAddress = "{address}";

std::string with_address(std::string text, const std::string& address) {
  for (std::size_t at = 0; (at = text.find(kAddress, at)) != std::string::npos;
       at += address.size()) {
    text.replace(at, kAddress.size(), address);
  }
  return text;
}

class ExecProbe final : public ProbeRun {
 public:
  ExecProbe(boost::asio::io_context& io, std::shared_ptr<const MonitorSpec> monitor,
            const base::IpAddress& address, Prober::Callback callback)
      : ProbeRun(io, std::move(monitor), std::move(callback)), address_(base::to_string(address)) {}

 private:
  void run() override {
    CommandSpec spec;
    for (const std::string& argument : monitor().command) {
      spec.arguments.push_back(with_address(argument, address_));
    }
    spec.environment = monitor().environment;
    spec.environment.emplace_back("GSLBD_ADDRESS", address_);
    spec.environment.emplace_back("GSLBD_MONITOR", monitor().name);
    spec.environment.emplace_back("GSLBD_TIMEOUT_MS", std::to_string(monitor().timeout.count()));
    spec.timeout = 2 * monitor().timeout;  // The deadline of the probe comes first.
    command_ = run_command(
        io(), spec, [this, self = shared_from_this()](const auto& result) { judge(result); });
  }

  void close() override { command_.reset(); }
  std::string stage() const override { return "the command has not ended"; }

  void judge(const CommandResult& result) {
    const std::string& line = result.last_line;
    const std::string behind = line.empty() ? "" : ": " + line;
    switch (result.end) {
      case CommandResult::End::kExited:
        if (result.value == 0) return succeed(line.empty() ? "exit status 0" : line);
        if (result.value == 1 && !line.empty()) return fail(line);
        return fail(fmt::format("exit status {}{}", result.value, behind));
      case CommandResult::End::kSignalled:
        return fail(fmt::format("ended by signal {}{}", result.value, behind));
      case CommandResult::End::kNotStarted:
        return fail(fmt::format("cannot start {}: {}", monitor().command.front(),
                                describe_errno(result.value)),
                    Outcome::kLocalFault);
      case CommandResult::End::kTimedOut:
        return fail(stage());
    }
  }

  std::string address_;
  std::unique_ptr<Pending> command_;
};

}  // namespace

std::unique_ptr<Pending> ExecProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                           const base::IpAddress& address, Callback callback) {
  return ProbeRun::launch(
      std::make_shared<ExecProbe>(io_, std::move(monitor), address, std::move(callback)));
}

}  // namespace gslb::health

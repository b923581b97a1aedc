#include "health/command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/unique_fd.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr std::size_t kMaxLine = 512;
constexpr std::size_t kPipeCapacity = 64UL << 10U;  ///< See pipe(7).
constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The actions and attributes of posix_spawn(3), which need an end.
struct SpawnSettings {
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(asio::io_context& io, std::function<void(const CommandResult&)> callback)
      : io_(io), callback_(std::move(callback)), output_(io), exit_(io), timer_(io) {}

  void start(const CommandSpec& spec) {
    if (const int error = spawn(spec); error != 0) {
      asio::post(io_, [self = shared_from_this(), error] {
        self->finish({CommandResult::End::kNotStarted, error, ""});
      });
      return;
    }
    timer_.expires_after(spec.timeout);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->finish({CommandResult::End::kTimedOut, 0, ""});
    });
    read();
    exit_.async_wait(stream_descriptor::wait_read,
                     [self = shared_from_this()](error_code) { self->on_exit(); });
  }

  void cancel() {
    callback_ = nullptr;
    end();
  }

 private:
  /// 0, or an errno.
  int spawn(const CommandSpec& spec) {
    std::array<int, 2> output{};
    std::array<int, 2> input{};
    if (::pipe2(output.data(), O_CLOEXEC) != 0) return errno;
    base::UniqueFd output_end(output[0]);
    const base::UniqueFd output_start(output[1]);
    if (::pipe2(input.data(), O_CLOEXEC) != 0) return errno;
    const base::UniqueFd input_end(input[0]);
    const base::UniqueFd input_start(input[1]);
    // It fits into the pipe, so that nobody has to wait.
    ::fcntl(input_start.get(), F_SETFL, O_NONBLOCK);
    if (!spec.input.empty()) {
      [[maybe_unused]] const ssize_t written =
          ::write(input_start.get(), spec.input.data(), spec.input.size());
    }

    SpawnSettings settings;
    posix_spawn_file_actions_adddup2(&settings.actions, input_end.get(), 0);
    posix_spawn_file_actions_adddup2(&settings.actions, output_start.get(), 1);
    posix_spawn_file_actions_adddup2(&settings.actions, output_start.get(), 2);
    posix_spawn_file_actions_addclosefrom_np(&settings.actions, 3);
    sigset_t signals;
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&settings.attributes, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&settings.attributes, &signals);
    posix_spawnattr_setpgroup(&settings.attributes, 0);
    posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                       POSIX_SPAWN_SETSIGMASK);

    std::vector<std::string> arguments = spec.arguments;
    std::vector<std::string> environment{kPath};
    for (const auto& [name, value] : spec.environment) environment.push_back(name + "=" + value);
    if (const int error = posix_spawn(&pid_, spec.arguments.front().c_str(), &settings.actions,
                                      &settings.attributes, pointers_to(arguments).data(),
                                      pointers_to(environment).data());
        error != 0) {
      pid_ = -1;
      return error;
    }
    return watch(std::move(output_end));
  }

  int watch(base::UniqueFd output) {
    // The header of pidfd_open(2) in glibc 2.36 lacks its extern "C".
    base::UniqueFd exit(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (exit.get() < 0) return errno;
    error_code error;
    output_.assign(output.get(), error);
    if (error) return error.value();
    output.release();
    exit_.assign(exit.get(), error);
    if (error) return error.value();
    exit.release();
    return 0;
  }

  /// Waits only, and reads in the handler: what asio reads beforehand would lie in the buffer while
  /// on_exit() reads what follows it.
  void read() {
    output_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](error_code error) {
      if (error || !self->callback_) return;
      error = self->take_some();
      if (!error || error == asio::error::would_block) self->read();
    });
  }

  error_code take_some() {
    error_code error;
    const std::size_t size = output_.read_some(asio::buffer(buffer_), error);
    take({buffer_.data(), size});
    return error;
  }

  /// Keeps the last line that says something.
  void take(std::string_view text) {
    for (const char c : text) {
      if (c != '\n') {
        if (line_.size() <= kMaxLine) line_ += c;
        continue;
      }
      if (!line_.empty()) last_line_ = std::exchange(line_, {});
    }
  }

  /// What it wrote is in the pipe by now, however long its children keep that open.
  void on_exit() {
    if (!callback_) return;
    // Children that it left behind, while it still holds the number of the group.
    ::kill(-pid_, SIGKILL);
    // One that fled from the group may write on and on.
    for (std::size_t i = 0; i < kPipeCapacity / buffer_.size(); ++i) {
      if (take_some()) break;
    }
    int status = 0;
    const bool is_known = ::waitpid(std::exchange(pid_, -1), &status, 0) > 0;
    if (is_known && WIFSIGNALED(status)) {
      return finish({CommandResult::End::kSignalled, WTERMSIG(status), ""});
    }
    finish({CommandResult::End::kExited, WEXITSTATUS(status), ""});
  }

  void finish(CommandResult result) {
    const auto callback = std::exchange(callback_, nullptr);
    if (!callback) return;
    if (!line_.empty()) last_line_ = line_;
    result.last_line = printable(last_line_, kMaxLine);
    end();
    callback(result);
  }

  /// Kills the whole group.
  void end() {
    timer_.cancel();
    error_code ignored;
    output_.close(ignored);
    exit_.close(ignored);
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);  // It has been killed, so this is at once.
  }

  asio::io_context& io_;
  std::function<void(const CommandResult&)> callback_;  ///< Empty once called or cancelled.
  stream_descriptor output_;
  stream_descriptor exit_;  ///< A pidfd, see pidfd_open(2).
  asio::steady_timer timer_;
  pid_t pid_ = -1;
  std::array<char, 4096> buffer_{};
  std::string line_;
  std::string last_line_;
};

class Handle final : public Pending {
 public:
  explicit Handle(std::shared_ptr<Run> run) : run_(std::move(run)) {}
  ~Handle() override { run_->cancel(); }

 private:
  std::shared_ptr<Run> run_;
};

}  // namespace

std::unique_ptr<Pending> run_command(asio::io_context& io, const CommandSpec& spec,
                                     std::function<void(const CommandResult&)> callback) {
  auto run = std::make_shared<Run>(io, std::move(callback));
  run->start(spec);
  return std::make_unique<Handle>(std::move(run));
}

}  // namespace gslb::health

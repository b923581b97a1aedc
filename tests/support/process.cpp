#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

extern char** environ;

namespace gslb::support {

Process::Process(const std::vector<std::string>& arguments) {
  std::array<int, 2> pipe_fds{};
  if (::pipe2(pipe_fds.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");

  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
  // A listening socket of the test that the child inherits would keep its port open.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  const int error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_fds[1]);
  if (error != 0) {
    ::close(pipe_fds[0]);
    throw std::runtime_error("cannot run " + arguments[0]);
  }
  collector_ = std::thread([this, fd = pipe_fds[0]] { collect(fd); });
}

Process::~Process() {
  if (is_running()) {
    signal(SIGTERM);
    if (!wait(std::chrono::seconds(10))) {
      signal(SIGKILL);
      wait();
    }
  }
  collector_.join();
}

void Process::collect(int fd) {
  std::array<char, 4096> buffer{};
  for (ssize_t size; (size = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    const std::scoped_lock lock(mutex_);
    output_.append(buffer.data(), static_cast<std::size_t>(size));
    grown_.notify_all();
  }
  ::close(fd);
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  grown_.notify_all();
}

std::string Process::output() const {
  const std::scoped_lock lock(mutex_);
  return output_;
}

std::optional<std::size_t> Process::wait_for_output(const std::string& text, std::size_t offset,
                                                    std::chrono::milliseconds timeout) const {
  const auto until = std::chrono::steady_clock::now() + timeout;
  std::unique_lock lock(mutex_);
  while (true) {
    const std::size_t at = output_.find(text, offset);
    if (at != std::string::npos) return at + text.size();
    if (ended_ || grown_.wait_until(lock, until) == std::cv_status::timeout) return std::nullopt;
  }
}

void Process::signal(int number) const { ::kill(pid_, number); }

long Process::resident_kb() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string key; status >> key;) {
    long value = 0;
    if (key == "VmRSS:" && status >> value) return value;
  }
  return 0;
}

bool Process::is_running() { return !wait(std::chrono::milliseconds(0)); }

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!status_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= until) {
      break;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  return status_;
}

Finished run(const std::vector<std::string>& arguments) {
  Process process(arguments);
  const int status = process.wait(std::chrono::seconds(60)).value_or(-1);
  process.wait_for_output("\x01never\x01");  // Until the end of the output.
  return {status, process.output()};
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "gslbd-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::trunc);
  out << text;
}

void replace_file(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path fresh = file.string() + ".new";
  write_file(fresh, text);
  std::filesystem::rename(fresh, file);
}

}  // namespace gslb::support

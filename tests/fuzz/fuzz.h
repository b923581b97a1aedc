#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

/// What a fuzz target implements and libFuzzer calls, over and over; replay_main.cpp calls it with
/// the committed seeds. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace gslb::fuzz {

/// A property that holds for every input. Where it does not, the process ends with a message, which
/// libFuzzer and the replay take for a finding.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", property);
  std::abort();
}

/// A message to people says something, on one line.
inline void require_one_line(std::string_view message) {
  require(!message.empty() && message.find('\n') == std::string_view::npos,
          "a message is one line");
}

/// An input, taken apart from its front. Borrows.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  /// The next octet; 0 beyond the end.
  std::uint8_t octet() {
    if (left_.empty()) return 0;
    const std::uint8_t value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }

  std::span<const std::uint8_t> rest() const { return left_; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(left_.data()), left_.size()};
  }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace gslb::fuzz

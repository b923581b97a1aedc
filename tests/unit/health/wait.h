#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

namespace gslb::health {

/// Runs `io` until `condition` holds, 20 s at most (a slow machine, not a normal wait).
template <typename Condition>
bool run_until(boost::asio::io_context& io, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (io.stopped()) io.restart();
    io.run_one_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace gslb::health

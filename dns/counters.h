#pragma once

#include <atomic>
#include <cstdint>

namespace gslb::dns {

/// A statistic that one thread counts and any thread may read.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    // One writer: a plain addition, without the locked instruction of fetch_add.
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What one worker has seen since it started. Written by its thread only.
struct Counters {
  Counter queries;  ///< Messages handed to answer(), whatever they were.
  Counter dropped;  ///< Left without an answer: too short, or themselves a response.
  Counter truncated;

  // By response code; an answer adds to exactly one of them.
  Counter noerror;  ///< With data.
  Counter nodata;   ///< With a referral too.
  Counter nxdomain;
  Counter refused;
  Counter formerr;
  Counter notimp;
  Counter servfail;
  Counter badvers;
  Counter yxdomain;
  Counter notauth;
  Counter badcookie;

  Counter cookie_valid;    ///< Queries with a server cookie that holds.
  Counter rate_dropped;    ///< Responses not sent, by the rate limit.
  Counter rate_truncated;  ///< Responses sent empty with TC, by the rate limit.

  Counter send_failed;  ///< UDP responses that the kernel did not take.
  Counter receive_failed;
  Counter tcp_accepted;
  Counter tcp_rejected;  ///< Closed at once, over the limit of one client.
  Counter tcp_evicted;   ///< Idle, closed to make room for a new one.
  Counter tcp_timed_out;
};

}  // namespace gslb::dns

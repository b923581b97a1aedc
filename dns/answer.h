#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ip_address.h"
#include "dns/counters.h"
#include "dns/name.h"
#include "dns/transfer.h"
#include "routing/random.h"
#include "zones/snapshot.h"

namespace gslb::dns {

enum class Transport : std::uint8_t { kUdp, kTcp, kTls };

/// Who asks, and over what.
struct Client {
  base::IpAddress address;
  Transport transport = Transport::kUdp;
  /// Over TCP: how long an idle connection stays open, in units of 100 ms, for who asks (RFC 7828).
  std::uint16_t keepalive_100ms = 0;
};

/// The name of a question, taken apart once: in lower case, with the hash of every suffix.
struct QueryName {
  static constexpr std::size_t kMaxLabels = 127;

  std::array<std::uint8_t, kMaxNameLength> lower;
  std::array<std::uint8_t, kMaxLabels> label_offset;
  std::array<std::uint64_t, kMaxLabels + 1> suffix_hash;  ///< [i] is the suffix from label i on.
  std::size_t length = 0;                                 ///< Octets, with the root label.
  std::size_t labels = 0;                                 ///< Without the root label.

  /// Where the suffix from `label` on starts; `labels` stands for the root.
  std::size_t offset_of(std::size_t label) const noexcept {
    return label < labels ? label_offset[label] : length - 1;
  }
};

class RateLimiter;

/// What a worker keeps from query to query: its random numbers, its counters and room to work in.
/// Not thread-safe: each worker has its own.
struct Scratch {
  explicit Scratch(std::uint64_t seed) noexcept : rng(seed) {}

  /// Once for each batch of queries; answer() itself reads no clock.
  void read_clock() noexcept;

  /// The time at the last read_clock().
  std::uint32_t now_s = 0;         ///< Since 1970, modulo 2³²: the age of cookies.
  std::uint64_t now_ms = 0;        ///< Of any steady clock: rate limits.
  RateLimiter* limiter = nullptr;  ///< Null: nothing is limited.

  /// Whether a zone transfer of more than one message may begin.
  bool can_transfer = true;
  /// The rest of a transfer of which answer() wrote the first message. For the caller to take.
  std::optional<TransferStream> transfer;

  routing::Rng rng;
  Counters counters;
  QueryName name;
  std::uint8_t scope = 0;  ///< For which part of the client's address the answer holds.
  /// A CNAME record made for one query (RFC 6672 §3.1): owner pointer, fixed part, target.
  std::array<std::uint8_t, 12 + kMaxNameLength> synthesized;
  std::array<std::uint8_t, 64> options;  ///< EDNS options made for one response.
};

/// The whole DNS behaviour of the server: reads one message, writes the response to `out` and
/// returns its size in octets, or 0 where nothing may be sent.
///
/// Of a zone transfer it is the first message; the others are then in Scratch::transfer.
///
/// Any bytes may come in. Over UDP the response is never larger than the client allows, 1232
/// octets, or `out`; over TCP than `out`. `out` must hold kPlainUdpSize octets at least and not
/// overlap `query`. Allocates nothing (OpenSSL does, for a query with TSIG), locks nothing, reads
/// no clock. Any number of threads may answer from one snapshot at once, each with a Scratch of its
/// own.
std::size_t answer(const zones::Snapshot& snapshot, const Client& client,
                   std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                   Scratch& scratch) noexcept;

}  // namespace gslb::dns

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/ip_address.h"

namespace gslb::routing {

// Weighted rendezvous hashing: every client network draws one number for each candidate, and the
// candidate with the best number takes it. D. G. Thaler, C. V. Ravishankar, "Using Name-Based
// Mappings to Increase Hit Rates", IEEE/ACM Transactions on Networking 6(1), 1998; the weights by
// the logarithmic method of C. Schindelhauer, G. Schomaker, "Weighted Distributed Hash Tables",
// SPAA 2005: with u uniform in (0, 1], −ln(u) / w is exponential with rate w, so the smallest of
// several falls to i with probability w_i / Σw. Whoever neither gains nor loses weight keeps its
// number, so a change of one weight moves only the share of networks that it must.
//
// Nothing is random and nothing is secret: all name servers of a zone decide alike.

/// Stands for a candidate, whatever its place in the list.
std::uint64_t rendezvous_key(std::string_view name) noexcept;

/// Stands for the network of the first `prefix` bits of an address.
std::uint64_t network_key(const base::IpAddress& address, unsigned prefix) noexcept;

/// The index of the candidate that takes the network. `keys` and `inverse_weights` (1 / weight) run
/// parallel and are not empty. Costs a hash for each candidate and now and then a logarithm.
std::uint32_t pick_rendezvous(std::uint64_t network, std::span<const std::uint64_t> keys,
                              std::span<const double> inverse_weights) noexcept;

}  // namespace gslb::routing

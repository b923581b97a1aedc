#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "dns/wire.h"
#include "tests/support/dns_client.h"

namespace gslb::oracle {

using support::Bytes;

/// A well-formed query of any kind.
struct Question {
  Bytes name;  ///< In wire form and any letter case.
  std::uint16_t type = dns::type::kA;
  std::uint16_t klass = dns::klass::kIn;
  std::uint16_t id = 0;
  std::uint16_t flags = 0;                 ///< RD, AD and CD, in place.
  std::optional<std::uint16_t> edns_size;  ///< As the client announces it; without it no EDNS.
  bool dnssec_ok = false;
  bool over_tcp = false;

  bool checking_disabled() const { return (flags & dns::flag::kCd) != 0; }
  /// The octets that a response over UDP may have (RFC 6891 §6.2.3, and 1232 for all servers).
  std::size_t udp_limit() const;
  /// QNAME, QTYPE and QCLASS as they are sent.
  Bytes question_section() const;
  Bytes message() const;
  std::string to_string() const;
};

/// Makes questions of every kind around the names of a zone. The same seed makes the same ones.
class QuestionMaker {
 public:
  /// The names that own records, of which the first is the apex.
  QuestionMaker(std::vector<Bytes> names, unsigned seed) : names_(std::move(names)), rng_(seed) {}

  Question make();

 private:
  unsigned below(unsigned limit);
  bool one_in(unsigned n) { return below(n) == 0; }
  template <typename List>
  typename List::value_type pick(const List& list) {
    return list[below(static_cast<unsigned>(list.size()))];
  }

  std::uint16_t make_type();
  Bytes make_name();
  Bytes child(const Bytes& name);
  Bytes mutate(Bytes name);
  Bytes outside(Bytes name);
  Bytes in_random_case(Bytes name);

  std::vector<Bytes> names_;
  std::mt19937 rng_;
};

}  // namespace gslb::oracle

#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dns/answer.h"
#include "dns/client_subnet.h"

namespace gslb::dns {

/// The EDNS part of a query (RFC 6891), from its OPT record.
struct Edns {
  std::uint16_t udp_size = 0;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  bool wants_nsid = false;
  bool has_padding = false;      ///< RFC 7830: pad the response too, where it is encrypted.
  bool wants_keepalive = false;  ///< RFC 7828
  std::optional<ClientSubnet> client_subnet;            ///< RFC 7871
  std::optional<std::span<const std::uint8_t>> cookie;  ///< RFC 7873, as it came.
};

/// A query that was understood, borrowing from the message.
struct Query {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::span<const std::uint8_t> question;  ///< QNAME, QTYPE and QCLASS as they came.
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::optional<Edns> edns;
};

/// Reads the message behind a header that was checked to be there: one question, and whatever
/// records follow. Fills `name`. Empty where the message is malformed, which calls for FORMERR.
std::optional<Query> parse_query(std::span<const std::uint8_t> message, QueryName& name) noexcept;

}  // namespace gslb::dns

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
  bool has_padding = false;            ///< RFC 7830: pad the response too, where it is encrypted.
  bool wants_keepalive = false;        ///< RFC 7828
  bool has_keepalive_timeout = false;  ///< Which is for servers to send (RFC 7828 §3.2.1).
  std::optional<ClientSubnet> client_subnet;            ///< RFC 7871
  std::optional<std::span<const std::uint8_t>> cookie;  ///< RFC 7873, as it came.
};

/// What a message is.
enum class Form : std::uint8_t {
  kMalformed,   ///< Calls for FORMERR.
  kNoQuestion,  ///< Well-formed, without a question: may ask for a cookie (RFC 7873 §5.4).
  kQuery,       ///< One question, and well-formed records.
};

/// A message as far as it was understood, borrowing from it.
struct Query {
  /// A constructor, since an aggregate would be cleared as a block first, `edns` and all, for each
  /// query.
  Query(std::uint16_t message_id, std::uint16_t message_flags) noexcept
      : id(message_id), flags(message_flags) {}

  Form form = Form::kMalformed;
  std::uint16_t id;
  std::uint16_t flags;
  /// QNAME, QTYPE and QCLASS as they came; empty where there is not exactly one question.
  std::span<const std::uint8_t> question;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::optional<Edns> edns;
  std::size_t tsig_at = 0;         ///< Where the TSIG record starts (RFC 8945); 0: there is none.
  bool is_tsig_misplaced = false;  ///< It is not the last record, or there are several.
};

/// Reads the message behind a header that was checked to be there: one question, and whatever
/// records follow. Fills `name` for a kQuery. Of a malformed message it finds the question and
/// EDNS where they can be read, for the error to repeat them (RFC 6891 §6.1.1, §7).
Query parse_query(std::span<const std::uint8_t> message, QueryName& name) noexcept;

/// The serial that the client of an IXFR query has (RFC 1995 §3): that of the SOA in the authority
/// section. Nothing where there is none. `query` was read from `message`.
std::optional<std::uint32_t> read_client_serial(std::span<const std::uint8_t> message,
                                                const Query& query) noexcept;

}  // namespace gslb::dns

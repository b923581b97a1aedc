#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/oracle/question.h"

namespace gslb::oracle {

/// A record in canonical form (RFC 4034 §6.2: names in lower case), so that two servers that spell
/// or compress a name differently compare equal.
struct Record {
  std::string owner;
  std::string type;
  std::string data;
  std::uint32_t ttl = 0;

  friend auto operator<=>(const Record&, const Record&) = default;
  std::string to_string() const;
};

using Section = std::set<Record>;

/// What a response says, apart from what it repeats of the query.
struct Body {
  std::string rcode;
  bool aa = false;
  Section answer, authority, additional;
  /// A record occurs twice in a section, which sets would hide (RFC 2181 §5).
  bool repeats_records = false;

  bool operator==(const Body&) const = default;
  bool has_no_records() const {
    return answer.empty() && authority.empty() && additional.empty() && !repeats_records;
  }
};

/// A response, as the differential run compares it: sections are sets. What no two servers agree on
/// and no client relies on is left out: the order of records, and EDNS options.
struct Reply {
  Body body;
  bool qr = false, tc = false, rd = false, ra = false, ad = false, cd = false;
  bool has_edns = false, dnssec_ok = false;
  std::uint8_t opcode = 0, edns_version = 0;
  std::uint16_t id = 0;
  Bytes question;  ///< The question section as it came.

  // Not compared with those of other servers.
  std::uint16_t udp_size = 0;  ///< As announced.
  std::size_t size = 0;        ///< Octets.
  /// Octets without the additional records that may be left out: all but OPT and the glue inside
  /// the delegated zone (RFC 9471 §3.1).
  std::size_t required_size = 0;
  std::size_t octets_behind = 0;  ///< Which the header does not count.

  bool operator==(const Reply& other) const;
  std::string to_string() const;
};

/// Nothing where ldns cannot read the bytes.
std::optional<Reply> parse_reply(std::span<const std::uint8_t> bytes);

/// The address of a name server that lies in the zone it serves: without it a referral leads
/// nowhere (RFC 9471 §3.1).
bool is_in_domain_glue(const Body& body, const Record& record);

/// All records of a master file.
Section read_zone_records(const std::string& file, const std::string& apex);

/// The names in wire form that own records in a master file, in its order, without repetitions.
std::vector<Bytes> read_zone_names(const std::string& file, const std::string& apex);

/// Names as records have them: "www.oracle.test.", in lower case.
std::string canonical_text(const Bytes& wire);
Bytes wire_of_text(const std::string& name);
bool is_below(const std::string& name, const std::string& ancestor);
bool is_at_or_below(const std::string& name, const std::string& ancestor);

}  // namespace gslb::oracle

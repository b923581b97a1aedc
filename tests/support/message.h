#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gslb::support {

/// A DNS message as ldns understands it, the independent reading that tests trust.
struct Message {
  std::uint16_t id = 0;
  std::string rcode;  ///< "NOERROR", …; the extended code where there is one.
  bool qr = false, aa = false, tc = false, rd = false, ra = false, ad = false, cd = false;
  bool has_edns = false;
  bool dnssec_ok = false;
  std::uint8_t edns_version = 0;
  std::uint16_t udp_size = 0;
  std::vector<std::uint8_t> edns_options;  ///< The RDATA of OPT.
  std::size_t question_count = 0;
  /// Records in presentation form with single blanks, as "vpn.gslb.example.com. 30 IN A 192.0.2.1".
  std::vector<std::string> answer, authority, additional;
};

/// Nothing where ldns cannot read the bytes.
std::optional<Message> parse_message(std::span<const std::uint8_t> bytes);

}  // namespace gslb::support

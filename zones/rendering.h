#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "dns/rendered.h"
#include "zones/zone_data.h"

namespace gslb::zones {

/// A CNAME that leads on from one name to the next, inside one zone.
struct CnameStep {
  std::chrono::seconds ttl{0};
  dns::Name target;
};

/// The name that a response is rendered for: one exact name, or all names that a wildcard covers.
struct AskedName {
  dns::Name owner;
  bool is_wildcard = false;
  dns::Name apex;
};

/// Renders answers for an AskedName: the chain of CNAMEs that leads to the data, then the data.
class AnswerRenderer {
 public:
  /// Starts with the chain, which may be empty.
  AnswerRenderer(const AskedName& asked, std::span<const CnameStep> chain);

  /// Adds an RRset at the end of the chain to the answer section.
  void add_answer(std::uint16_t type, const RRsetData& rrset);
  /// Makes the response negative (RFC 2308 §3); `soa` is that of the apex.
  void add_negative_soa(const RRsetData& soa);
  void add_extended_error(std::uint16_t info_code, std::string_view text) {
    builder_.add_extended_error(info_code, text);
  }

  dns::Rendered build(std::uint16_t rcode, bool authoritative = true) &&;

 private:
  void begin(const dns::Name& owner, std::uint16_t type, std::chrono::seconds ttl);

  const AskedName& asked_;
  dns::RenderedBuilder builder_;
  dns::Name end_;  ///< Of the chain.
};

/// Appends all records of an RRset with the names in its RDATA compressed where RFC 3597 §4 allows.
void add_rrset(dns::RenderedBuilder& builder, dns::RenderedBuilder::Section section,
               const dns::Name& owner, std::uint16_t type, const RRsetData& rrset);

/// RFC 2308 §5: a negative answer is kept for the lesser of the SOA's TTL and its MINIMUM.
void add_negative_soa(dns::RenderedBuilder& builder, const dns::Name& apex, const RRsetData& soa);

}  // namespace gslb::zones

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dns/rendered.h"
#include "zones/signer.h"
#include "zones/zone_data.h"

namespace gslb::zones {

/// A CNAME that leads on from one name to the next, inside one zone.
struct CnameStep {
  dns::Name owner;  ///< Where the record stands: a wildcard where that covers the name before.
  RRsetData cname;

  dns::Name target() const { return name_in(cname.rdata.front()); }
};

/// An NSEC record that a response needs as evidence (RFC 4035 §3.1.3).
struct Proof {
  std::uint32_t link = 0;  ///< Its place in the NsecChain, by which it is known.
  dns::Name owner;
  RRsetData nsec;
};

/// A response, and what it is for who sets DO where the zone is signed.
struct Answer {
  /// With signatures and evidence (RFC 4035 §3.1).
  struct Secure {
    dns::Rendered rendered;
    std::vector<std::uint32_t> links;  ///< Of the Proofs in it.
  };

  const dns::Rendered& for_client(bool dnssec_ok) const noexcept {
    return dnssec_ok && secure ? secure->rendered : plain;
  }
  bool proves(std::uint32_t link) const noexcept {
    return secure &&
           std::find(secure->links.begin(), secure->links.end(), link) != secure->links.end();
  }

  dns::Rendered plain;
  std::unique_ptr<const Secure> secure;  ///< Null where the zone is not signed.
};

/// The name that a response is rendered for: one exact name, or all names that a wildcard covers.
struct AskedName {
  dns::Name owner;
  bool is_wildcard = false;
  dns::Name apex;
};

/// Appends all records of an RRset with the names in its RDATA compressed where RFC 3597 §4 allows;
/// with a `signer`, its signatures too.
void add_rrset(dns::RenderedBuilder& builder, dns::RenderedBuilder::Section section,
               const dns::Name& owner, std::uint16_t type, const RRsetData& rrset,
               const Signer* signer);

/// An SOA as it stands in negative answers (RFC 2308 §5).
RRsetData negative_soa(const RRsetData& soa);

/// Renders answers for an AskedName: the chain of CNAMEs that leads to the data, then the data.
class AnswerRenderer {
 public:
  /// Starts with the chain, which may be empty. With a `signer`, signatures come with everything.
  /// Borrows all of its arguments.
  AnswerRenderer(const AskedName& asked, std::span<const CnameStep> chain, const Signer* signer);

  /// Adds an RRset at the end of the chain to the answer section. `owner` is where it stands: a
  /// wildcard where that covers the end.
  void add_answer(const dns::Name& owner, std::uint16_t type, const RRsetData& rrset);
  /// Makes the response negative (RFC 2308 §3); `soa` is that of the apex.
  void add_negative_soa(const RRsetData& soa);
  /// Adds NSEC records to the authority section.
  void add_proofs(std::span<const Proof> proofs);
  void add_extended_error(std::uint16_t info_code, std::string_view text) {
    builder_.add_extended_error(info_code, text);
  }

  /// For authority and additional records of other kinds, after the answer.
  dns::RenderedBuilder& builder() { return builder_; }

  dns::Rendered build(std::uint16_t rcode, bool authoritative = true) &&;

 private:
  void begin(std::uint16_t type, std::chrono::seconds ttl);

  const AskedName& asked_;
  const Signer* signer_;
  dns::RenderedBuilder builder_;
  dns::Name end_;  ///< Of the chain.
  bool has_left_asked_ = false;
};

std::vector<std::uint32_t> links_of(std::span<const Proof> proofs);

/// Renders an answer twice, without and with a signer, where there is one. `render` takes a `const
/// Signer*` and returns a Rendered; `links` are those of the Proofs that it adds with a signer.
template <class Render>
Answer make_answer(const Signer* signer, std::vector<std::uint32_t> links, const Render& render) {
  Answer answer{render(static_cast<const Signer*>(nullptr)), nullptr};
  if (signer != nullptr) {
    answer.secure =
        std::make_unique<const Answer::Secure>(Answer::Secure{render(signer), std::move(links)});
  }
  return answer;
}

}  // namespace gslb::zones

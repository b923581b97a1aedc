#include "zones/nsec.h"

#include <algorithm>
#include <array>
#include <set>

namespace gslb::zones {
namespace {

/// RFC 4034 §4.1.2: blocks of 256 types, each with as many octets as its highest type needs.
void append_type_bitmap(Rdata& rdata, const std::set<std::uint16_t>& types) {
  for (auto type = types.begin(); type != types.end();) {
    const auto window = static_cast<std::uint8_t>(*type >> 8);
    std::array<std::uint8_t, 32> bits{};
    std::size_t used = 0;
    for (; type != types.end() && *type >> 8 == window; ++type) {
      const std::size_t low = *type & 0xFFU;
      bits[low / 8] |= static_cast<std::uint8_t>(0x80U >> low % 8);
      used = low / 8 + 1;
    }
    rdata.push_back(window);
    rdata.push_back(static_cast<std::uint8_t>(used));
    rdata.insert(rdata.end(), bits.begin(), bits.begin() + static_cast<std::ptrdiff_t>(used));
  }
}

std::set<std::uint16_t> types_at(const NodeData& node, bool is_cut) {
  std::set<std::uint16_t> types = {dns::type::kRrsig, dns::type::kNsec};
  for (const auto& [type, rrset] : node.rrsets) {
    // RFC 4035 §2.3: of a delegation only what the parent answers for, which glue is not.
    if (!is_cut || type == dns::type::kNs || type == dns::type::kDs) types.insert(type);
  }
  if (node.profile && node.profile->has_ipv4) types.insert(dns::type::kA);
  if (node.profile && node.profile->has_ipv6) types.insert(dns::type::kAaaa);
  return types;
}

}  // namespace

NsecChain::NsecChain(const ZoneData& data) : data_(data) {
  std::vector<ZoneData::NodeIndex> nodes;
  std::vector<dns::Name> names;
  for (ZoneData::NodeIndex i = 0; i < data.nodes().size(); ++i) {
    const NodeData& node = data.nodes()[i];
    if (node.rrsets.empty() && !node.profile) continue;
    if (const auto cut = data.cut_of(node.owner); cut && *cut != i) continue;
    nodes.push_back(i);
    names.push_back(node.owner);
  }
  std::vector<dns::Name> sorted;
  for (const std::uint32_t at : sort_canonically(names)) {
    nodes_.push_back(nodes[at]);
    sorted.push_back(names[at]);
  }
  index_ = CanonicalIndex(sorted);
}

std::optional<NsecChain::Link> NsecChain::link_at(const dns::Name& name) const {
  const Link link = covering(name);
  return node(link).owner == name ? std::optional(link) : std::nullopt;
}

NsecChain::Link NsecChain::covering(const dns::Name& name) const {
  // The apex comes before everything in its zone.
  return index_.last_up_to(name.lower().wire()).value_or(0);
}

RRsetData NsecChain::record(Link link, std::optional<std::uint16_t> denied) const {
  const dns::Name& next = node(link + 1 < size() ? link + 1 : 0).owner;
  Rdata rdata(next.wire().begin(), next.wire().end());
  std::set<std::uint16_t> types = types_at(node(link), data_.is_cut(nodes_[link]));
  if (denied) types.erase(*denied);
  append_type_bitmap(rdata, types);
  // RFC 9077 §3: as long as any negative answer.
  return {data_.negative_ttl(), {std::move(rdata)}, std::nullopt, std::nullopt};
}

}  // namespace gslb::zones

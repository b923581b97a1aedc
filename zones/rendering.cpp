#include "zones/rendering.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace gslb::zones {
namespace {

using dns::RenderedBuilder;
using Section = dns::RenderedBuilder::Section;

std::size_t name_size(std::span<const std::uint8_t> wire) {
  std::size_t at = 0;
  while (wire[at] != 0) at += 1 + std::size_t{wire[at]};
  return at + 1;
}

/// The name at the front of `rdata`, which moves behind it.
dns::Name take_name(std::span<const std::uint8_t>& rdata) {
  const std::size_t size = name_size(rdata);
  dns::Name name = dns::Name::from_wire(rdata.first(size));
  rdata = rdata.subspan(size);
  return name;
}

void put_rdata(RenderedBuilder& builder, std::uint16_t type, std::span<const std::uint8_t> rdata) {
  switch (type) {
    case dns::type::kMx:
      builder.put_bytes(rdata.first(2));
      rdata = rdata.subspan(2);
      builder.put_compressed_name(take_name(rdata));
      break;
    case dns::type::kSoa:
      builder.put_compressed_name(take_name(rdata));
      builder.put_compressed_name(take_name(rdata));
      break;
    case dns::type::kNs:
    case dns::type::kCname:
    case dns::type::kPtr:
      builder.put_compressed_name(take_name(rdata));
      break;
    default:
      break;
  }
  builder.put_bytes(rdata);
}

RenderedBuilder make_builder(const AskedName& asked) {
  return asked.is_wildcard ? RenderedBuilder::for_any_name_below(asked.apex)
                           : RenderedBuilder::for_name(asked.owner);
}

}  // namespace

AnswerRenderer::AnswerRenderer(const AskedName& asked, std::span<const CnameStep> chain)
    : asked_(asked), builder_(make_builder(asked)), end_(asked.owner) {
  for (const CnameStep& step : chain) {
    begin(end_, dns::type::kCname, step.ttl);
    builder_.put_compressed_name(step.target);
    builder_.end_record();
    end_ = step.target;
  }
}

void AnswerRenderer::begin(const dns::Name& owner, std::uint16_t type, std::chrono::seconds ttl) {
  if (asked_.is_wildcard && owner == asked_.owner) {
    builder_.begin_record_at_query_name(Section::kAnswer, type, dns::klass::kIn, ttl);
  } else {
    builder_.begin_record(Section::kAnswer, owner, type, ttl);
  }
}

void AnswerRenderer::add_answer(std::uint16_t type, const RRsetData& rrset) {
  for (const std::vector<std::uint8_t>& rdata : rrset.rdata) {
    begin(end_, type, rrset.ttl);
    put_rdata(builder_, type, rdata);
    builder_.end_record();
  }
}

void AnswerRenderer::add_negative_soa(const RRsetData& soa) {
  zones::add_negative_soa(builder_, asked_.apex, soa);
}

dns::Rendered AnswerRenderer::build(std::uint16_t rcode, bool authoritative) && {
  return std::move(builder_).build(rcode, authoritative);
}

void add_rrset(RenderedBuilder& builder, Section section, const dns::Name& owner,
               std::uint16_t type, const RRsetData& rrset) {
  for (const std::vector<std::uint8_t>& rdata : rrset.rdata) {
    builder.begin_record(section, owner, type, rrset.ttl);
    put_rdata(builder, type, rdata);
    builder.end_record();
  }
}

void add_negative_soa(RenderedBuilder& builder, const dns::Name& apex, const RRsetData& soa) {
  assert(!soa.rdata.empty() && soa.rdata[0].size() >= 22);
  const std::uint8_t* minimum = soa.rdata[0].data() + soa.rdata[0].size() - 4;
  const std::chrono::seconds minimum_ttl{dns::load_u32(minimum)};
  const RRsetData negative{std::min(soa.ttl, minimum_ttl), {soa.rdata[0]}, soa.source};
  add_rrset(builder, Section::kAuthority, apex, dns::type::kSoa, negative);
}

}  // namespace gslb::zones

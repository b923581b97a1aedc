#include "zones/rendering.h"

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

/// Appends the records of an RRset, then its signatures, each opened by `begin(type)`.
template <class Begin>
void put_rrset(RenderedBuilder& builder, std::uint16_t type, const RRsetData& rrset,
               const std::vector<Rdata>& signatures, const Begin& begin) {
  for (const Rdata& rdata : rrset.rdata) {
    begin(type);
    put_rdata(builder, type, rdata);
    builder.end_record();
  }
  for (const Rdata& signature : signatures) {
    begin(dns::type::kRrsig);
    builder.put_bytes(signature);
    builder.end_record();
  }
}

std::vector<Rdata> sign(const Signer* signer, const dns::Name& owner, std::uint16_t type,
                        const RRsetData& rrset) {
  return signer == nullptr ? std::vector<Rdata>() : signer->sign(owner, type, rrset);
}

}  // namespace

void add_rrset(RenderedBuilder& builder, Section section, const dns::Name& owner,
               std::uint16_t type, const RRsetData& rrset, const Signer* signer) {
  put_rrset(builder, type, rrset, sign(signer, owner, type, rrset), [&](std::uint16_t record_type) {
    builder.begin_record(section, owner, record_type, rrset.ttl);
  });
}

RRsetData negative_soa(const RRsetData& soa) {
  RRsetData result = soa;
  result.ttl = negative_ttl(soa);
  result.original_ttl = soa.ttl;
  return result;
}

AnswerRenderer::AnswerRenderer(const AskedName& asked, std::span<const CnameStep> chain,
                               const Signer* signer)
    : asked_(asked), signer_(signer), builder_(make_builder(asked)), end_(asked.owner) {
  for (const CnameStep& step : chain) {
    add_answer(step.owner, dns::type::kCname, step.cname);
    end_ = step.target();
    has_left_asked_ = true;
  }
}

void AnswerRenderer::begin(std::uint16_t type, std::chrono::seconds ttl) {
  if (asked_.is_wildcard && !has_left_asked_) {
    builder_.begin_record_at_query_name(Section::kAnswer, type, dns::klass::kIn, ttl);
  } else {
    builder_.begin_record(Section::kAnswer, end_, type, ttl);
  }
}

void AnswerRenderer::add_answer(const dns::Name& owner, std::uint16_t type,
                                const RRsetData& rrset) {
  put_rrset(builder_, type, rrset, sign(signer_, owner, type, rrset),
            [&](std::uint16_t record_type) { begin(record_type, rrset.ttl); });
}

void AnswerRenderer::add_negative_soa(const RRsetData& soa) {
  add_rrset(builder_, Section::kAuthority, asked_.apex, dns::type::kSoa, negative_soa(soa),
            signer_);
}

void AnswerRenderer::add_proofs(std::span<const Proof> proofs) {
  for (const Proof& proof : proofs) {
    add_rrset(builder_, Section::kAuthority, proof.owner, dns::type::kNsec, proof.nsec, signer_);
  }
}

dns::Rendered AnswerRenderer::build(std::uint16_t rcode, bool authoritative) && {
  return std::move(builder_).build(rcode, authoritative);
}

std::vector<std::uint32_t> links_of(std::span<const Proof> proofs) {
  std::vector<std::uint32_t> links;
  for (const Proof& proof : proofs) links.push_back(proof.link);
  return links;
}

}  // namespace gslb::zones

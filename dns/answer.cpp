#include "dns/answer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "dns/query.h"
#include "dns/wire.h"
#include "zones/snapshot.h"

namespace gslb::dns {
namespace {

/// A response without records.
Rendered bare(std::uint16_t rcode) {
  Rendered rendered;
  rendered.rcode = rcode;
  return rendered;
}

const Rendered kRefusedResponse = bare(rcode::kRefused);
const Rendered kNotImpResponse = bare(rcode::kNotImp);
const Rendered kFormErrResponse = bare(rcode::kFormErr);
const Rendered kServFailResponse = bare(rcode::kServFail);
const Rendered kBadVersResponse = bare(rcode::kBadVers);

/// Where a response comes from: what was rendered, and the apex that its pointers mean.
struct Found {
  const Rendered* rendered;
  std::size_t apex_offset = 0;  ///< Of the apex name in the message.
};

/// The deepest zone that holds the name.
const zones::Zone* find_zone(const zones::ZoneSet& zones, const QueryName& name,
                             std::size_t& apex_offset) noexcept {
  const std::span<const std::uint8_t> lower(name.lower.data(), name.length);
  for (std::size_t i = 0; i <= name.labels; ++i) {
    const std::size_t offset = i < name.labels ? name.label_offset[i] : name.length - 1;
    if (const zones::Zone* zone = zones.find(lower.subspan(offset), name.suffix_hash[i])) {
      apex_offset = kHeaderSize + offset;
      return zone;
    }
  }
  return nullptr;
}

/// The answer at a name that exists.
const Rendered* answer_at(const zones::Snapshot& snapshot, const zones::Zone& zone,
                          const zones::Node& node, std::uint16_t qtype,
                          routing::Rng& rng) noexcept {
  if (const Rendered* rrset = node.find(qtype)) return rrset;
  if (qtype == type::kAny) return &zone.any();
  if (!node.profile) return &zone.nodata();
  if (*node.profile >= snapshot.profiles.size()) {
    assert(false && "a zone names a profile that the snapshot does not hold");
    return &kServFailResponse;
  }
  const zones::CompiledProfile& profile = *snapshot.profiles[*node.profile];
  if (qtype == type::kA) return &profile.a.choose(rng);
  if (qtype == type::kAaaa) return &profile.aaaa.choose(rng);
  return &zone.nodata();
}

Found answer_internet(const zones::Snapshot& snapshot, const Query& query,
                      Scratch& scratch) noexcept {
  // Types that are no data (RFC 6895 §3.1).
  switch (query.type) {
    case type::kIxfr:
    case type::kAxfr:
      return {&kRefusedResponse};
    case type::kMaila:
    case type::kMailb:
      return {&kNotImpResponse};
    case type::kOpt:
    case type::kTkey:
    case type::kTsig:
      return {&kFormErrResponse};
    default:
      break;
  }

  const QueryName& name = scratch.name;
  std::size_t apex_offset = 0;
  const zones::Zone* zone = find_zone(*snapshot.zones, name, apex_offset);
  if (zone == nullptr) return {&kRefusedResponse};
  const zones::Node* node = zone->find({name.lower.data(), name.length}, name.suffix_hash[0]);
  if (node == nullptr) return {&zone->nxdomain(), apex_offset};
  return {answer_at(snapshot, *zone, *node, query.type, scratch.rng), apex_offset};
}

/// True for id.server. and the older hostname.bind. (RFC 4892 §3).
bool asks_for_identity(const QueryName& name) noexcept {
  constexpr std::uint8_t kIdServer[] = "\2id\6server";
  constexpr std::uint8_t kHostnameBind[] = "\10hostname\4bind";
  const auto is = [&name](std::span<const std::uint8_t> wire) {
    return name.length == wire.size() &&
           std::memcmp(name.lower.data(), wire.data(), wire.size()) == 0;
  };
  return is(kIdServer) || is(kHostnameBind);
}

Found find_answer(const zones::Snapshot& snapshot, const Query& query, Scratch& scratch) noexcept {
  if (query.edns && query.edns->version != 0) return {&kBadVersResponse};  // RFC 6891 §6.1.3
  if (query.klass == klass::kIn) return answer_internet(snapshot, query, scratch);
  if (query.klass == klass::kCh && (query.type == type::kTxt || query.type == type::kAny) &&
      asks_for_identity(scratch.name)) {
    return {&snapshot.identity->chaos_txt};
  }
  return {&kRefusedResponse};
}

/// The flags of a response: those of the query that must come back (RFC 1035 §4.1.1, RFC 4035 §3),
/// and QR.
std::uint16_t response_flags(std::uint16_t query_flags) noexcept {
  return static_cast<std::uint16_t>(flag::kQr |
                                    (query_flags & (flag::kOpcodeMask | flag::kRd | flag::kCd)));
}

/// The answer to a message of which only the header is trusted.
std::size_t respond_header_only(std::span<const std::uint8_t> message, std::uint16_t rcode,
                                std::span<std::uint8_t> out) noexcept {
  std::memset(out.data(), 0, kHeaderSize);
  store_u16(&out[0], load_u16(&message[0]));
  store_u16(&out[2], static_cast<std::uint16_t>(response_flags(load_u16(&message[2])) | rcode));
  return kHeaderSize;
}

std::size_t size_limit(const Query& query, Transport transport, std::size_t room) noexcept {
  if (transport == Transport::kTcp) return std::min(room, kMaxMessageSize);
  if (!query.edns) return std::min(room, kPlainUdpSize);
  // RFC 6891 §6.2.3: less than 512 counts as 512.
  return std::min(room, std::clamp<std::size_t>(query.edns->udp_size, kPlainUdpSize, kEdnsUdpSize));
}

/// Appends octets to a response whose size was checked before.
class Writer {
 public:
  Writer(std::span<std::uint8_t> out, std::size_t at) noexcept : out_(out), at_(at) {}

  void put(std::span<const std::uint8_t> octets) noexcept {
    if (octets.empty()) return;
    std::memcpy(out_.data() + at_, octets.data(), octets.size());
    at_ += octets.size();
  }
  void put_u16(std::uint16_t value) noexcept {
    store_u16(out_.data() + at_, value);
    at_ += 2;
  }
  std::size_t size() const noexcept { return at_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t at_;
};

/// Writes a whole response: header, question, what fits of the records, OPT.
class ResponseWriter {
 public:
  ResponseWriter(const Query& query, const Found& found, const zones::Identity& identity,
                 std::size_t limit) noexcept
      : query_(query), found_(found), rendered_(*found.rendered) {
    if (query.edns) {
      if (query.edns->wants_nsid) nsid_ = identity.nsid_option;
      explanation_ = rendered_.edns_options;
      opt_size_ = kOptSize + nsid_.size() + explanation_.size();
    }
    fit(limit);
  }

  bool truncated() const noexcept { return truncated_; }

  std::size_t write(std::span<std::uint8_t> out) const noexcept {
    Writer writer(out, kHeaderSize);
    writer.put(query_.question);
    const std::size_t records_at = writer.size();
    writer.put(std::span(rendered_.records).first(records_size_));
    for (const std::uint16_t at : rendered_.apex_pointers) {
      if (at >= records_size_) break;
      std::uint8_t* pointer = &out[records_at + at];
      store_u16(pointer, static_cast<std::uint16_t>(load_u16(pointer) + found_.apex_offset));
    }
    if (query_.edns) write_opt(writer);
    write_header(out);
    return writer.size();
  }

 private:
  /// Leaves out, in this order, until the rest fits: additional records, EDNS options, everything
  /// (TC, RFC 2181 §9).
  void fit(std::size_t limit) noexcept {
    const std::size_t fixed = kHeaderSize + query_.question.size();
    records_size_ = rendered_.records.size();
    if (fixed + records_size_ + opt_size_ <= limit) return;
    additional_ = false;
    records_size_ = rendered_.required_size;
    if (fixed + records_size_ + opt_size_ <= limit) return;
    nsid_ = {};
    explanation_ = {};
    opt_size_ = std::min(opt_size_, kOptSize);
    if (fixed + records_size_ + opt_size_ <= limit) return;
    truncated_ = true;
    records_size_ = 0;
  }

  void write_header(std::span<std::uint8_t> out) const noexcept {
    std::uint16_t flags =
        static_cast<std::uint16_t>(response_flags(query_.flags) | (rendered_.rcode & 0x000F));
    if (rendered_.authoritative) flags |= flag::kAa;
    if (truncated_) flags |= flag::kTc;
    store_u16(&out[0], query_.id);
    store_u16(&out[2], flags);
    store_u16(&out[4], 1);
    store_u16(&out[6], truncated_ ? std::uint16_t{0} : rendered_.answer_count);
    store_u16(&out[8], truncated_ ? std::uint16_t{0} : rendered_.authority_count);
    const int additional = (additional_ ? rendered_.additional_count : 0) + (query_.edns ? 1 : 0);
    store_u16(&out[10], static_cast<std::uint16_t>(additional));
  }

  /// RFC 6891 §6.1.2, with the version that is spoken here and DO as it came (RFC 3225 §3).
  void write_opt(Writer& writer) const noexcept {
    const std::uint8_t extended_rcode = static_cast<std::uint8_t>(rendered_.rcode >> 4);
    const std::uint8_t dnssec_ok = query_.edns->dnssec_ok ? 0x80 : 0;
    const std::uint8_t head[] = {
        0, 0, type::kOpt, kEdnsUdpSize >> 8, kEdnsUdpSize & 0xFF, extended_rcode, 0, dnssec_ok, 0};
    writer.put(head);
    writer.put_u16(static_cast<std::uint16_t>(nsid_.size() + explanation_.size()));
    writer.put(nsid_);
    writer.put(explanation_);
  }

  const Query& query_;
  const Found& found_;
  const Rendered& rendered_;
  std::span<const std::uint8_t> nsid_;
  std::span<const std::uint8_t> explanation_;
  std::size_t opt_size_ = 0;
  std::size_t records_size_ = 0;
  bool additional_ = true;
  bool truncated_ = false;
};

void count_response(const Rendered& rendered, Counters& counters) noexcept {
  switch (rendered.rcode) {
    case rcode::kNoError:
      (rendered.answer_count > 0 ? counters.noerror : counters.nodata).add();
      break;
    case rcode::kNxDomain:
      counters.nxdomain.add();
      break;
    case rcode::kRefused:
      counters.refused.add();
      break;
    case rcode::kFormErr:
      counters.formerr.add();
      break;
    case rcode::kNotImp:
      counters.notimp.add();
      break;
    case rcode::kBadVers:
      counters.badvers.add();
      break;
    default:
      counters.servfail.add();
      break;
  }
}

}  // namespace

std::size_t answer(const zones::Snapshot& snapshot, const Client& client,
                   std::span<const std::uint8_t> query_bytes, std::span<std::uint8_t> out,
                   Scratch& scratch) noexcept {
  Counters& counters = scratch.counters;
  counters.queries.add();
  // What is too short to carry an id, or is a response itself, must never be answered: two servers
  // could answer each other for ever.
  if (query_bytes.size() < kHeaderSize || (load_u16(&query_bytes[2]) & flag::kQr) != 0) {
    counters.dropped.add();
    return 0;
  }
  if ((load_u16(&query_bytes[2]) & flag::kOpcodeMask) != opcode::kQuery) {
    counters.notimp.add();
    return respond_header_only(query_bytes, rcode::kNotImp, out);
  }
  const std::optional<Query> query = parse_query(query_bytes, scratch.name);
  if (!query) {
    counters.formerr.add();
    return respond_header_only(query_bytes, rcode::kFormErr, out);
  }

  const Found found = find_answer(snapshot, *query, scratch);
  const std::size_t limit = size_limit(*query, client.transport, out.size());
  const ResponseWriter writer(*query, found, *snapshot.identity, limit);
  count_response(*found.rendered, counters);
  if (writer.truncated()) counters.truncated.add();
  return writer.write(out);
}

}  // namespace gslb::dns

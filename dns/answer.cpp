#include "dns/answer.h"

#include <time.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "dns/cookie.h"
#include "dns/query.h"
#include "dns/rate_limiter.h"
#include "dns/transfer.h"
#include "dns/tsig.h"
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

/// The same with an Extended DNS Error, whose name says all (RFC 8914 §4).
Rendered bare(std::uint16_t rcode, std::uint16_t extended_error) {
  RenderedBuilder builder = RenderedBuilder::for_any_name_below(Name());
  builder.add_extended_error(extended_error, "");
  return std::move(builder).build(rcode, false);
}

const Rendered kEmptyResponse = bare(rcode::kNoError);
const Rendered kRefusedResponse = bare(rcode::kRefused);
const Rendered kNotAuthoritativeResponse = bare(rcode::kRefused, extended_error::kNotAuthoritative);
const Rendered kNotImpResponse = bare(rcode::kNotImp);
const Rendered kFormErrResponse = bare(rcode::kFormErr);
const Rendered kYxDomainResponse = bare(rcode::kYxDomain);
const Rendered kNotAuthResponse = bare(rcode::kNotAuth);
const Rendered kBadVersResponse = bare(rcode::kBadVers);
const Rendered kBadCookieResponse = bare(rcode::kBadCookie);

/// Where a response comes from: what was rendered, and the base name that its pointers mean.
struct Found {
  const Rendered* rendered = nullptr;
  std::size_t base_offset = 0;  ///< Of the base name in the message.
  /// One more record for the answer section, which is then the only one.
  std::span<const std::uint8_t> synthesized = {};
  /// What proves that the question's name or type does not exist: goes behind the authority
  /// section. Their base name is that of `rendered`, which has no additional records then.
  /// Spelled out, since `= {}` makes the compiler clear the whole struct first, by a slow `rep
  /// stos`.
  std::array<const Rendered*, 2> proofs = {nullptr, nullptr};
  std::size_t proof_count = 0;

  void add_proof(const Rendered& proof) noexcept { proofs[proof_count++] = &proof; }
};

/// The deepest zone that holds the name. DS at an apex belongs to the zone above (RFC 4035
/// §3.1.4.1), where that is here too.
const zones::Zone* find_zone(const zones::ZoneSet& zones, const QueryName& name, std::uint16_t type,
                             std::size_t& apex_offset) noexcept {
  const std::span<const std::uint8_t> lower(name.lower.data(), name.length);
  const zones::Zone* at_apex = nullptr;
  for (std::size_t i = 0; i <= name.labels; ++i) {
    const std::size_t offset = name.offset_of(i);
    const zones::Zone* zone = zones.find(lower.subspan(offset), name.suffix_hash[i]);
    if (zone == nullptr) continue;
    apex_offset = kHeaderSize + offset;
    if (i > 0 || type != type::kDs) return zone;
    at_apex = zone;
  }
  if (at_apex != nullptr) apex_offset = kHeaderSize;
  return at_apex;
}

/// One lookup on its way through a zone.
class ZoneLookup {
 public:
  ZoneLookup(const zones::Snapshot& snapshot, const zones::Zone& zone, std::size_t apex_offset,
             const base::IpAddress& client, const Query& query, Scratch& scratch) noexcept
      : snapshot_(snapshot),
        client_(client),
        zone_(zone),
        apex_offset_(apex_offset),
        query_(query),
        name_(scratch.name),
        scratch_(scratch),
        wants_dnssec_(query.edns && query.edns->dnssec_ok && zone.is_signed()) {}

  /// The algorithm of RFC 1034 §4.3.2 on what is compiled.
  Found find() noexcept {
    if (const zones::Node* node = zone_.find(lower(), name_.suffix_hash[0])) {
      return answer_at(*node);
    }
    for (std::size_t label = 1; label <= name_.labels; ++label) {
      const std::size_t offset = name_.offset_of(label);
      if (const zones::Node* node = zone_.find(lower().subspan(offset), name_.suffix_hash[label])) {
        return answer_below(*node, offset);
      }
    }
    assert(false && "the apex of the zone encloses the name");
    return {&kNotAuthoritativeResponse};
  }

 private:
  std::span<const std::uint8_t> lower() const noexcept {
    return std::span(name_.lower).first(name_.length);
  }

  Found refer_to(const zones::Node::Referral& referral) const noexcept {
    return {&referral.answer.for_client(wants_dnssec_),
            kHeaderSize + name_.length - referral.owner_length};
  }

  /// At a node that has the name.
  Found answer_at(const zones::Node& node) noexcept {
    if (node.cut != zones::Node::kNone) {
      const zones::Node& cut = zone_.node(node.cut);
      // RFC 4035 §3.1.4.1: DS belongs to the parent's side of the cut.
      if (&cut != &node || query_.type != type::kDs) return refer_to(*cut.referral);
    }
    const zones::Answer& answer = choose_at(node);
    Found found{&answer.for_client(wants_dnssec_), apex_offset_};
    if (wants_dnssec_ && is_nodata(answer)) found.add_proof(zone_.proof(node.denial));
    return found;
  }

  bool is_nodata(const zones::Answer& answer) const noexcept { return &answer == &zone_.nodata(); }

  const zones::Answer& choose_at(const zones::Node& node) noexcept {
    if (const zones::Answer* rrset = node.find(query_.type)) return *rrset;
    if (query_.type == type::kAny) return choose_any(node);
    if (const zones::CompiledProfile::Answers* answers = profile_answers(node)) {
      return choose_for_client(*answers, node);
    }
    return node.otherwise ? *node.otherwise : zone_.nodata();
  }

  const zones::Answer& choose_for_client(const zones::CompiledProfile::Answers& answers,
                                         const zones::Node& node) const noexcept {
    routing::Asker asker(client_, *snapshot_.locations, *snapshot_.latency, scratch_.rng);
    if (query_.edns && query_.edns->client_subnet) asker.want_scope();
    const std::uint32_t outcome = answers.tree.walk(asker);
    scratch_.scope = asker.scope();
    return node.profile ? answers.rendered[outcome]
                        : answers.for_aliases[node.alias->slot][outcome];
  }

  /// RFC 8482: a CNAME, or as little as is allowed. A record made up for the purpose could not be
  /// signed for every name, so signed zones answer one of the RRsets that there are (§4.1).
  const zones::Answer& choose_any(const zones::Node& node) const noexcept {
    if (const zones::Answer* cname = node.find(type::kCname)) return *cname;
    if (!zone_.is_signed()) return zone_.any();
    return node.rrsets.empty() ? zone_.nodata() : node.rrsets.front().answer;
  }

  /// Those of the profile at the node or behind its CNAMEs, for a query that it answers.
  const zones::CompiledProfile::Answers* profile_answers(const zones::Node& node) const noexcept {
    if (!node.profile && !node.alias) return nullptr;
    const zones::ProfileId id = node.profile ? *node.profile : node.alias->profile;
    if (id >= snapshot_.profiles.size()) {
      assert(false && "a zone names a profile that the snapshot does not hold");
      return nullptr;
    }
    const zones::CompiledProfile& profile = *snapshot_.profiles[id];
    if (query_.type == type::kA) return &profile.a;
    if (query_.type == type::kAaaa) return &profile.aaaa;
    return nullptr;
  }

  /// Below `encloser`, the closest name that exists (RFC 4592 §3.3.1), which starts at `offset`.
  Found answer_below(const zones::Node& encloser, std::size_t offset) noexcept {
    if (encloser.cut != zones::Node::kNone) return refer_to(*zone_.node(encloser.cut).referral);
    if (encloser.dname) return redirect(*encloser.dname, offset);
    if (encloser.wildcard != zones::Node::kNone) {
      return answer_from_wildcard(zone_.node(encloser.wildcard));
    }
    Found found{&zone_.nxdomain().for_client(wants_dnssec_), apex_offset_};
    if (wants_dnssec_) {
      // RFC 4035 §3.1.3.2: neither the name nor a wildcard for it; one record may prove both.
      const std::uint32_t link = zone_.link_covering(lower());
      found.add_proof(zone_.proof(link));
      if (encloser.no_wildcard != link) found.add_proof(zone_.proof(encloser.no_wildcard));
    }
    return found;
  }

  /// RFC 4035 §3.1.3.3, §3.1.3.4: beside the answer stands that the name itself does not exist.
  Found answer_from_wildcard(const zones::Node& wildcard) noexcept {
    const zones::Answer& answer = choose_at(wildcard);
    Found found{&answer.for_client(wants_dnssec_), apex_offset_};
    if (!wants_dnssec_) return found;
    const std::uint32_t link = zone_.link_covering(lower());
    if (is_nodata(answer)) {
      found.add_proof(zone_.proof(wildcard.denial));
      if (link == wildcard.denial) return found;
    }
    if (!answer.proves(link)) found.add_proof(zone_.proof(link));
    return found;
  }

  /// RFC 6672 §3.1: the DNAME, and a CNAME from the query name to where it leads.
  Found redirect(const zones::Node::Dname& dname, std::size_t prefix) noexcept {
    const std::span<const std::uint8_t> target = dname.target.wire();
    const std::size_t size = prefix + target.size();
    if (size > kMaxNameLength) return {&kYxDomainResponse};

    std::uint8_t* at = scratch_.synthesized.data();
    store_u16(at, 0xC000 | kHeaderSize);
    store_u16(at + 2, type::kCname);
    store_u16(at + 4, klass::kIn);
    store_u32(at + 6, static_cast<std::uint32_t>(dname.ttl.count()));
    store_u16(at + 10, static_cast<std::uint16_t>(size));
    std::memcpy(at + 12, query_.question.data(), prefix);  // In the letter case of the question.
    std::memcpy(at + 12 + prefix, target.data(), target.size());
    return {&dname.record.for_client(wants_dnssec_), kHeaderSize + prefix,
            std::span(scratch_.synthesized).first(12 + size)};
  }

  const zones::Snapshot& snapshot_;
  const base::IpAddress& client_;  ///< Whom the answer is for.
  const zones::Zone& zone_;
  std::size_t apex_offset_;
  const Query& query_;
  const QueryName& name_;
  Scratch& scratch_;
  const bool wants_dnssec_;
};

/// Whom an answer is for: the network that a resolver asks for (RFC 7871 §7.2.1), or who asks.
const base::IpAddress& asker_of(const Client& client, const Query& query) noexcept {
  const bool is_told =
      query.edns && query.edns->client_subnet && !query.edns->client_subnet->is_withheld();
  return is_told ? query.edns->client_subnet->address : client.address;
}

Found answer_internet(const zones::Snapshot& snapshot, const Client& client, const Query& query,
                      Scratch& scratch) noexcept {
  // Types that are no data (RFC 6895 §3.1).
  switch (query.type) {
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

  std::size_t apex_offset = 0;
  const zones::Zone* zone = find_zone(*snapshot.zones, scratch.name, query.type, apex_offset);
  if (zone == nullptr) return {&kNotAuthoritativeResponse};
  return ZoneLookup(snapshot, *zone, apex_offset, asker_of(client, query), query, scratch).find();
}

/// The answer to TXT in class CHAOS (RFC 4892 §3), under the names of the RFC and those of BIND.
Found answer_chaos(const zones::Identity& identity, const QueryName& name) noexcept {
  constexpr std::uint8_t kIdServer[] = "\2id\6server";
  constexpr std::uint8_t kHostnameBind[] = "\10hostname\4bind";
  constexpr std::uint8_t kVersionServer[] = "\7version\6server";
  constexpr std::uint8_t kVersionBind[] = "\7version\4bind";
  const auto is = [&name](std::span<const std::uint8_t> wire) {
    return name.length == wire.size() &&
           std::memcmp(name.lower.data(), wire.data(), wire.size()) == 0;
  };
  if (is(kIdServer) || is(kHostnameBind)) return {&identity.name_txt};
  if (is(kVersionServer) || is(kVersionBind)) return {&identity.version_txt};
  return {&kRefusedResponse};
}

Found find_answer(const zones::Snapshot& snapshot, const Client& client, const Query& query,
                  Scratch& scratch) noexcept {
  if (query.klass == klass::kIn) return answer_internet(snapshot, client, query, scratch);
  if (query.klass == klass::kCh && (query.type == type::kTxt || query.type == type::kAny)) {
    return answer_chaos(*snapshot.identity, scratch.name);
  }
  return {&kRefusedResponse};
}

/// The flags of a response: those of the query that must come back (RFC 1035 §4.1.1, RFC 4035 §3),
/// and QR.
std::uint16_t response_flags(std::uint16_t query_flags) noexcept {
  return static_cast<std::uint16_t>(flag::kQr |
                                    (query_flags & (flag::kOpcodeMask | flag::kRd | flag::kCd)));
}

std::size_t size_limit(const Query& query, Transport transport, std::size_t room) noexcept {
  if (transport != Transport::kUdp) return std::min(room, kMaxMessageSize);
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
  void put_zeros(std::size_t count) noexcept {
    std::memset(out_.data() + at_, 0, count);
    at_ += count;
  }
  void put_u8(std::uint8_t value) noexcept { out_[at_++] = value; }
  void put_u16(std::uint16_t value) noexcept {
    store_u16(out_.data() + at_, value);
    at_ += 2;
  }
  std::size_t size() const noexcept { return at_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t at_;
};

/// Makes the EDNS options that a response must carry, in the room that `scratch` has for them.
class OptionWriter {
 public:
  explicit OptionWriter(Scratch& scratch) noexcept : options_(scratch.options) {}

  void put_cookie(const Cookie& cookie) noexcept { put(edns_option::kCookie, cookie); }

  void put_client_subnet(const ClientSubnet& subnet, std::uint8_t scope) noexcept {
    std::array<std::uint8_t, kMaxClientSubnetSize> data;
    const std::size_t size = write_client_subnet(subnet, scope, data);
    put(edns_option::kClientSubnet, std::span(data).first(size));
  }

  void put_keepalive(std::uint16_t timeout_100ms) noexcept {
    std::array<std::uint8_t, 2> data;
    store_u16(data.data(), timeout_100ms);
    put(edns_option::kTcpKeepalive, data);
  }

  std::span<const std::uint8_t> written() const noexcept { return options_.first(size_); }

 private:
  void put(std::uint16_t code, std::span<const std::uint8_t> data) noexcept {
    store_u16(&options_[size_], code);
    store_u16(&options_[size_ + 2], static_cast<std::uint16_t>(data.size()));
    std::memcpy(&options_[size_ + 4], data.data(), data.size());
    size_ += 4 + data.size();
  }

  std::span<std::uint8_t> options_;
  std::size_t size_ = 0;
};

/// Writes a whole response: header, question, what fits of the records, OPT.
class ResponseWriter {
 public:
  /// `options` must be sent; NSID and explanations are where there is room. With `padded`,
  /// for a query with EDNS, the size becomes a multiple of 468 octets where there is room.
  ResponseWriter(const Query& query, const Found& found, std::span<const std::uint8_t> options,
                 const zones::Identity& identity, std::size_t limit, bool padded) noexcept
      : query_(query),
        found_(found),
        rendered_(*found.rendered),
        options_(options),
        proof_count_(found.proof_count) {
    if (query.edns) {
      if (query.edns->wants_nsid) nsid_ = identity.nsid_option;
      explanation_ = rendered_.edns_options;
    }
    fit(limit);
    if (padded) pad(limit);
  }

  bool truncated() const noexcept { return truncated_; }

  /// Leaves out all records, so that the client comes back over TCP.
  void truncate() noexcept {
    leave_out_optional_options();
    truncated_ = true;
    additional_count_ = 0;
    records_size_ = 0;
    proof_count_ = 0;
  }

  /// NSID and explanations, which no RFC demands.
  void leave_out_optional_options() noexcept {
    nsid_ = {};
    explanation_ = {};
  }

  /// What remains when everything is left out that can be.
  std::size_t smallest_size() const noexcept {
    return kHeaderSize + query_.question.size() +
           (query_.edns ? kOptSize + options_.size() : std::size_t{0});
  }

  /// The header alone, with TC.
  std::size_t write_truncated_header(std::span<std::uint8_t> out) noexcept {
    truncate();
    write_header(out);
    std::memset(&out[4], 0, kHeaderSize - 4);
    return kHeaderSize;
  }

  std::size_t write(std::span<std::uint8_t> out) const noexcept {
    Writer writer(out, kHeaderSize);
    writer.put(query_.question);
    const std::size_t records_at = writer.size();
    writer.put(std::span(rendered_.records).first(records_size_));
    if (!truncated_) writer.put(found_.synthesized);
    patch(rendered_, out.subspan(records_at, records_size_));
    for (std::size_t i = 0; i < proof_count_; ++i) {
      const std::size_t at = writer.size();
      writer.put(found_.proofs[i]->records);
      patch(*found_.proofs[i], out.subspan(at, writer.size() - at));
    }
    if (query_.edns) write_opt(writer);
    write_header(out);
    return writer.size();
  }

 private:
  /// Makes the pointers of records, as far as they were written, mean the base name in this
  /// message.
  void patch(const Rendered& rendered, std::span<std::uint8_t> written) const noexcept {
    for (const std::uint16_t at : rendered.base_pointers) {
      if (at >= written.size()) break;
      std::uint8_t* pointer = &written[at];
      store_u16(pointer, static_cast<std::uint16_t>(load_u16(pointer) + found_.base_offset));
    }
  }

  std::size_t opt_size() const noexcept {
    if (!query_.edns) return 0;
    return kOptSize + options_.size() + nsid_.size() + explanation_.size() + padding_option_size_;
  }

  std::size_t fixed_size() const noexcept {
    std::size_t size = kHeaderSize + query_.question.size() + found_.synthesized.size();
    for (std::size_t i = 0; i < proof_count_; ++i) size += found_.proofs[i]->records.size();
    return size;
  }

  /// RFC 8467 §4.1: the size must not tell what was answered.
  void pad(std::size_t limit) noexcept {
    constexpr std::size_t kPaddingBlock = 468;
    const std::size_t size = fixed_size() + records_size_ + opt_size() + kOptionHead;
    const std::size_t padded = (size + kPaddingBlock - 1) / kPaddingBlock * kPaddingBlock;
    if (padded <= limit) padding_option_size_ = padded - size + kOptionHead;
  }

  /// Leaves out, in this order, until the rest fits: additional records, EDNS options that need not
  /// be there, everything (TC, RFC 2181 §9).
  void fit(std::size_t limit) noexcept {
    const std::size_t fixed = fixed_size();
    additional_count_ = rendered_.additional_count;
    records_size_ = rendered_.records.size();
    if (fixed + records_size_ + opt_size() <= limit) return;
    additional_count_ = rendered_.required_additional_count;
    records_size_ = rendered_.required_size;
    if (fixed + records_size_ + opt_size() <= limit) return;
    leave_out_optional_options();
    if (fixed + records_size_ + opt_size() > limit) truncate();
  }

  void write_header(std::span<std::uint8_t> out) const noexcept {
    auto flags =
        static_cast<std::uint16_t>(response_flags(query_.flags) | (rendered_.rcode & 0x000F));
    if (rendered_.authoritative) flags |= flag::kAa;
    if (truncated_) flags |= flag::kTc;
    store_u16(&out[0], query_.id);
    store_u16(&out[2], flags);
    store_u16(&out[4], query_.question.empty() ? 0 : 1);
    const int answers = rendered_.answer_count + (found_.synthesized.empty() ? 0 : 1);
    store_u16(&out[6], static_cast<std::uint16_t>(truncated_ ? 0 : answers));
    std::size_t authority = truncated_ ? 0 : rendered_.authority_count;
    for (std::size_t i = 0; i < proof_count_; ++i) authority += found_.proofs[i]->authority_count;
    store_u16(&out[8], static_cast<std::uint16_t>(authority));
    store_u16(&out[10], static_cast<std::uint16_t>(additional_count_ + (query_.edns ? 1 : 0)));
  }

  /// RFC 6891 §6.1.2, with the version that is spoken here and DO as it came (RFC 3225 §3).
  void write_opt(Writer& writer) const noexcept {
    const int extended_rcode_and_version = rendered_.rcode >> 4 << 8;
    writer.put_u8(0);  // The root.
    writer.put_u16(type::kOpt);
    writer.put_u16(kEdnsUdpSize);
    writer.put_u16(static_cast<std::uint16_t>(extended_rcode_and_version));
    writer.put_u16(query_.edns->dnssec_ok ? 0x8000 : 0);
    writer.put_u16(static_cast<std::uint16_t>(opt_size() - kOptSize));
    writer.put(options_);
    writer.put(nsid_);
    writer.put(explanation_);
    if (padding_option_size_ > 0) {
      writer.put_u16(edns_option::kPadding);
      writer.put_u16(static_cast<std::uint16_t>(padding_option_size_ - kOptionHead));
      writer.put_zeros(padding_option_size_ - kOptionHead);
    }
  }

  static constexpr std::size_t kOptionHead = 4;

  const Query& query_;
  const Found& found_;
  const Rendered& rendered_;
  std::span<const std::uint8_t> options_;
  std::span<const std::uint8_t> nsid_;
  std::span<const std::uint8_t> explanation_;
  std::size_t proof_count_;
  std::size_t records_size_ = 0;
  std::size_t padding_option_size_ = 0;
  std::uint16_t additional_count_ = 0;
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
    case rcode::kBadCookie:
      counters.badcookie.add();
      break;
    case rcode::kYxDomain:
      counters.yxdomain.add();
      break;
    case rcode::kNotAuth:
      counters.notauth.add();
      break;
    default:
      counters.servfail.add();
      break;
  }
}

/// Whether the client gets nothing of what it asked for, for a reason that lies in the query.
bool is_refusal(std::uint16_t rcode) noexcept {
  return rcode == rcode::kRefused || rcode == rcode::kNotImp || rcode == rcode::kFormErr ||
         rcode == rcode::kNotAuth || rcode == rcode::kBadVers || rcode == rcode::kBadCookie;
}

ResponseClass class_of(std::uint16_t rcode) noexcept {
  if (rcode == rcode::kNoError) return ResponseClass::kAnswer;
  return rcode == rcode::kNxDomain ? ResponseClass::kNxDomain : ResponseClass::kError;
}

/// Whether the rate limit lets a response out. Over TCP, and with a valid cookie, a client is where
/// it says and never limited.
RateLimiter::Decision limit_rate(const zones::Snapshot& snapshot, const Client& client,
                                 bool is_trusted, std::uint16_t rcode, Scratch& scratch) noexcept {
  const RateLimitPolicy* policy = snapshot.clients->rate_limit.get();
  if (policy == nullptr || scratch.limiter == nullptr || is_trusted ||
      client.transport != Transport::kUdp) {
    return RateLimiter::Decision::kSend;
  }
  const auto decision =
      scratch.limiter->decide(*policy, client.address, class_of(rcode), scratch.now_ms);
  if (decision == RateLimiter::Decision::kDrop) scratch.counters.rate_dropped.add();
  if (decision == RateLimiter::Decision::kTruncate) scratch.counters.rate_truncated.add();
  return decision;
}

/// What the cookie of a query says, and what is answered to it (RFC 7873 §5.2).
struct CookieOutcome {
  CookieVerdict verdict = CookieVerdict::kClientOnly;
  Cookie answer;
};

std::optional<CookieOutcome> judge_cookie(const zones::Snapshot& snapshot, const Client& client,
                                          const Query& query, const Scratch& scratch) noexcept {
  const CookieKeys* keys = snapshot.clients->cookie_keys.get();
  if (keys == nullptr || !query.edns || query.edns->version != 0 || !query.edns->cookie) {
    return std::nullopt;
  }
  const std::span<const std::uint8_t> cookie = *query.edns->cookie;
  CookieOutcome outcome;
  outcome.verdict = keys->verify(cookie, client.address, scratch.now_s);
  if (outcome.verdict == CookieVerdict::kMalformed) return outcome;
  if (outcome.verdict == CookieVerdict::kValid && cookie.size() == kCookieSize) {
    std::copy(cookie.begin(), cookie.end(), outcome.answer.begin());
  } else {
    outcome.answer = keys->make(cookie.first<kClientCookieSize>(), client.address, scratch.now_s);
  }
  return outcome;
}

bool is_valid(CookieVerdict verdict) noexcept {
  return verdict == CookieVerdict::kValid || verdict == CookieVerdict::kValidRenew;
}

/// The error for a message whose question is not looked at; null where there is none.
const Rendered* reject(const Query& query, Transport transport,
                       const std::optional<CookieOutcome>& cookie) noexcept {
  const std::uint16_t opcode = query.flags & flag::kOpcodeMask;
  const bool bad_cookie = cookie && cookie->verdict == CookieVerdict::kMalformed;
  // RFC 7828 §3.3.1: over UDP the option is ignored.
  const bool bad_keepalive =
      transport != Transport::kUdp && query.edns && query.edns->has_keepalive_timeout;
  if (opcode == opcode::kQuery && (query.form == Form::kMalformed || bad_cookie || bad_keepalive)) {
    return &kFormErrResponse;
  }
  // RFC 6891 §6.1.3: whatever the opcode.
  if (query.edns && query.edns->version != 0) return &kBadVersResponse;
  // RFC 1996 §3.10: there is no zone here that is transferred from anywhere.
  if (opcode == opcode::kNotify) return &kRefusedResponse;
  if (opcode != opcode::kQuery) return &kNotImpResponse;
  if (query.form == Form::kNoQuestion && !cookie) return &kFormErrResponse;
  return nullptr;
}

bool is_transfer(const Query& query) noexcept {
  return query.klass == klass::kIn && (query.type == type::kAxfr || query.type == type::kIxfr);
}

/// The response to a message that is not rejected. Of a zone transfer, `transfer` has more.
Found find_response(const zones::Snapshot& snapshot, const Client& client,
                    std::span<const std::uint8_t> message, const Query& query,
                    const std::optional<CookieOutcome>& cookie,
                    const std::optional<TsigExchange>& tsig, TransferAnswer& transfer,
                    Scratch& scratch) noexcept {
  if (query.form == Form::kNoQuestion) {
    // RFC 7873 §5.4: all that is asked for is the cookie.
    return {cookie->verdict == CookieVerdict::kBad ? &kBadCookieResponse : &kEmptyResponse};
  }
  if (tsig && tsig->error() != tsig_error::kNone) return {&kNotAuthResponse};
  const bool must_show_cookie = cookie && !is_valid(cookie->verdict) &&
                                snapshot.clients->require_cookies &&
                                client.transport == Transport::kUdp;
  if (must_show_cookie) return {&kBadCookieResponse};
  if (!is_transfer(query)) return find_answer(snapshot, client, query, scratch);
  transfer = answer_transfer(snapshot, client, message, query, scratch.name,
                             tsig ? tsig->accepted_key() : nullptr, scratch.can_transfer);
  return {transfer.response};
}

/// Judges the TSIG record of a query (RFC 8945 §5.2), which becomes malformed where the record is.
/// Where no keys are configured, TSIG is ignored like any other record.
std::optional<TsigExchange> judge_tsig(const zones::Snapshot& snapshot,
                                       std::span<const std::uint8_t> message, Query& query,
                                       const Scratch& scratch) noexcept {
  const TsigKeys* keys = snapshot.clients->tsig_keys.get();
  if (query.tsig_at == 0 || keys == nullptr || query.form != Form::kQuery) return std::nullopt;
  std::optional<TsigExchange> tsig;
  if (!query.is_tsig_misplaced) {
    tsig = TsigExchange::read(message, query.tsig_at, *keys, scratch.now_s);
  }
  if (!tsig) query.form = Form::kMalformed;
  return tsig;
}

std::size_t answer_query(const zones::Snapshot& snapshot, const Client& client,
                         std::span<const std::uint8_t> message, Query& query,
                         std::span<std::uint8_t> out, Scratch& scratch) noexcept {
  const std::optional<CookieOutcome> cookie = judge_cookie(snapshot, client, query, scratch);
  const bool is_trusted = cookie && is_valid(cookie->verdict);
  if (is_trusted) scratch.counters.cookie_valid.add();
  std::optional<TsigExchange> tsig = judge_tsig(snapshot, message, query, scratch);
  const Rendered* error = reject(query, client.transport, cookie);
  // An error that any octets can cause is no larger than they are: it repeats what they hold.
  if (error != nullptr && query.edns) {
    query.edns->wants_nsid = false;
    query.edns->wants_keepalive = false;
  }
  TransferAnswer transfer{};
  scratch.scope = 0;
  const Found found = error != nullptr ? Found{error}
                                       : find_response(snapshot, client, message, query, cookie,
                                                       tsig, transfer, scratch);

  OptionWriter options(scratch);
  if (cookie && (error == nullptr || is_trusted)) options.put_cookie(cookie->answer);
  if (query.edns && query.edns->client_subnet) {
    options.put_client_subnet(*query.edns->client_subnet, scratch.scope);
  }
  if (query.edns && query.edns->wants_keepalive && client.transport != Transport::kUdp) {
    options.put_keepalive(client.keepalive_100ms);
  }
  const std::size_t room = size_limit(query, client.transport, out.size());
  const std::size_t limit = room - std::min(room, tsig ? tsig->record_size() : 0);
  const bool padded = client.transport == Transport::kTls && query.edns && query.edns->has_padding;
  ResponseWriter writer(query, found, options.written(), *snapshot.identity, limit, padded);

  // Nobody must gain from a refusal in the name of another: it is no larger than the query, but for
  // the server cookie (RFC 7873 §5.2.3). NSID and explanations are for those who are where they
  // say.
  const bool is_proven = is_trusted || client.transport != Transport::kUdp ||
                         (tsig && tsig->accepted_key() != nullptr);
  if (!is_proven && is_refusal(found.rendered->rcode)) writer.leave_out_optional_options();

  count_response(*found.rendered, scratch.counters);
  switch (limit_rate(snapshot, client, is_trusted, found.rendered->rcode, scratch)) {
    case RateLimiter::Decision::kDrop:
      return 0;
    case RateLimiter::Decision::kTruncate:
      writer.truncate();
      break;
    case RateLimiter::Decision::kSend:
      break;
  }
  if (writer.truncated()) scratch.counters.truncated.add();
  if (tsig && writer.smallest_size() > limit) {
    // Names so long that not even the TSIG record fits: over TCP it does.
    return writer.write_truncated_header(out);
  }
  const std::size_t written = writer.write(out);
  if (!tsig) return written;

  const std::size_t size = tsig->sign(out, written);
  if (size == 0) scratch.counters.dropped.add();
  if (transfer.continues != nullptr && size > 0 && !writer.truncated()) {
    scratch.transfer.emplace(*transfer.continues, snapshot.clients->tsig_keys, tsig->stream(),
                             out.first(size), query.question.size());
  }
  return size;
}

}  // namespace

void Scratch::read_clock() noexcept {
  // The coarse clocks are read without a system call, and a few milliseconds do not matter.
  timespec wall{}, steady{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &wall);
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &steady);
  now_s = static_cast<std::uint32_t>(wall.tv_sec);
  now_ms = static_cast<std::uint64_t>(steady.tv_sec) * 1000 +
           static_cast<std::uint64_t>(steady.tv_nsec) / 1'000'000;
}

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
  Query query = parse_query(query_bytes, scratch.name);
  return answer_query(snapshot, client, query_bytes, query, out, scratch);
}

}  // namespace gslb::dns

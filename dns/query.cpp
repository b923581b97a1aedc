#include "dns/query.h"

#include <algorithm>
#include <cstring>

#include "dns/name_hash.h"
#include "dns/wire.h"

namespace gslb::dns {
namespace {

constexpr std::size_t kFixedRecord = 10;  // TYPE, CLASS, TTL, RDLENGTH

/// A bounded walk through a message.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> message, std::size_t at) noexcept
      : message_(message), at_(at) {}

  std::size_t position() const noexcept { return at_; }
  std::size_t left() const noexcept { return message_.size() - at_; }
  const std::uint8_t* here() const noexcept { return message_.data() + at_; }
  bool at_end() const noexcept { return left() == 0; }

  bool skip(std::size_t octets) noexcept {
    if (left() < octets) return false;
    at_ += octets;
    return true;
  }

  /// Steps over a name, compressed or not, without following its pointer.
  bool skip_name() noexcept {
    while (left() > 0) {
      const std::uint8_t length = *here();
      if (length >= 0xC0) return skip(2);
      if (length > kMaxLabelLength || !skip(std::size_t{length} + 1)) return false;
      if (length == 0) return true;
    }
    return false;
  }

 private:
  std::span<const std::uint8_t> message_;
  std::size_t at_;
};

/// Eight octets with A to Z in lower case, in any byte order. Below 0x80 the two sums stay within
/// their octet, and tell in its highest bit whether it is at least 'A' and whether it is above 'Z'.
constexpr std::uint64_t lower_octets(std::uint64_t octets) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  const std::uint64_t low_bits = octets & kEach * 0x7F;
  const std::uint64_t at_least_a = low_bits + kEach * (0x80 - 'A');
  const std::uint64_t above_z = low_bits + kEach * (0x7F - 'Z');
  const std::uint64_t is_letter = at_least_a & ~above_z & ~octets & kEach * 0x80;
  return octets | is_letter >> 2;
}

/// Copies eight octets in lower case.
void copy_eight_lower(const std::uint8_t* from, std::uint8_t* to) noexcept {
  std::uint64_t octets = 0;
  std::memcpy(&octets, from, sizeof octets);
  octets = lower_octets(octets);
  std::memcpy(to, &octets, sizeof octets);
}

/// Copies a name in lower case. Label lengths are below the letters (RFC 1035 §2.3.4), so they need
/// not be told apart from them.
void copy_lower(std::span<const std::uint8_t> wire, std::uint8_t* to) noexcept {
  if (wire.size() < 8) {
    std::transform(wire.begin(), wire.end(), to, to_lower);
    return;
  }
  const std::size_t last = wire.size() - 8;
  for (std::size_t at = 0; at < last; at += 8) copy_eight_lower(&wire[at], to + at);
  copy_eight_lower(&wire[last], to + last);  // Which may overlap those before.
}

/// Copies the QNAME in lower case and notes its labels. A compression pointer has nothing to point
/// to in a question and is refused like any other length above 63.
bool read_query_name(Reader& reader, QueryName& name) noexcept {
  const std::span wire(reader.here(), std::min(reader.left(), kMaxNameLength));
  if (wire.empty()) return false;
  std::size_t size = 0;
  std::size_t labels = 0;
  while (wire[size] != 0) {
    const std::size_t octets = std::size_t{wire[size]} + 1;
    // Another label must follow, if only that of the root.
    if (octets > kMaxLabelLength + 1 || size + octets >= wire.size()) return false;
    name.label_offset[labels++] = static_cast<std::uint8_t>(size);
    size += octets;
  }
  name.labels = labels;
  name.length = size + 1;
  copy_lower(wire.first(name.length), name.lower.data());
  return reader.skip(name.length);
}

void hash_suffixes(QueryName& name) noexcept {
  std::uint64_t hash = kRootHash;
  name.suffix_hash[name.labels] = hash;
  for (std::size_t i = name.labels; i-- > 0;) {
    hash = hash_label(hash, &name.lower[name.label_offset[i]]);
    name.suffix_hash[i] = hash;
  }
}

/// Takes one option. Unknown ones are ignored (RFC 6891 §6.1.2); of one that comes twice, the first
/// counts.
bool read_option(std::uint16_t code, std::span<const std::uint8_t> data, Edns& edns) noexcept {
  switch (code) {
    case edns_option::kNsid:
      edns.wants_nsid = true;
      return true;
    case edns_option::kClientSubnet:
      if (edns.client_subnet) return true;
      edns.client_subnet = parse_client_subnet(data);
      return edns.client_subnet.has_value();
    case edns_option::kCookie:
      if (!edns.cookie) edns.cookie = data;
      return true;
    case edns_option::kPadding:
      edns.has_padding = true;
      return true;
    case edns_option::kTcpKeepalive:
      edns.wants_keepalive = true;
      edns.has_keepalive_timeout |= !data.empty();
      return true;
    default:
      return true;
  }
}

bool read_options(std::span<const std::uint8_t> rdata, Edns& edns) noexcept {
  Reader reader(rdata, 0);
  while (!reader.at_end()) {
    const std::uint8_t* head = reader.here();
    if (!reader.skip(4)) return false;
    const std::uint16_t size = load_u16(head + 2);
    const std::uint8_t* data = reader.here();
    if (!reader.skip(size) || !read_option(load_u16(head), {data, size}, edns)) return false;
  }
  return true;
}

/// Reads the records behind the question, of which only OPT and TSIG matter.
bool read_records(Reader& reader, std::size_t before_additional, std::size_t additional,
                  Query& query) noexcept {
  std::optional<Edns>& edns = query.edns;
  for (std::size_t i = 0; i < before_additional + additional; ++i) {
    const std::size_t start = reader.position();
    const bool owner_is_root = reader.left() > 0 && *reader.here() == 0;
    if (!reader.skip_name()) return false;
    const std::uint8_t* fixed = reader.here();
    if (!reader.skip(kFixedRecord)) return false;
    const std::uint16_t rdata_size = load_u16(fixed + 8);
    const std::uint8_t* rdata = reader.here();
    if (!reader.skip(rdata_size)) return false;
    if (load_u16(fixed) == type::kTsig) {
      // RFC 8945 §5.1: in the additional section, the last record.
      query.tsig_at = start;
      query.is_tsig_misplaced |= i < before_additional || i + 1 < before_additional + additional;
    }
    if (load_u16(fixed) != type::kOpt) continue;

    // RFC 6891 §6.1.1: in the additional section, once, owned by the root.
    if (i < before_additional || edns || !owner_is_root) return false;
    edns.emplace();
    edns->udp_size = load_u16(fixed + 2);
    edns->version = fixed[5];
    edns->dnssec_ok = (fixed[6] & 0x80) != 0;
    // RFC 6891 §6.1.3: what options mean depends on the version.
    if (edns->version == 0 && !read_options({rdata, rdata_size}, *edns)) return false;
  }
  return reader.at_end();
}

bool read_question(Reader& reader, std::span<const std::uint8_t> message, QueryName& name,
                   Query& query) noexcept {
  if (!read_query_name(reader, name)) return false;
  const std::uint8_t* tail = reader.here();
  if (!reader.skip(4)) return false;
  query.question = message.subspan(kHeaderSize, reader.position() - kHeaderSize);
  query.type = load_u16(tail);
  query.klass = load_u16(tail + 2);
  return true;
}

}  // namespace

Query parse_query(std::span<const std::uint8_t> message, QueryName& name) noexcept {
  Query query(load_u16(&message[0]), load_u16(&message[2]));

  Reader reader(message, kHeaderSize);
  const std::size_t questions = load_u16(&message[4]);
  const bool has_question = questions == 1 && read_question(reader, message, name, query);
  if (!has_question) {
    // RFC 9619 §4: more than one is an error. OPT is behind them all the same.
    reader = Reader(message, kHeaderSize);
    for (std::size_t i = 0; i < questions; ++i) {
      if (!reader.skip_name() || !reader.skip(4)) return query;
    }
  }

  const std::size_t before_additional =
      std::size_t{load_u16(&message[6])} + std::size_t{load_u16(&message[8])};
  if (!read_records(reader, before_additional, load_u16(&message[10]), query)) {
    return query;
  }
  if (has_question) {
    hash_suffixes(name);
    query.form = Form::kQuery;
  } else if (questions == 0) {
    query.form = Form::kNoQuestion;
  }
  return query;
}

std::optional<std::uint32_t> read_client_serial(std::span<const std::uint8_t> message,
                                                const Query& query) noexcept {
  Reader reader(message, kHeaderSize + query.question.size());
  const std::size_t answers = load_u16(&message[6]);
  const std::size_t authorities = load_u16(&message[8]);
  for (std::size_t i = 0; i < answers + authorities; ++i) {
    if (!reader.skip_name()) return std::nullopt;
    const std::uint8_t* fixed = reader.here();
    if (!reader.skip(kFixedRecord)) return std::nullopt;
    const std::uint16_t rdata_size = load_u16(fixed + 8);
    if (i < answers || load_u16(fixed) != type::kSoa) {
      if (!reader.skip(rdata_size)) return std::nullopt;
      continue;
    }
    if (!reader.skip_name() || !reader.skip_name() || reader.left() < 4) return std::nullopt;
    return load_u32(reader.here());
  }
  return std::nullopt;
}

}  // namespace gslb::dns

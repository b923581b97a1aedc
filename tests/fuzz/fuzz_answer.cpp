// answer() for any query: the response is one that every resolver can read, belongs to the query,
// and keeps to its limits.
//
// Input: one octet (bit 0: TCP; bits 1 and 2: kRooms; bit 3: the query is signed with TSIG), one
// octet of random seed, the query.

#include <algorithm>
#include <memory>
#include <string>

#include "dns/answer.h"
#include "dns/query.h"
#include "dns/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/dnssec_check.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/tsig.h"
#include "zones/dnssec_key.h"
#include "zones/master_file.h"

namespace gslb {
namespace {

using base::EndpointStatus;
using dns::Transport;
using fuzz::require;
using routing::Method;
using Bytes = std::span<const std::uint8_t>;

std::vector<std::string> addresses(const std::string& prefix, int count) {
  std::vector<std::string> all;
  for (int i = 1; i <= count; ++i) all.push_back(prefix + std::to_string(i));
  return all;
}

zones::ZoneSpec zone(const std::string& apex, int name_servers) {
  zones::ZoneSpec spec = support::example_zone();
  spec.apex = support::name(apex);
  spec.nameservers.clear();
  for (int i = 1; i <= name_servers; ++i) {
    spec.nameservers.push_back({support::name("ns" + std::to_string(i) + "." + apex),
                                {support::ip("192.0.2.53"), support::ip("2001:db8::53")}});
  }
  return spec;
}

/// A zone to be transferred, in several messages, by whoever signs.
zones::ZoneSpec static_zone() {
  zones::ZoneSpec spec = support::example_zone();
  spec.apex = support::name("static.test");
  spec.nameservers = {{support::name("ns.example.net"), {}}};
  auto file = std::make_shared<zones::MasterFile>();
  std::vector<std::uint8_t> text;  // 4 KiB
  for (int i = 0; i < 16; ++i) {
    text.push_back(255);
    text.insert(text.end(), 255, 'x');
  }
  for (std::uint32_t i = 0; i < 8; ++i) {
    file->records.push_back({support::name("h" + std::to_string(i) + ".static.test"),
                             dns::type::kTxt, std::chrono::seconds(60), text, 0, i + 1});
  }
  spec.file = std::move(file);
  spec.transfer = zones::TransferSpec{{{support::ip("192.0.2.0"), 24}},
                                      support::name(support::TsigSecret{}.name)};
  return spec;
}

constexpr const char* kSigned = "signed.test";
constexpr std::chrono::sys_seconds kSignedAt{std::chrono::seconds{1'800'000'000}};

/// The same key every time. Its times do not matter: when keys are in use is judged elsewhere.
std::shared_ptr<const zones::DnssecKey> signing_key(const dns::Name& apex) {
  zones::KeyTiming timing;
  timing.publish = timing.activate = std::chrono::sys_seconds{};
  const std::vector<std::uint8_t> secret(32, 7);
  return *zones::DnssecKey::make(apex, 257, zones::KeyAlgorithm::kEd25519, secret, timing);
}

void sign(zones::ZoneSpec& spec) { spec.signing = zones::SigningSpec{{signing_key(spec.apex)}}; }

/// Everything that needs evidence: wildcards, aliases, delegations, empty names.
zones::ZoneSpec signed_zone() {
  zones::ZoneSpec spec = zone(kSigned, 1);
  constexpr std::string_view kRecords =
      "host  A     192.0.2.1\n"
      "*.w   A     192.0.2.2\n"
      "*.c   CNAME v\n"
      "*.d   CNAME a.missing\n"
      "*.e   CNAME x.w\n"
      "a.b.c.ent TXT \"below empty names\"\n"
      "sub   NS    ns.sub\n"
      "ns.sub A    192.0.2.3\n"
      "safe  NS    ns.sub\n"
      "safe  DS    1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
      "into  CNAME safe\n"
      "old   DNAME new.test.\n";
  spec.file = std::make_shared<zones::MasterFile>(
      zones::parse_master_file(kRecords, "records", spec.apex, std::chrono::seconds{60}));
  require(spec.file->errors.empty(), "the records of the signed zone are right");
  sign(spec);
  return spec;
}

/// Every kind of answer: small and large, each method, each way of being down, zones inside zones,
/// and names as long as they get.
std::shared_ptr<const zones::Snapshot> make_snapshot() {
  support::SnapshotMaker maker;
  maker.signing_time().now = kSignedAt;
  const auto london = maker.endpoint("london", {"203.0.113.10"});
  const auto paris = maker.endpoint("paris", {"203.0.113.20", "2001:db8:2::10"});
  const auto down = maker.endpoint("down", {"203.0.113.90"}, EndpointStatus::kDegraded);
  const auto fat = maker.endpoint("fat", addresses("198.51.100.", 64));
  const auto fat6 = maker.endpoint("fat6", addresses("2001:db8::", 64));
  const auto huge = maker.endpoint("huge", addresses("2001:db8::", 2000));

  maker.profile("priority.gslb.example.com", Method::kPriority, {{london, 1, 1}, {paris, 1, 2}});
  maker.profile("weighted.gslb.example.com", Method::kWeighted, {{london, 3, 1}, {paris, 7, 1}});
  maker.profile("fat.gslb.example.com", Method::kWeighted, {{fat, 1, 1}, {fat6, 1, 1}});
  maker.profile("huge.gslb.example.com", Method::kPriority, {{huge, 1, 1}});
  maker.profile("off.gslb.example.com", Method::kPriority, {{london, 1, 1}}).enabled = false;
  maker.profile("nodata.gslb.example.com", Method::kPriority, {{down, 1, 1}}).when_all_down =
      routing::AllDown::kNoData;
  maker.profile("servfail.gslb.example.com", Method::kPriority, {{down, 1, 1}}).when_all_down =
      routing::AllDown::kServFail;
  maker.profile("web.other.test", Method::kPriority, {{london, 1, 1}});
  maker.profile("a.deep.sub.other.test", Method::kWeighted, {{paris, 1, 1}});

  maker.add_zone(zone("other.test", 1));
  maker.add_zone(zone("sub.other.test", 13));
  maker.add_zone(static_zone());
  maker.add_zone(signed_zone());
  maker.profile("v.signed.test", Method::kWeighted, {{london, 3, 1}, {paris, 7, 1}});
  maker.profile("four.signed.test", Method::kPriority, {{london, 1, 1}});
  maker.profile("none.signed.test", Method::kPriority, {{down, 1, 1}}).when_all_down =
      routing::AllDown::kNoData;
  maker.clients().tsig_keys = support::make_keys();
  const std::string label(60, 'l');
  zones::ZoneSpec deep = zone(label + "." + label + "." + label + "." + label + ".x", 2);
  sign(deep);
  maker.add_zone(std::move(deep));
  return maker.snapshot("ns1-fuzz");
}

/// Steps over a message as RFC 1035 §4.1 lays it out.
class Walk {
 public:
  explicit Walk(Bytes message) : message_(message), at_(dns::kHeaderSize) {}

  std::size_t position() const { return at_; }

  bool skip(std::size_t octets) {
    if (message_.size() - at_ < octets) return false;
    at_ += octets;
    return true;
  }

  bool skip_name() {
    const std::size_t start = at_;
    while (at_ < message_.size()) {
      const std::uint8_t length = message_[at_];
      if (length >= 0xC0) {
        if (message_.size() - at_ < 2) return false;
        const std::size_t target = dns::load_u16(&message_[at_]) & 0x3FFFU;
        return target >= dns::kHeaderSize && target < start && skip(2);
      }
      if (length > dns::kMaxLabelLength || !skip(std::size_t{length} + 1)) return false;
      if (length == 0) return true;
    }
    return false;
  }

  bool skip_question() { return skip_name() && skip(4); }

  bool skip_record() {
    if (!skip_name() || !skip(10)) return false;
    return skip(dns::load_u16(&message_[at_ - 2]));
  }

 private:
  Bytes message_;
  std::size_t at_;
};

void check_header(Bytes query, Bytes response) {
  require(dns::load_u16(&response[0]) == dns::load_u16(&query[0]), "the id comes back");
  const std::uint16_t asked = dns::load_u16(&query[2]);
  const std::uint16_t flags = dns::load_u16(&response[2]);
  require((flags & dns::flag::kQr) != 0, "a response says that it is one");
  constexpr std::uint16_t kCopied = dns::flag::kOpcodeMask | dns::flag::kRd;
  require((flags & kCopied) == (asked & kCopied), "opcode and RD come back");
  constexpr std::uint16_t kReserved = 0x0040;
  require((flags & kReserved) == 0, "the reserved bit is 0");
}

/// The question comes back as it was, and the counts and the octets agree.
void check_sections(Bytes query, Bytes response) {
  Walk walk(response);
  const std::size_t questions = dns::load_u16(&response[4]);
  require(questions <= 1, "there is at most one question");
  if (questions == 1) {
    require(walk.skip_question(), "the question is whole");
    const Bytes question = response.subspan(dns::kHeaderSize, walk.position() - dns::kHeaderSize);
    require(query.size() >= walk.position() &&
                std::ranges::equal(question, query.subspan(dns::kHeaderSize, question.size())),
            "the question comes back octet for octet");
  }
  std::size_t records = 0;
  for (const std::size_t count_at : {6U, 8U, 10U}) records += dns::load_u16(&response[count_at]);
  for (; records > 0; --records) require(walk.skip_record(), "each record is whole");
  require(walk.position() == response.size(), "nothing follows the last record");
}

bool is_refusal(const std::string& rcode) {
  return rcode != "NOERROR" && rcode != "NXDOMAIN" && rcode != "SERVFAIL";
}

void check_as_resolver(Bytes query, Bytes response, Transport transport) {
  const auto message = support::parse_message(response);
  require(message.has_value(), "ldns can read the response");
  if (transport == Transport::kUdp && !message->has_edns) {
    require(response.size() <= dns::kPlainUdpSize, "at most 512 octets without EDNS");
  }
  if (message->tc) require(message->answer.empty(), "a truncated response has no part of an RRset");
  if (is_refusal(message->rcode)) {
    require(message->answer.empty() && message->authority.empty(), "a refusal has no records");
    // With NOTAUTH the name of the key comes back, which may have been compressed, and the time.
    const std::size_t more = message->rcode == "NOTAUTH" ? dns::kMaxNameLength + 6 : 0;
    require(response.size() - message->edns_options.size() <= query.size() + more,
            "a refusal is no larger than its query, EDNS options aside");
  }
}

/// What validates must, where DO asked for a name of the signed zone and the answer is whole.
void check_as_validator(Bytes query, Bytes response) {
  const auto message = support::parse_message(response);
  const bool is_answer = message->rcode == "NOERROR" || message->rcode == "NXDOMAIN";
  // What is not authoritative here is a referral, of this zone or another.
  if (!is_answer || message->tc || !message->dnssec_ok || message->question_count != 1) return;
  dns::QueryName name;
  const dns::Query parsed = dns::parse_query(query, name);
  if (parsed.form != dns::Form::kQuery || parsed.klass != dns::klass::kIn) return;
  if (!dns::Name::from_wire({name.lower.data(), name.length})
           .is_at_or_below(support::name(kSigned))) {
    return;
  }
  static const std::vector<std::vector<std::uint8_t>> keys = {
      signing_key(support::name(kSigned))->dnskey()};
  for (const std::string& fault : support::find_dnssec_faults(response, kSigned, keys, kSignedAt)) {
    require(false, fault.c_str());
  }
}

/// What answers a query that was signed with the right key at the right time. Returns the MAC.
std::vector<std::uint8_t> check_signature(Bytes query, Bytes response) {
  const auto parts = support::split(response);
  if (!parts) return {};  // FORMERR, or no room for it.
  const support::TsigSecret secret;
  // Octets at the end of the query that are no record of their own belong to the name of the key.
  if (parts->key != secret.name) return {};
  const auto asked = support::split(query);
  require(parts->error == dns::tsig_error::kNone, "a right signature is taken");
  require(parts->mac == support::mac_of(*parts, secret, asked->mac), "the response is signed");
  return parts->mac;
}

/// The further messages of a transfer.
void check_transfer(dns::TransferStream stream, std::vector<std::uint8_t> prior) {
  std::vector<std::uint8_t> out(dns::kMaxMessageSize);
  while (!stream.is_done()) {
    const std::size_t size = stream.write_next(out, 0);
    const auto parts = support::split(std::span(out).first(size));
    require(parts && parts->mac == support::mac_of(*parts, support::TsigSecret{}, prior, false),
            "each message is signed");
    prior = parts->mac;
    require(support::parse_message(parts->message).has_value(), "ldns can read each message");
  }
}

/// A buffer of exactly this size, so that AddressSanitizer sees what is beyond.
std::unique_ptr<std::uint8_t[]> filled(std::size_t size, std::uint8_t value) {
  std::unique_ptr<std::uint8_t[]> buffer(new std::uint8_t[size]);
  std::fill_n(buffer.get(), size, value);
  return buffer;
}

void check(const zones::Snapshot& snapshot, Transport transport, std::size_t room,
           std::uint64_t seed, Bytes query, bool is_signed) {
  const dns::Client client{base::IpAddress::v4({192, 0, 2, 1}), transport};
  dns::Scratch scratch(seed);
  const auto out = filled(room, 0xAA);
  const std::size_t size = dns::answer(snapshot, client, query, {out.get(), room}, scratch);

  // Other content before: nothing of it may come through.
  dns::Scratch scratch_again(seed);
  const auto out_again = filled(room, 0x55);
  const std::size_t size_again =
      dns::answer(snapshot, client, query, {out_again.get(), room}, scratch_again);
  require(size == size_again && std::equal(out.get(), out.get() + size, out_again.get()),
          "the same query and random numbers give the same response");

  const bool is_answerable =
      query.size() >= dns::kHeaderSize && (dns::load_u16(&query[2]) & dns::flag::kQr) == 0;
  require((size > 0) == is_answerable, "exactly queries are answered");
  if (size == 0) return;
  require(size >= dns::kHeaderSize, "a response has a header");
  require(size <= (transport == Transport::kUdp ? std::min(room, dns::kEdnsUdpSize) : room),
          "a response keeps to its limit");
  const Bytes response(out.get(), size);
  check_header(query, response);
  check_sections(query, response);
  check_as_resolver(query, response, transport);
  check_as_validator(query, response);
  require(is_signed || !scratch.transfer, "a transfer needs a signature");
  if (!is_signed) return;
  const std::vector<std::uint8_t> mac = check_signature(query, response);
  if (scratch.transfer) check_transfer(*std::move(scratch.transfer), mac);
}

}  // namespace
}  // namespace gslb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  static const std::shared_ptr<const zones::Snapshot> snapshot = make_snapshot();
  constexpr std::array<std::size_t, 4> kRooms = {dns::kMaxMessageSize, dns::kEdnsUdpSize,
                                                 dns::kPlainUdpSize, 700};
  fuzz::Input input(data, size);
  const std::uint8_t options = input.octet();
  const std::uint8_t seed = input.octet();
  std::vector<std::uint8_t> query(input.rest().begin(), input.rest().end());
  const bool is_signed = (options & 8) != 0 && query.size() >= dns::kHeaderSize;
  if (is_signed) query = support::sign(query, support::TsigSecret{}, 0);
  check(*snapshot, (options & 1) != 0 ? Transport::kTcp : Transport::kUdp,
        kRooms[options >> 1 & 3U], seed, query, is_signed);
  return 0;
}

#include "tests/abuse/messages.h"

#include "dns/wire.h"
#include "tests/support/test_snapshot.h"

namespace gslb::abuse {
namespace {

using support::Bytes;
using support::make_query;

constexpr const char* kVpn = "vpn.gslb.example.com";
constexpr const char* kOutside = "www.example.net";
constexpr std::uint16_t kUdpSize = 4096;
constexpr std::uint16_t kUnassignedOpcode = 3 << 11;
/// Of OPT, counted from the end of a query without options.
constexpr std::size_t kVersionFromEnd = 5;
constexpr std::size_t kSizeFromEnd = 2;

Bytes with_option(Bytes query, std::uint16_t code, const Bytes& data) {
  dns::store_u16(&query[query.size() - kSizeFromEnd], static_cast<std::uint16_t>(4 + data.size()));
  Bytes head(4);
  dns::store_u16(&head[0], code);
  dns::store_u16(&head[2], static_cast<std::uint16_t>(data.size()));
  query.insert(query.end(), head.begin(), head.end());
  query.insert(query.end(), data.begin(), data.end());
  return query;
}

Bytes with_flags(Bytes query, std::uint16_t flags) {
  dns::store_u16(&query[2], flags);
  return query;
}

Bytes in_chaos(Bytes query) {
  dns::store_u16(&query[query.size() - 2], dns::klass::kCh);
  return query;
}

Bytes two_questions() {
  Bytes query = make_query(kVpn, dns::type::kA);
  const Bytes question(query.begin() + dns::kHeaderSize, query.end());
  query.insert(query.end(), question.begin(), question.end());
  dns::store_u16(&query[4], 2);
  return query;
}

Bytes with_version(std::uint8_t version) {
  Bytes query = make_query(kVpn, dns::type::kA, kUdpSize);
  query[query.size() - kVersionFromEnd] = version;
  return query;
}

Bytes first_octets(Bytes query, std::size_t count) {
  query.resize(count);
  return query;
}

/// Octets without order, as a header those of a query with strange counts.
Bytes garbage() {
  Bytes bytes;
  std::uint32_t state = 12345;
  for (int i = 0; i < 64; ++i) {
    state = state * 1'664'525 + 1'013'904'223;  // The constants of Numerical Recipes.
    bytes.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  bytes[2] &= 0x07;  // A query, by its opcode too.
  return bytes;
}

struct NamedMessage {
  std::string_view name;
  Bytes (*make)();
};

constexpr NamedMessage kMessages[] = {
    {"a", [] { return make_query(kVpn, dns::type::kA); }},
    {"a-edns", [] { return make_query(kVpn, dns::type::kA, kUdpSize); }},
    {"nxdomain", [] { return make_query("nothing.gslb.example.com", dns::type::kA); }},
    {"nodata", [] { return make_query(kVpn, dns::type::kTxt); }},
    {"any", [] { return make_query(kVpn, dns::type::kAny); }},
    {"large-txt", [] { return make_query("large.gslb.example.com", dns::type::kTxt, kUdpSize); }},
    {"large-plain", [] { return make_query("large.gslb.example.com", dns::type::kTxt); }},
    {"too-large", [] { return make_query("toolarge.gslb.example.com", 65280, kUdpSize); }},
    {"refused", [] { return make_query(kOutside, dns::type::kA); }},
    {"refused-edns", [] { return make_query(kOutside, dns::type::kA, kUdpSize); }},
    {"refused-nsid",
     [] {
       return with_option(make_query(kOutside, dns::type::kA, kUdpSize), dns::edns_option::kNsid,
                          {});
     }},
    {"refused-subnet",
     [] {
       return with_option(make_query(kOutside, dns::type::kA, kUdpSize),
                          dns::edns_option::kClientSubnet, {0, 1, 24, 0, 198, 51, 100});
     }},
    {"refused-cookie",
     [] {
       return with_option(make_query(kOutside, dns::type::kA, kUdpSize), dns::edns_option::kCookie,
                          {1, 2, 3, 4, 5, 6, 7, 8});
     }},
    {"axfr", [] { return make_query("gslb.example.com", dns::type::kAxfr); }},
    {"axfr-edns", [] { return make_query("gslb.example.com", dns::type::kAxfr, kUdpSize); }},
    {"version.bind", [] { return in_chaos(make_query("version.bind", dns::type::kTxt)); }},
    {"notimp", [] { return with_flags(make_query(kVpn, dns::type::kA), kUnassignedOpcode); }},
    {"notify", [] { return with_flags(make_query(kVpn, dns::type::kSoa), dns::opcode::kNotify); }},
    {"formerr", two_questions},
    {"cut-short", [] { return first_octets(make_query(kVpn, dns::type::kA, kUdpSize), 40); }},
    {"badvers", [] { return with_version(1); }},
    {"garbage", garbage},
    {"response", [] { return with_flags(make_query(kVpn, dns::type::kA), dns::flag::kQr); }},
    {"too-short", [] { return Bytes(11, 0); }},
};

}  // namespace

std::optional<Bytes> make_message(std::string_view name) {
  for (const NamedMessage& message : kMessages) {
    if (message.name == name) return message.make();
  }
  return std::nullopt;
}

std::vector<std::string_view> message_names() {
  std::vector<std::string_view> names;
  for (const NamedMessage& message : kMessages) names.push_back(message.name);
  return names;
}

}  // namespace gslb::abuse

// answer() for a good question with any EDNS options: which are malformed, and what comes back for
// the others, is judged here once more, straight from the RFCs.
//
// Input: one octet (bit 0: TCP, bit 1: DO), the RDATA of the OPT record.

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "dns/answer.h"
#include "dns/cookie.h"
#include "dns/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"

namespace gslb {
namespace {

using base::EndpointStatus;
using dns::Transport;
using fuzz::require;
using Bytes = std::span<const std::uint8_t>;
namespace option = dns::edns_option;

constexpr std::size_t kMaxRdata = 4000;
constexpr const char* kName = "priority.gslb.example.com";

std::shared_ptr<const zones::Snapshot> make_snapshot() {
  support::SnapshotMaker maker;
  const auto london = maker.endpoint("london", {"203.0.113.10"});
  maker.profile(kName, routing::Method::kPriority, {{london, 1, 1}});
  maker.clients().cookie_keys = std::make_shared<const dns::CookieKeys>(dns::SipHashKey{1, 2});
  return maker.snapshot("ns1-fuzz");
}

/// RFC 6891 §6.1.2: each option in its order; nothing where an option ends beyond the RDATA.
std::optional<std::vector<std::pair<std::uint16_t, Bytes>>> split(Bytes rdata) {
  std::vector<std::pair<std::uint16_t, Bytes>> options;
  while (!rdata.empty()) {
    if (rdata.size() < 4) return std::nullopt;
    const std::size_t size = dns::load_u16(&rdata[2]);
    if (rdata.size() - 4 < size) return std::nullopt;
    options.emplace_back(dns::load_u16(rdata.data()), rdata.subspan(4, size));
    rdata = rdata.subspan(4 + size);
  }
  return options;
}

/// The first of each code, which is the one that counts.
using Options = std::map<std::uint16_t, Bytes>;

/// RFC 7871 §6: one family of two, no scope, as many octets as the prefix needs, no bits beyond it.
bool is_subnet(Bytes data) {
  if (data.size() < 4 || data[3] != 0) return false;
  const std::uint16_t family = dns::load_u16(data.data());
  const unsigned prefix = data[2];
  if (family < 1 || family > 2 || prefix > (family == 1 ? 32U : 128U)) return false;
  if (data.size() - 4 != (prefix + 7) / 8) return false;
  return prefix % 8 == 0 || (data.back() << (prefix % 8) & 0xFF) == 0;
}

/// RFC 7873 §4: 8 octets of the client, alone or with 8 to 32 of the server.
bool is_cookie(Bytes data) { return data.size() == 8 || (data.size() >= 16 && data.size() <= 40); }

bool is_malformed(const Options& options, const std::vector<std::pair<std::uint16_t, Bytes>>& all,
                  Transport transport) {
  const auto has_bad = [&](std::uint16_t code, const auto& is_good) {
    const auto found = options.find(code);
    return found != options.end() && !is_good(found->second);
  };
  // RFC 7828 §3.2.1: a client names no timeout.
  const bool names_timeout = std::any_of(all.begin(), all.end(), [](const auto& each) {
    return each.first == option::kTcpKeepalive && !each.second.empty();
  });
  return has_bad(option::kClientSubnet, is_subnet) || has_bad(option::kCookie, is_cookie) ||
         (transport != Transport::kUdp && names_timeout);
}

void check_answered(const Options& asked, const Options& answered, Transport transport) {
  const auto came = [&](std::uint16_t code) { return asked.count(code) > 0; };
  for (const auto& [code, data] : answered) {
    require(came(code), "no option comes that was not asked for");
    require(code == option::kNsid || code == option::kClientSubnet || code == option::kCookie ||
                code == option::kTcpKeepalive,
            "no option comes that is not known");
  }
  require(came(option::kNsid) == answered.count(option::kNsid), "NSID comes to who asks");
  require(came(option::kClientSubnet) == answered.count(option::kClientSubnet),
          "the client's subnet comes back");
  if (came(option::kClientSubnet)) {
    // With scope 0, since every client gets the same.
    require(std::ranges::equal(asked.at(option::kClientSubnet), answered.at(option::kClientSubnet)),
            "the client's subnet comes back as it was");
  }
  require(came(option::kCookie) == answered.count(option::kCookie), "a cookie gets a cookie");
  if (came(option::kCookie)) {
    const Bytes cookie = answered.at(option::kCookie);
    require(cookie.size() == dns::kCookieSize, "a server cookie has 16 octets");
    require(std::ranges::equal(cookie.first(8), asked.at(option::kCookie).first(8)),
            "the client's cookie comes back");
  }
  require((came(option::kTcpKeepalive) && transport != Transport::kUdp) ==
              (answered.count(option::kTcpKeepalive) > 0),
          "keepalive comes over TCP alone");
}

void check(const zones::Snapshot& snapshot, Transport transport, bool dnssec_ok, Bytes rdata) {
  std::vector<std::uint8_t> query = support::make_query(kName, dns::type::kA, dns::kEdnsUdpSize);
  if (dnssec_ok) query = support::with_dnssec_ok(std::move(query));
  dns::store_u16(&query[query.size() - 2], static_cast<std::uint16_t>(rdata.size()));
  query.insert(query.end(), rdata.begin(), rdata.end());

  dns::Scratch scratch(1);
  std::vector<std::uint8_t> out(dns::kMaxMessageSize);
  out.resize(dns::answer(snapshot, {base::IpAddress::v4({192, 0, 2, 1}), transport, 100}, query,
                         out, scratch));
  const auto message = support::parse_message(out);
  require(message.has_value(), "ldns can read the response");
  require(message->has_edns, "EDNS comes back, whatever is in it");
  require(message->dnssec_ok == dnssec_ok, "DO comes back");

  const auto options = split(rdata);
  Options asked;
  if (options) {
    for (const auto& each : *options) asked.insert(each);
  }
  const bool is_error = !options || is_malformed(asked, *options, transport);
  require((message->rcode == "FORMERR") == is_error, "exactly what is malformed gets FORMERR");
  if (is_error) return;
  require(message->rcode == "NOERROR" && message->answer.size() == 1, "the question is answered");
  const auto back = split(message->edns_options);
  require(back.has_value(), "the options of the response are whole");
  Options answered;
  for (const auto& each : *back) {
    require(answered.insert(each).second, "each option comes once");
  }
  check_answered(asked, answered, transport);
}

}  // namespace
}  // namespace gslb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  static const std::shared_ptr<const zones::Snapshot> snapshot = make_snapshot();
  fuzz::Input input(data, size);
  const std::uint8_t flags = input.octet();
  const Bytes rdata = input.rest().first(std::min(input.rest().size(), kMaxRdata));
  check(*snapshot, (flags & 1) != 0 ? Transport::kTcp : Transport::kUdp, (flags & 2) != 0, rdata);
  return 0;
}

// Runs tests/conformance/answers/*.txt. See the README there for the form.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <sstream>

#include "dns/answer.h"
#include "dns/cookie.h"
#include "dns/wire.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"
#include "zones/master_file.h"
#include "zones/zone_check.h"

namespace gslb::dns {
namespace {

using base::EndpointStatus;
using routing::Method;
using support::Message;

struct Case {
  std::string title;
  std::string query;
  std::string head;
  std::vector<std::string> answer, authority, additional;
  std::optional<std::string> options;
  std::size_t size = kMaxMessageSize;
};

std::vector<Case> read_cases(const std::filesystem::path& file) {
  std::vector<Case> cases;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string key, rest;
    words >> key >> std::ws;
    std::getline(words, rest);
    if (key == "case") {
      cases.push_back({});
      cases.back().title = rest;
      continue;
    }
    Case& current = cases.back();
    if (key == "query")
      current.query = rest;
    else if (key == "head")
      current.head = rest;
    else if (key == "answer")
      current.answer.push_back(rest);
    else if (key == "authority")
      current.authority.push_back(rest);
    else if (key == "additional")
      current.additional.push_back(rest);
    else if (key == "options")
      current.options = rest;
    else if (key == "size")
      current.size = std::stoul(rest);
    else
      ADD_FAILURE() << file << ": unknown key " << key;
  }
  return cases;
}

std::filesystem::path folder() {
  return std::filesystem::path(GSLB_SOURCE_DIR) / "tests/conformance/answers";
}

void add_static_zone(support::SnapshotMaker& maker, routing::EndpointId endpoint) {
  zones::ZoneSpec spec = support::example_zone();
  spec.apex = support::name("static.test");
  spec.nameservers = {{support::name("ns1.static.test"), {support::ip("192.0.2.53")}},
                      {support::name("ns.outside.example"), {}}};
  auto file = std::make_shared<zones::MasterFile>(zones::read_master_file(
      folder() / "static.test.zone", spec.apex, std::chrono::seconds{3600}));
  for (const zones::MasterFileError& error : file->errors) ADD_FAILURE() << error.to_string();
  spec.file = std::move(file);
  EXPECT_TRUE(zones::check_zone(spec, {}).empty());
  maker.add_zone(std::move(spec));
  maker.profile("vpn.profile.static.test", Method::kPriority, {{endpoint, 1, 1}});
}

std::shared_ptr<const zones::Snapshot> make_snapshot() {
  support::SnapshotMaker maker;
  const auto london = maker.endpoint("london", {"203.0.113.10"});
  const auto paris = maker.endpoint("paris", {"203.0.113.20", "2001:db8:2::10"});
  const auto twin = maker.endpoint("twin", {"203.0.113.40", "203.0.113.41"});
  const auto down = maker.endpoint("down", {"203.0.113.90"}, EndpointStatus::kDegraded);
  std::vector<std::string> addresses;
  for (int i = 1; i <= 64; ++i) addresses.push_back("198.51.100." + std::to_string(i));
  const auto fat = maker.endpoint("fat", addresses);

  maker.profile("priority.gslb.example.com", Method::kPriority, {{london, 1, 1}, {paris, 1, 2}});
  maker.profile("many.gslb.example.com", Method::kWeighted, {{twin, 1, 1}});
  maker.profile("vpn.deep.gslb.example.com", Method::kPriority, {{london, 1, 1}});
  maker.profile("disabled.gslb.example.com", Method::kPriority, {{london, 1, 1}}).enabled = false;
  maker.profile("serve-all.gslb.example.com", Method::kPriority, {{down, 1, 1}});
  maker.profile("nodata.gslb.example.com", Method::kPriority, {{down, 1, 1}}).when_all_down =
      routing::AllDown::kNoData;
  maker.profile("servfail.gslb.example.com", Method::kPriority, {{down, 1, 1}}).when_all_down =
      routing::AllDown::kServFail;
  maker.profile("fat.gslb.example.com", Method::kPriority, {{fat, 1, 1}});
  maker.profile("web.other.test", Method::kPriority, {{london, 1, 1}});
  maker.profile("sub.other.test", Method::kPriority, {{london, 1, 1}});

  zones::ZoneSpec other = support::example_zone();
  other.apex = support::name("other.test");
  other.nameservers = {{support::name("ns1.other.test"), {support::ip("192.0.2.53")}}};
  maker.add_zone(other);
  other.apex = support::name("sub.other.test");
  other.nameservers = {{support::name("ns1.other.test"), {}}};
  maker.add_zone(other);
  zones::ZoneSpec big = support::example_zone();
  big.apex = support::name("big.test");
  big.nameservers.clear();
  for (char c = 'a'; c <= 'h'; ++c) {
    big.nameservers.push_back(
        {support::name(std::string(1, c) + "23456789012345678901234567890.big.test"),
         {support::ip("192.0.2.53"), support::ip("2001:db8::53")}});
  }
  maker.add_zone(big);
  add_static_zone(maker, london);
  maker.clients().cookie_keys = std::make_shared<const CookieKeys>(SipHashKey{1, 2});
  return maker.snapshot("ns1-test");
}

std::uint16_t type_number(const std::string& text) {
  static const std::map<std::string, std::uint16_t> kNumbers = {
      {"A", 1},      {"NS", 2},      {"CNAME", 5}, {"SOA", 6}, {"CNAME", 5},
      {"MX", 15},    {"TXT", 16},    {"AAAA", 28}, {"DS", 43}, {"IXFR", 251},
      {"AXFR", 252}, {"MAILA", 254}, {"ANY", 255}};
  if (text.rfind("TYPE", 0) == 0) return static_cast<std::uint16_t>(std::stoul(text.substr(4)));
  return kNumbers.at(text);
}

void append_hex(std::vector<std::uint8_t>& bytes, const std::string& hex) {
  for (std::size_t at = 0; at + 2 <= hex.size(); at += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
  }
}

/// Octets at the end of OPT, which is the end of the message.
void append_to_opt(std::vector<std::uint8_t>& message, std::span<const std::uint8_t> octets) {
  std::uint8_t* rdlength = &message[message.size() - 2];
  store_u16(rdlength, static_cast<std::uint16_t>(octets.size()));
  message.insert(message.end(), octets.begin(), octets.end());
}

struct BuiltQuery {
  std::vector<std::uint8_t> bytes;
  Transport transport = Transport::kUdp;
};

BuiltQuery build_query(const std::string& text) {
  std::istringstream words(text);
  std::string owner, type;
  words >> owner >> type;
  std::map<std::string, std::string> options;
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    options[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
  }

  const auto number = [&](const std::string& key) {
    return options.count(key) ? static_cast<std::uint16_t>(std::stoul(options[key]))
                              : std::uint16_t{0};
  };
  BuiltQuery query;
  query.bytes = support::make_query(owner, type_number(type), number("edns"));
  query.transport = options.count("tcp") ? Transport::kTcp : Transport::kUdp;
  std::uint16_t flags = static_cast<std::uint16_t>(number("opcode") << 11);
  if (options.count("rd")) flags |= 0x0100;
  if (options.count("ad")) flags |= 0x0020;
  if (options.count("cd")) flags |= 0x0010;
  store_u16(&query.bytes[2], flags);
  const std::size_t question_end = kHeaderSize + support::name(owner).length() + 4;
  if (options["class"] == "CH") store_u16(&query.bytes[question_end - 2], 3);
  if (options["class"] == "HS") store_u16(&query.bytes[question_end - 2], 4);
  if (options.count("version")) {
    query.bytes[question_end + 6] = static_cast<std::uint8_t>(number("version"));
  }
  if (options.count("do")) query.bytes[question_end + 7] |= 0x80;
  if (options.count("option")) {
    const std::string& option = options["option"];
    const std::size_t colon = option.find(':');
    std::vector<std::uint8_t> octets(4);
    append_hex(octets, option.substr(colon + 1));
    store_u16(&octets[0], static_cast<std::uint16_t>(std::stoul(option.substr(0, colon))));
    store_u16(&octets[2], static_cast<std::uint16_t>(octets.size() - 4));
    append_to_opt(query.bytes, octets);
  }
  if (options.count("tail")) {
    std::vector<std::uint8_t> octets;
    append_hex(octets, options["tail"]);
    append_to_opt(query.bytes, octets);
  }
  const auto question_begin = query.bytes.begin() + kHeaderSize;
  const std::vector<std::uint8_t> question(
      question_begin, query.bytes.begin() + static_cast<std::ptrdiff_t>(question_end));
  if (options.count("bare")) {
    query.bytes.erase(question_begin, question_begin + std::ssize(question));
    store_u16(&query.bytes[4], 0);
  }
  if (options.count("twice")) {
    query.bytes.insert(question_begin, question.begin(), question.end());
    store_u16(&query.bytes[4], 2);
  }
  if (options.count("qdcount")) store_u16(&query.bytes[4], number("qdcount"));
  if (options.count("arcount")) store_u16(&query.bytes[10], number("arcount"));
  append_hex(query.bytes, options["behind"]);
  return query;
}

std::string head_of(const Message& message) {
  std::string head = message.rcode;
  const std::pair<bool, const char*> flags[] = {{message.aa, " aa"},
                                                {message.tc, " tc"},
                                                {message.rd, " rd"},
                                                {message.ra, " ra"},
                                                {message.ad, " ad"},
                                                {message.cd, " cd"},
                                                {message.question_count == 0, " no-question"},
                                                {message.has_edns, " edns"},
                                                {message.dnssec_ok, " do"}};
  for (const auto& [set, text] : flags) {
    if (set) head += text;
  }
  return head;
}

std::string options_of(const Message& message) {
  std::string text;
  const std::vector<std::uint8_t>& options = message.edns_options;
  for (std::size_t at = 0; at + 4 <= options.size();) {
    const std::uint16_t size = load_u16(&options[at + 2]);
    if (!text.empty()) text += ' ';
    text += std::to_string(load_u16(&options[at])) + ':' + std::to_string(size);
    at += std::size_t{4} + size;
  }
  return text;
}

void run_case(const zones::Snapshot& snapshot, const Case& expected) {
  SCOPED_TRACE(expected.title + ": " + expected.query);
  const BuiltQuery query = build_query(expected.query);
  std::vector<std::uint8_t> out(kMaxMessageSize);
  Scratch scratch(1);
  out.resize(
      answer(snapshot, {support::ip("192.0.2.1"), query.transport}, query.bytes, out, scratch));
  const auto message = support::parse_message(out);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, 0x1234);
  EXPECT_TRUE(message->qr);
  EXPECT_LE(message->question_count, 1U);
  EXPECT_EQ(head_of(*message), expected.head);
  EXPECT_EQ(message->answer, expected.answer);
  EXPECT_EQ(message->authority, expected.authority);
  EXPECT_EQ(message->additional, expected.additional);
  EXPECT_LE(out.size(), expected.size);
  if (message->rcode == "FORMERR" || message->rcode == "NOTIMP") {
    EXPECT_LE(out.size(), query.bytes.size());
  }
  if (expected.options) {
    EXPECT_EQ(options_of(*message), *expected.options);
  }
  if (message->has_edns) {
    EXPECT_EQ(message->udp_size, 1232);
    EXPECT_EQ(message->edns_version, 0);
  }
}

TEST(Conformance, EveryCaseIsAnsweredAsExpected) {
  const auto snapshot = make_snapshot();
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() != ".txt") continue;
    for (const Case& expected : read_cases(entry.path())) {
      run_case(*snapshot, expected);
      ++count;
    }
  }
  EXPECT_GE(count, 100U) << "the cases were not found";
}

}  // namespace
}  // namespace gslb::dns

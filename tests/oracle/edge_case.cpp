#include "tests/oracle/edge_case.h"

#include <cctype>
#include <map>
#include <optional>

#include "dns/name.h"
#include "dns/wire.h"

namespace gslb::oracle {
namespace {

using support::Bytes;
using Way = EdgeCase::Way;

/// Long enough for an answer on the loopback; where none comes, all of it is waited for.
constexpr std::chrono::milliseconds kFirst{400}, kNext{100};

// ---- Making queries ---------------------------------------------------------------------------

void put_u16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

Bytes wire(const std::string& text) {
  const auto name = dns::parse_name(text);
  return Bytes(name->wire().begin(), name->wire().end());
}

constexpr unsigned kA = 1, kNs = 2, kSoa = 6, kTxt = 16, kAaaa = 28, kDs = 43, kAny = 255;

Bytes option(unsigned code, const Bytes& data) {
  Bytes out;
  put_u16(out, code);
  put_u16(out, static_cast<unsigned>(data.size()));
  append(out, data);
  return out;
}

Bytes octets(std::size_t count) { return Bytes(count, 0x11); }

/// A message piece by piece, every piece of which may be wrong.
class Make {
 public:
  Make& id(unsigned value) { return id_ = value, *this; }
  Make& flags(unsigned value) { return flags_ = value, *this; }
  Make& opcode(unsigned value) { return flags_ = value << 11, *this; }
  Make& qdcount(unsigned value) { return qdcount_ = value, *this; }
  Make& ancount(unsigned value) { return ancount_ = value, *this; }
  Make& nscount(unsigned value) { return nscount_ = value, *this; }
  Make& arcount(unsigned value) { return arcount_ = value, *this; }
  Make& no_question() { return body_.clear(), qdcount_ = 0, *this; }

  Make& question(const std::string& name, unsigned type, unsigned klass = 1) {
    return question_wire(wire(name), type, klass);
  }
  Make& question_wire(const Bytes& name, unsigned type, unsigned klass = 1) {
    append(body_, name);
    put_u16(body_, type);
    put_u16(body_, klass);
    ++qdcount_;
    return *this;
  }
  Make& octets_behind(const Bytes& data) { return append(body_, data), *this; }

  /// An OPT record in the additional section. `ttl_low` holds DO and Z.
  Make& opt(const Bytes& options = {}, unsigned size = 1232, unsigned version = 0,
            unsigned ttl_low = 0, unsigned extended_rcode = 0) {
    ++arcount_;
    return opt_record({0}, options, size, version, ttl_low, extended_rcode);
  }
  Make& opt_record(const Bytes& owner, const Bytes& options, unsigned size = 1232,
                   unsigned version = 0, unsigned ttl_low = 0, unsigned extended_rcode = 0) {
    append(body_, owner);
    put_u16(body_, dns::type::kOpt);
    put_u16(body_, size);
    put_u16(body_, extended_rcode << 8 | version);
    put_u16(body_, ttl_low);
    put_u16(body_, static_cast<unsigned>(options.size()));
    append(body_, options);
    return *this;
  }
  Make& record(const std::string& owner, unsigned type, unsigned klass, const Bytes& rdata) {
    append(body_, wire(owner));
    put_u16(body_, type);
    put_u16(body_, klass);
    put_u16(body_, 0);
    put_u16(body_, 0);
    put_u16(body_, static_cast<unsigned>(rdata.size()));
    append(body_, rdata);
    return *this;
  }

  Bytes bytes() const {
    Bytes out;
    for (const unsigned word : {id_, flags_, qdcount_, ancount_, nscount_, arcount_}) {
      put_u16(out, word);
    }
    append(out, body_);
    return out;
  }
  operator Bytes() const { return bytes(); }  // NOLINT(google-explicit-constructor): for the list

 private:
  unsigned id_ = 0x1234, flags_ = 0, qdcount_ = 0, ancount_ = 0, nscount_ = 0, arcount_ = 0;
  Bytes body_;
};

Make www() { return Make().question("www.edge.test", kA); }
Make ask_for(const std::string& name, unsigned type, unsigned klass = 1) {
  return Make().question(name, type, klass);
}
Make with_option(unsigned code, const Bytes& data) { return www().opt(option(code, data)); }

Bytes first_octets(const Bytes& message, std::size_t count) {
  return Bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(count));
}

Bytes joined(const Bytes& first, const Bytes& second) {
  Bytes out = first;
  append(out, second);
  return out;
}

/// A name of `size` octets below edge.test, 255 being the most that RFC 1035 §2.3.4 allows.
Bytes name_of_size(std::size_t size) {
  const Bytes apex = wire("edge.test");
  Bytes out;
  for (std::size_t left = size - apex.size(); left > 0;) {
    const std::size_t label = std::min<std::size_t>(left, 64);
    out.push_back(static_cast<std::uint8_t>(label - 1));
    append(out, Bytes(label - 1, 'a'));
    left -= label;
  }
  append(out, apex);
  return out;
}

/// A TSIG record (RFC 8945 §4.2) with a key that no server knows.
Make with_tsig() {
  Bytes rdata = wire("hmac-sha256");
  for (const unsigned word : {0U, 0x6000U, 0U, 300U, 32U}) put_u16(rdata, word);
  append(rdata, octets(32));
  for (const unsigned word : {0x1234U, 0U, 0U}) put_u16(rdata, word);
  return www().record("key.edge.test", 250, 255, rdata).arcount(1);
}

std::vector<EdgeCase> make_cases() {
  constexpr unsigned kNsid = 3, kEcs = 8, kExpire = 9, kCookie = 10, kKeepalive = 11, kPadding = 12,
                     kChain = 13, kKeyTag = 14, kEde = 15;
  const Bytes ecs{0, 1, 24, 0, 192, 0, 2};
  const Bytes first = www().id(1).bytes(), second = ask_for("alias.edge.test", kA).id(2).bytes();
  Bytes compressed_qname{3, 'w', 'w', 'w', 0xC0, 0x0C};
  return {
#include "tests/oracle/edge_cases.inc"
  };
}

// ---- Reading responses ------------------------------------------------------------------------

std::string name_of(const std::map<unsigned, const char*>& names, unsigned number,
                    const char* otherwise) {
  const auto found = names.find(number);
  return found != names.end() ? found->second : otherwise + std::to_string(number);
}

std::string describe_option(unsigned code, const Bytes& data) {
  static const std::map<unsigned, const char*> kNames = {
      {3, "nsid"},       {8, "ecs"},      {9, "expire"}, {10, "cookie"},
      {11, "keepalive"}, {12, "padding"}, {15, "ede"}};
  std::string text = name_of(kNames, code, "option");
  if (code == dns::edns_option::kClientSubnet && data.size() >= 4) {
    text += ":/" + std::to_string(data[2]) + "/" + std::to_string(data[3]);
  } else if (code == dns::edns_option::kExtendedError && data.size() >= 2) {
    text += ":" + std::to_string(dns::load_u16(data.data()));
  } else if (code == dns::edns_option::kCookie || code == dns::edns_option::kPadding) {
    text += ":" + std::to_string(data.size());
  }
  return text;
}

/// Walks over names and records without looking into them.
class Walk {
 public:
  Walk(const Bytes& message, std::size_t at) : message_(message), at_(at) {}

  bool skip_name() {
    while (at_ < message_.size()) {
      const std::uint8_t length = message_[at_];
      if (length >= 0xC0) return skip(2);
      if (!skip(std::size_t{length} + 1)) return false;
      if (length == 0) return true;
    }
    return false;
  }
  bool skip(std::size_t count) { return (at_ += count) <= message_.size(); }
  bool has(std::size_t count) const { return at_ + count <= message_.size(); }
  bool at_end() const { return at_ == message_.size(); }
  const std::uint8_t* here() const { return message_.data() + at_; }

 private:
  const Bytes& message_;
  std::size_t at_;
};

std::string describe_options(const std::uint8_t* at, std::size_t size) {
  std::string text;
  const Bytes options(at, at + size);
  for (std::size_t i = 0; i + 4 <= size;) {
    const std::size_t length = dns::load_u16(&options[i + 2]);
    if (i + 4 + length > size) return text + " broken";
    const auto data = options.begin() + static_cast<std::ptrdiff_t>(i + 4);
    text += " " + describe_option(dns::load_u16(&options[i]),
                                  Bytes(data, data + static_cast<std::ptrdiff_t>(length)));
    i += 4 + length;
  }
  return text;
}

struct Opt {
  unsigned extended_rcode = 0;
  std::string text;
};

/// The OPT record, or nothing in it where there is none; no value where the message is broken.
std::optional<Opt> find_opt(const Bytes& message) {
  Opt opt;
  Walk walk(message, dns::kHeaderSize);
  for (unsigned i = dns::load_u16(&message[4]); i > 0; --i) {
    if (!walk.skip_name() || !walk.skip(4)) return std::nullopt;
  }
  const unsigned records =
      dns::load_u16(&message[6]) + 0U + dns::load_u16(&message[8]) + dns::load_u16(&message[10]);
  for (unsigned i = 0; i < records; ++i) {
    if (!walk.skip_name() || !walk.has(10)) return std::nullopt;
    const std::uint8_t* fixed = walk.here();
    const std::size_t size = dns::load_u16(fixed + 8);
    if (!walk.skip(10 + size)) return std::nullopt;
    if (dns::load_u16(fixed) != dns::type::kOpt) continue;
    opt.extended_rcode = fixed[4];
    opt.text = " E" + std::to_string(fixed[5]) + " " + std::to_string(dns::load_u16(fixed + 2)) +
               ((fixed[6] & 0x80) != 0 ? " do" : "") + describe_options(fixed + 10, size);
  }
  return walk.at_end() ? std::optional(opt) : std::nullopt;
}

std::string joined_answers(const std::vector<Bytes>& answers) {
  std::string text;
  for (const Bytes& answer : answers) text += (text.empty() ? "" : " + ") + describe(answer);
  return text.empty() ? "no answer" : text;
}

std::string ask_over_tcp(const base::SocketAddress& server, const EdgeCase& edge_case) {
  support::TcpClient client(server);
  const bool raw = edge_case.way == Way::kTcpRaw;
  if (raw) {
    client.send_raw(edge_case.message);
  } else {
    client.send(edge_case.message);
  }
  std::vector<Bytes> answers;
  for (auto wait = kFirst; auto answer = client.receive(wait); wait = kNext) {
    answers.push_back(std::move(*answer));
    if (!raw) break;
  }
  return joined_answers(answers);
}

}  // namespace

const std::vector<EdgeCase>& edge_cases() {
  static const std::vector<EdgeCase> kCases = make_cases();
  return kCases;
}

std::string describe(const Bytes& response) {
  static const std::map<unsigned, const char*> kRcodes = {
      {0, "NOERROR"}, {1, "FORMERR"},  {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {4, "NOTIMP"},
      {5, "REFUSED"}, {6, "YXDOMAIN"}, {9, "NOTAUTH"},  {16, "BADVERS"}, {23, "BADCOOKIE"}};
  if (response.size() < dns::kHeaderSize) return "short";
  const auto opt = find_opt(response);
  if (!opt) return "unreadable";
  const unsigned flags = dns::load_u16(&response[2]);
  std::string text = name_of(kRcodes, (flags & 0xF) | opt->extended_rcode << 4, "rcode");
  const std::pair<unsigned, const char*> kFlags[] = {{0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"},
                                                     {0x0080, "ra"}, {0x0040, "z"},  {0x0020, "ad"},
                                                     {0x0010, "cd"}};
  if ((flags & 0x8000) == 0) text += " NO-QR";
  for (const auto& [bit, name] : kFlags) {
    if ((flags & bit) != 0) text += std::string(" ") + name;
  }
  text += " ";
  for (std::size_t i = 4; i < 12; i += 2) {
    text += std::to_string(dns::load_u16(&response[i])) + (i < 10 ? "/" : "");
  }
  return text + opt->text;
}

std::string ask(const base::SocketAddress& server, const EdgeCase& edge_case) {
  if (edge_case.way != Way::kUdp) return ask_over_tcp(server, edge_case);
  support::UdpClient client(server);
  const auto answer = client.ask(edge_case.message, kFirst);
  return joined_answers(answer ? std::vector<Bytes>{*answer} : std::vector<Bytes>{});
}

}  // namespace gslb::oracle

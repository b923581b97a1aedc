#include "tests/oracle/question.h"

#include <algorithm>
#include <array>

#include "dns/name.h"

namespace gslb::oracle {
namespace {

void put_u16(Bytes& message, unsigned value) {
  message.push_back(static_cast<std::uint8_t>(value >> 8));
  message.push_back(static_cast<std::uint8_t>(value));
}

Bytes parent(const Bytes& name) {
  if (name[0] == 0) return name;
  return Bytes(name.begin() + 1 + name[0], name.end());
}

Bytes wire(const std::string& text) {
  const auto name = dns::parse_name(text);
  return Bytes(name->wire().begin(), name->wire().end());
}

}  // namespace

std::size_t Question::udp_limit() const {
  if (!edns_size) return dns::kPlainUdpSize;
  return std::clamp<std::size_t>(*edns_size, dns::kPlainUdpSize, dns::kEdnsUdpSize);
}

Bytes Question::question_section() const {
  Bytes section = name;
  put_u16(section, type);
  put_u16(section, klass);
  return section;
}

Bytes Question::message() const {
  Bytes message;
  for (const unsigned word : {unsigned{id}, unsigned{flags}, 1U, 0U, 0U, edns_size ? 1U : 0U}) {
    put_u16(message, word);
  }
  const Bytes section = question_section();
  message.insert(message.end(), section.begin(), section.end());
  if (!edns_size) return message;
  message.push_back(0);
  put_u16(message, dns::type::kOpt);
  put_u16(message, *edns_size);
  put_u16(message, 0);
  put_u16(message, dnssec_ok ? 0x8000 : 0);
  put_u16(message, 0);
  return message;
}

std::string Question::to_string() const {
  std::string text = dns::Name::from_wire(name).to_string() + " TYPE" + std::to_string(type) +
                     " CLASS" + std::to_string(klass);
  if (edns_size) text += " edns " + std::to_string(*edns_size);
  if (dnssec_ok) text += " do";
  if (over_tcp) text += " tcp";
  return text;
}

Question QuestionMaker::make() {
  static constexpr auto kSizes =
      std::to_array<std::uint16_t>({0, 256, 511, 512, 513, 700, 1000, 1232, 1400, 4096, 65535});
  static constexpr auto kClasses = std::to_array<std::uint16_t>({3, 4, 254, 255, 2, 0, 65280});
  Question question;
  question.name = in_random_case(make_name());
  question.type = make_type();
  if (one_in(100)) question.klass = pick(kClasses);
  question.id = static_cast<std::uint16_t>(below(65536));
  if (one_in(2)) question.flags |= dns::flag::kRd;
  if (one_in(10)) question.flags |= dns::flag::kCd;
  if (one_in(10)) question.flags |= 0x0020;  // AD
  if (one_in(2)) {
    question.edns_size = pick(kSizes);
    question.dnssec_ok = one_in(2);
  }
  question.over_tcp = one_in(20);
  return question;
}

unsigned QuestionMaker::below(unsigned limit) {
  return std::uniform_int_distribution<unsigned>(0, limit - 1)(rng_);
}

std::uint16_t QuestionMaker::make_type() {
  static constexpr auto kCommon =
      std::to_array<std::uint16_t>({1, 28, 5, 2, 6, 15, 16, 39, 43, 33, 64, 65});
  static constexpr auto kOthers = std::to_array<std::uint16_t>(
      {0,   12, 13, 14, 17, 18,  29,  35,  36,    37,    41,    44,    46,    47,   48,  49,  50,
       51,  52, 59, 60, 61, 99,  108, 109, 249,   250,   251,   252,   253,   254,  255, 256, 257,
       258, 3,  4,  10, 11, 128, 200, 248, 65280, 65281, 65535, 32768, 32769, 1234, 62});
  if (one_in(40)) return dns::type::kAny;
  if (one_in(50)) return static_cast<std::uint16_t>(below(65536));
  return one_in(4) ? pick(kOthers) : pick(kCommon);
}

Bytes QuestionMaker::make_name() {
  Bytes name = pick(names_);
  switch (below(10)) {
    case 0:  // Ancestors, up to the root.
      for (unsigned up = 1 + below(3); up > 0; --up) name = parent(name);
      return name;
    case 1:
    case 2:  // Descendants.
      for (unsigned down = 1 + below(3); down > 0; --down) name = child(name);
      return name;
    case 3:  // Siblings, and what lies below them.
      name = child(parent(name));
      return one_in(2) ? child(name) : name;
    case 4:
      return mutate(name);
    case 5:
      return one_in(4) ? outside(name) : mutate(child(name));
    default:
      return name;
  }
}

Bytes QuestionMaker::child(const Bytes& name) {
  static const std::vector<std::string> kLabels = {"x",    "www", "*",     "a",     "host",
                                                   "wild", "any", "exact", "ns",    "child",
                                                   "old",  "b",   "inner", "plain", "sub"};
  std::string label = pick(kLabels);
  if (one_in(10)) label = std::string(1 + below(63), static_cast<char>(below(256)));
  if (name.size() + 1 + label.size() > dns::kMaxNameLength) return name;
  Bytes made(1 + label.size());
  made[0] = static_cast<std::uint8_t>(label.size());
  std::copy(label.begin(), label.end(), made.begin() + 1);
  made.insert(made.end(), name.begin(), name.end());
  return made;
}

/// Another octet somewhere in a label, a label one octet shorter, or two labels as one.
Bytes QuestionMaker::mutate(Bytes name) {
  if (name[0] == 0) return name;
  std::vector<std::size_t> labels;
  for (std::size_t at = 0; name[at] != 0; at += 1U + name[at]) labels.push_back(at);
  const std::size_t at = pick(labels);
  const std::uint8_t length = name[at];
  switch (below(3)) {
    case 0:
      name[at + 1 + below(length)] = static_cast<std::uint8_t>(below(256));
      return name;
    case 1:
      if (length < 2) return name;
      name[at]--;
      name.erase(name.begin() + static_cast<std::ptrdiff_t>(at) + 1);
      return name;
    default: {
      const std::size_t next = at + 1 + length;
      if (name[next] == 0 || length + 1 + name[next] > 63) return name;
      name[at] = static_cast<std::uint8_t>(length + 1 + name[next]);
      name[next] = '.';
      return name;
    }
  }
}

/// Out of the zone: other names, the apex with a longer first or another last label, and the name
/// under another top.
Bytes QuestionMaker::outside(Bytes name) {
  const Bytes& apex = names_.front();
  switch (below(4)) {
    case 0:
      return wire(one_in(2) ? "example" : "www.example.net");
    case 1: {
      Bytes longer = apex;
      longer[0]++;
      longer.insert(longer.begin() + 1, 'x');
      return longer;
    }
    case 2: {
      Bytes shifted(apex.begin(), apex.end() - 1);
      const Bytes top = wire("example");
      shifted.insert(shifted.end(), top.begin(), top.end());
      return shifted;
    }
    default:
      if (name.size() > 1) name[name.size() - 2] = 'x';
      return name;
  }
}

Bytes QuestionMaker::in_random_case(Bytes name) {
  if (one_in(2)) return name;
  for (std::size_t at = 0; name[at] != 0; at += 1U + name[at]) {
    for (std::size_t i = at + 1; i <= at + name[at]; ++i) {
      const std::uint8_t lower = name[i] | 0x20;
      if (lower >= 'a' && lower <= 'z' && one_in(2)) name[i] ^= 0x20;
    }
  }
  return name;
}

}  // namespace gslb::oracle

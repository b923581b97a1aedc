// Domain names as administrators write them: what parses is a valid wire name and survives being
// written and parsed again, and so does every valid wire name.

#include <algorithm>
#include <array>
#include <string>

#include "dns/name.h"
#include "tests/fuzz/fuzz.h"

namespace gslb {
namespace {

using dns::Name;
using fuzz::require;

void check_wire(const Name& name) {
  const auto wire = name.wire();
  require(!wire.empty() && wire.size() <= dns::kMaxNameLength, "a name has 1 ... 255 octets");
  std::size_t at = 0;
  while (at < wire.size() && wire[at] != 0) {
    require(wire[at] <= dns::kMaxLabelLength, "a label has at most 63 octets");
    at += std::size_t{wire[at]} + 1;
  }
  require(at + 1 == wire.size(), "a name ends with its root label");
}

void check_round_trip(const Name& name) {
  const std::string text = name.to_string();
  require(std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; }),
          "a name is printed in ASCII without blanks");
  const auto again = dns::parse_name(text);
  require(again.has_value(), "what to_string wrote parses");
  require(std::ranges::equal(again->wire(), name.wire()), "and is the same name, octet for octet");
  require(*again == name && name == name.lower(), "a name equals itself and its lower case");
  require(name.is_at_or_below(name.parent()) && name.is_at_or_below(Name()),
          "a name is below its parent and the root");
}

void check_parsed(const tl::expected<Name, std::string>& name) {
  if (!name) return require(!name.error().empty(), "an error says what is wrong");
  check_wire(*name);
  check_round_trip(*name);
}

/// The local part becomes the first label, unchanged (RFC 1035 §8).
void check_mailbox(std::string_view text) {
  const auto name = dns::parse_mailbox(text);
  check_parsed(name);
  if (!name) return;
  const std::string_view local = text.substr(0, text.rfind('@'));
  const auto wire = name->wire();
  require(wire[0] == local.size() &&
              std::equal(local.begin(), local.end(), wire.begin() + 1,
                         [](char c, std::uint8_t octet) { return octet == std::uint8_t(c); }),
          "the local part of a mailbox is the first label");
}

/// A valid wire name out of any octets.
Name name_from(fuzz::Input input) {
  std::array<std::uint8_t, dns::kMaxNameLength> wire;
  std::size_t size = 0;
  while (!input.rest().empty()) {
    const std::size_t room = wire.size() - 1 - size;
    if (room < 2) break;
    const std::size_t length = std::min({1 + std::size_t{input.octet()} % dns::kMaxLabelLength,
                                         room - 1, std::max<std::size_t>(1, input.rest().size())});
    wire[size++] = static_cast<std::uint8_t>(length);
    for (std::size_t i = 0; i < length; ++i) wire[size++] = input.octet();
  }
  wire[size++] = 0;
  return Name::from_wire({wire.data(), size});
}

}  // namespace
}  // namespace gslb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  const fuzz::Input input(data, size);
  check_parsed(dns::parse_name(input.text()));
  check_mailbox(input.text());
  const dns::Name name = name_from(input);
  check_wire(name);
  check_round_trip(name);
  return 0;
}

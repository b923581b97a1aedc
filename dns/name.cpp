#include "dns/name.h"

#include <algorithm>
#include <cctype>

namespace gslb::dns {
namespace {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Lengths are at most 63 and so never mistaken for letters: whole wire names compare octet by
/// octet.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

tl::unexpected<std::string> fail(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

/// Reads the octet that a backslash at `text[at]` stands for, and moves `at` past the escape.
tl::expected<char, std::string> parse_escape(std::string_view text, std::size_t& at) {
  if (at + 1 >= text.size()) return fail("ends in a lone backslash");
  if (!is_digit(text[at + 1])) {
    const char octet = text[at + 1];
    at += 2;
    return octet;
  }
  if (at + 3 >= text.size() || !is_digit(text[at + 2]) || !is_digit(text[at + 3])) {
    return fail("a backslash and a digit must be followed by two more digits");
  }
  const int value = (text[at + 1] - '0') * 100 + (text[at + 2] - '0') * 10 + (text[at + 3] - '0');
  if (value > 255) return fail("an escape \\DDD is at most \\255");
  at += 4;
  return static_cast<char>(value);
}

}  // namespace

Name Name::from_wire(std::span<const std::uint8_t> wire) {
  Name name;
  name.wire_.assign(wire.begin(), wire.end());
  return name;
}

Name Name::parent() const {
  if (is_root()) return *this;
  Name result;
  result.wire_ = wire_.substr(1 + static_cast<std::uint8_t>(wire_[0]));
  return result;
}

Name Name::lower() const {
  Name result = *this;
  std::transform(result.wire_.begin(), result.wire_.end(), result.wire_.begin(), to_lower);
  return result;
}

bool Name::is_at_or_below(const Name& ancestor) const {
  Name at = *this;
  while (at.length() > ancestor.length()) at = at.parent();
  return at == ancestor;
}

std::string Name::to_string() const {
  if (is_root()) return ".";
  std::string text;
  for (std::size_t at = 0; wire_[at] != '\0';) {
    const std::size_t length = static_cast<std::uint8_t>(wire_[at]);
    if (at != 0) text += '.';
    for (const char c : std::string_view(wire_).substr(at + 1, length)) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet <= ' ' || octet >= 127) {
        text += '\\';
        text += static_cast<char>('0' + octet / 100);
        text += static_cast<char>('0' + octet / 10 % 10);
        text += static_cast<char>('0' + octet % 10);
      } else {
        if (std::string_view(".\\\"();@$").find(c) != std::string_view::npos) text += '\\';
        text += c;
      }
    }
    at += 1 + length;
  }
  return text;
}

bool operator==(const Name& a, const Name& b) noexcept {
  return equal_ignoring_case(a.wire_, b.wire_);
}

tl::expected<Name, std::string> parse_name(std::string_view text) {
  if (text.empty()) return fail("a name is empty");
  if (text == ".") return Name();

  std::string wire;
  std::string label;
  const auto end_label = [&]() -> tl::expected<void, std::string> {
    if (label.empty()) return fail("has an empty label");
    if (label.size() > kMaxLabelLength) return fail("has a label of more than 63 octets");
    wire += static_cast<char>(label.size());
    wire += label;
    label.clear();
    return {};
  };

  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '.') {
      if (auto ended = end_label(); !ended) return fail(ended.error());
      ++at;
    } else if (c == '\\') {
      const auto octet = parse_escape(text, at);
      if (!octet) return fail(octet.error());
      label += *octet;
    } else if (c == ' ' || std::iscntrl(static_cast<unsigned char>(c))) {
      return fail("has a blank or control character");
    } else {
      label += c;
      ++at;
    }
  }
  if (!label.empty()) {
    if (auto ended = end_label(); !ended) return fail(ended.error());
  }
  wire += '\0';
  if (wire.size() > kMaxNameLength) return fail("is longer than 255 octets");
  return Name::from_wire({reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()});
}

tl::expected<Name, std::string> parse_mailbox(std::string_view text) {
  const std::size_t at_sign = text.rfind('@');
  if (at_sign == std::string_view::npos) return fail("is not a mail address with an '@'");
  const std::string_view local = text.substr(0, at_sign);
  const std::string_view domain = text.substr(at_sign + 1);
  if (local.empty()) return fail("has nothing before the '@'");
  if (domain.empty()) return fail("has nothing after the '@'");

  std::string name;
  for (const char c : local) {
    if (c == '.' || c == '\\') name += '\\';
    name += c;
  }
  name += '.';
  name += domain;
  return parse_name(name);
}

}  // namespace gslb::dns

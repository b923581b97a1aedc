#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace gslb::dns {

inline constexpr std::size_t kMaxNameLength =
    255;  ///< RFC 1035 §3.1, wire octets with the root label.
inline constexpr std::size_t kMaxLabelLength = 63;

/// An absolute domain name in uncompressed wire form (RFC 1035 §3.1), for the control plane. The
/// case is kept; comparison ignores it (RFC 4343). Never longer than kMaxNameLength.
/// Immutable, so safe to read from any thread.
class Name {
 public:
  /// The root.
  Name() : wire_(1, '\0') {}

  /// Trusts `wire` to be a valid uncompressed name.
  static Name from_wire(std::span<const std::uint8_t> wire);

  std::span<const std::uint8_t> wire() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(wire_.data()), wire_.size()};
  }
  std::size_t length() const noexcept { return wire_.size(); }
  bool is_root() const noexcept { return wire_.size() == 1; }
  /// True where the first label is "*" (RFC 4592 §2.1.1).
  bool is_wildcard() const noexcept { return wire_[0] == 1 && wire_[1] == '*'; }

  /// The name without its first label; the root's parent is the root.
  Name parent() const;

  /// The same name in lower case (RFC 4034 §6.2), the form that hash tables are keyed by.
  Name lower() const;

  /// True for `ancestor` itself and for all below it.
  bool is_at_or_below(const Name& ancestor) const;

  /// Presentation form without the final dot; "." for the root.
  std::string to_string() const;

  friend bool operator==(const Name& a, const Name& b) noexcept;

 private:
  std::string wire_;
};

/// Presentation form (RFC 1035 §5.1, escapes \X and \DDD), with or without the final dot; always
/// taken as absolute. The error says what is wrong with it.
tl::expected<Name, std::string> parse_name(std::string_view text);

/// A mail address as an SOA RNAME (RFC 1035 §8): "john.doe@example.com" → john\.doe.example.com.
tl::expected<Name, std::string> parse_mailbox(std::string_view text);

}  // namespace gslb::dns

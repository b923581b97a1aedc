#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gslb::base {

/// An IPv4 or IPv6 address as a plain value. It knows no scope ids and no prefixes. Immutable, so
/// safe to read from any thread.
class IpAddress {
 public:
  /// 0.0.0.0
  constexpr IpAddress() = default;

  static constexpr IpAddress v4(std::array<std::uint8_t, 4> bytes) noexcept {
    IpAddress address;
    for (std::size_t i = 0; i < bytes.size(); ++i) address.bytes_[i] = bytes[i];
    return address;
  }
  static constexpr IpAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
    IpAddress address;
    address.bytes_ = bytes;
    address.is_v6_ = true;
    return address;
  }

  constexpr bool is_v4() const noexcept { return !is_v6_; }
  constexpr bool is_v6() const noexcept { return is_v6_; }

  /// Network byte order: 4 bytes of an IPv4 address, 16 of an IPv6 address.
  std::span<const std::uint8_t> bytes() const noexcept {
    return {bytes_.data(), is_v6_ ? std::size_t{16} : std::size_t{4}};
  }

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool is_v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

/// In 127.0.0.0/8, or ::1 (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
bool is_loopback(const IpAddress& address) noexcept;

/// An address and a port, as a socket is bound to it.
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  friend constexpr auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

/// "192.0.2.1" or "2001:db8::1"; no brackets, no zone index, no leading or trailing blanks.
std::optional<IpAddress> parse_ip_address(std::string_view text);

/// "192.0.2.1:53" or "[2001:db8::1]:53"; the port is required, 0 … 65535.
std::optional<SocketAddress> parse_socket_address(std::string_view text);

/// The form of RFC 5952 for IPv6.
std::string to_string(const IpAddress& address);
std::string to_string(const SocketAddress& address);

}  // namespace gslb::base

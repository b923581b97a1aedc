#include "app/config_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "app/config_text.h"
#include "routing/region.h"

namespace gslb::app::loading {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxPathLength = 2048;
constexpr std::size_t kMaxHostLength = 253;
constexpr std::size_t kMaxHeaderNameLength = 128;
constexpr std::size_t kMaxHeaderValueLength = 1024;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

/// Far beyond every range, and far from overflow when it is multiplied by a unit.
constexpr std::int64_t kMaxDurationNumber = 1'000'000'000'000;

tl::unexpected<std::string> fail(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_control(char c) noexcept {
  const auto octet = static_cast<unsigned char>(c);
  return octet < ' ' || octet == 127;
}

constexpr bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 128; }

/// RFC 9110 §5.6.2.
constexpr bool is_token_character(char c) noexcept {
  return is_digit(c) || is_letter(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::optional<unsigned> parse_status_code(std::string_view text) {
  if (text.size() != 3 || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  unsigned code = 0;
  std::from_chars(text.data(), text.data() + text.size(), code);
  if (code < 100 || code > 599) return std::nullopt;
  return code;
}

/// What kind of address no host can have, or nothing.
std::optional<std::string_view> unusable_kind(const base::IpAddress& address) {
  const std::span<const std::uint8_t> bytes = address.bytes();
  const auto all_are = [&](std::uint8_t value, std::size_t first, std::size_t count) {
    const auto part = bytes.subspan(first, count);
    return std::all_of(part.begin(), part.end(), [&](std::uint8_t byte) { return byte == value; });
  };
  if (all_are(0, 0, bytes.size())) return "the unspecified address";
  if (address.is_v4()) {
    if (all_are(255, 0, 4)) return "the broadcast address";
    if (bytes[0] >= 224 && bytes[0] <= 239) return "a multicast address";
    return std::nullopt;
  }
  if (bytes[0] == 0xFF) return "a multicast address";
  // RFC 4291 §2.5.5.2
  if (all_are(0, 0, 10) && all_are(255, 10, 2)) return "an IPv4 address in IPv6 form";
  return std::nullopt;
}

bool has_wildcard_label(const dns::Name& name) {
  for (dns::Name at = name; !at.is_root(); at = at.parent()) {
    if (at.is_wildcard()) return true;
  }
  return false;
}

}  // namespace

Parsed<milliseconds> parse_duration(std::string_view text) {
  const auto first_letter = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = static_cast<std::size_t>(first_letter - text.begin());
  const std::string_view unit_name = text.substr(digits);
  if (digits == 0 || (digits < text.size() && !is_letter(text[digits]))) {
    return fail(quote(text) +
                " is not a duration; write a whole number and a unit, such as "
                "\"30s\"");
  }
  if (unit_name.empty()) {
    return fail(quote(text) + " has no unit; write " + quote(std::string(text) + "s"));
  }
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& known) { return known.name == unit_name; });
  if (unit == kUnits.end()) {
    return fail(quote(text) + " has the unknown unit " + quote(unit_name) + "; use ms, s, m or h");
  }
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error != std::errc{} || number > kMaxDurationNumber) number = kMaxDurationNumber;
  return milliseconds(number * unit->milliseconds);
}

std::string to_string(milliseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const auto unit = std::find_if(kUnits.rbegin(), kUnits.rend(), [&](const Unit& candidate) {
    return count % candidate.milliseconds == 0;
  });
  return std::to_string(count / unit->milliseconds) + std::string(unit->name);
}

Parsed<health::StatusRange> parse_status_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::string_view last_text = dash == std::string_view::npos ? text : text.substr(dash + 1);
  const std::optional<unsigned> first = parse_status_code(text.substr(0, dash));
  const std::optional<unsigned> last = parse_status_code(last_text);
  if (!first || !last) {
    return fail(quote(text) +
                " is not an HTTP status; write a code or a range within 100 to 599, "
                "such as \"401\" or \"200-299\"");
  }
  if (*first > *last) {
    return fail(quote(text) + " runs backwards; write \"" + std::to_string(*last) + "-" +
                std::to_string(*first) + "\"");
  }
  return health::StatusRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Parsed<base::IpAddress> parse_host_address(std::string_view text) {
  const std::optional<base::IpAddress> address = base::parse_ip_address(text);
  if (!address) {
    return fail(quote(text) +
                " is not an IP address; write one without port and prefix length, "
                "such as \"203.0.113.10\" or \"2001:db8::10\"");
  }
  if (const auto kind = unusable_kind(*address)) {
    return fail(quote(text) + " is " + std::string(*kind) + "; use the address of a host");
  }
  return *address;
}

Parsed<base::SocketAddress> parse_listen_address(std::string_view text) {
  const std::optional<base::SocketAddress> address = base::parse_socket_address(text);
  if (!address) {
    return fail(quote(text) +
                " is not an address with a port; write \"192.0.2.53:53\" or "
                "\"[2001:db8::53]:53\"");
  }
  constexpr std::array<base::IpAddress, 2> kAnyAddress{base::IpAddress::v4({}),
                                                       base::IpAddress::v6({})};
  const bool is_any =
      std::find(kAnyAddress.begin(), kAnyAddress.end(), address->ip) != kAnyAddress.end();
  const auto kind = is_any ? std::nullopt : unusable_kind(address->ip);
  if (kind) {
    return fail(quote(text) + " is " + std::string(*kind) + "; use an address of this server");
  }
  return *address;
}

Parsed<base::AddressPrefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = base::parse_ip_address(text.substr(0, slash));
  const auto refuse = [&] { return fail(quote(text) + " is not a network; write \"10.0.0.0/8\""); };
  if (!address) return refuse();
  const unsigned longest = address->is_v4() ? 32 : 128;
  unsigned length = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size() || length > longest) {
      return refuse();
    }
  }
  return base::AddressPrefix{*address, static_cast<std::uint8_t>(length)};
}

Parsed<base::AddressRange> parse_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return parse_prefix(text).map(
        [](const base::AddressPrefix& prefix) { return base::to_range(prefix); });
  }
  const auto first = base::parse_ip_address(text.substr(0, dash));
  const auto last = base::parse_ip_address(text.substr(dash + 1));
  if (!first || !last || first->is_v4() != last->is_v4()) {
    return fail(quote(text) + " is not a range; write \"198.51.100.4-198.51.100.99\"");
  }
  if (*last < *first) return fail(quote(text) + " ends before it begins; swap its addresses");
  return base::AddressRange{*first, *last};
}

Parsed<std::string> parse_region(std::string_view text) {
  if (auto region = routing::normalise_region(text)) return *std::move(region);
  return fail(quote(text) +
              " is no region; write a country such as \"GB\", a part of one such as \"US-CA\", a "
              "group such as \"GEO-EU\", or \"WORLD\"");
}

Parsed<dns::Name> parse_domain_name(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_ascii)) {
    return fail(quote(text) + " has letters outside ASCII; write its xn-- form");
  }
  const tl::expected<dns::Name, std::string> name = dns::parse_name(text);
  if (!name) {
    return fail(quote(text) + " is not a domain name (" + name.error() +
                "); write one such as \"vpn.gslb.example.com\"");
  }
  if (name->is_root()) {
    return fail("\".\" is the root of the DNS; write a name below it");
  }
  if (has_wildcard_label(*name)) {
    return fail(quote(text) + " is a wildcard, which is not supported yet; write the name in full");
  }
  return *name;
}

Parsed<dns::Name> parse_mail_address(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_ascii)) {
    return fail(quote(text) + " has letters outside ASCII; write an address without them");
  }
  const tl::expected<dns::Name, std::string> name = dns::parse_mailbox(text);
  if (name) return *name;
  return fail(quote(text) + " " + name.error() + "; write one such as \"hostmaster@example.com\"");
}

Parsed<std::string> parse_http_path(std::string_view text) {
  if (!text.starts_with('/')) {
    return fail(quote(text) + " does not begin with \"/\"; write " +
                quote("/" + std::string(text)));
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return c == ' ' || is_control(c); })) {
    return fail(quote(text) + " has a blank or control character; write %20 for a blank");
  }
  if (text.size() > kMaxPathLength) return fail("is longer than 2048 octets; shorten it");
  return std::string(text);
}

Parsed<std::string> parse_http_host(std::string_view text) {
  if (base::parse_ip_address(text)) {
    return fail(quote(text) +
                " is an address; write a host name, or remove it to send the probed "
                "address");
  }
  const bool has_host_characters = std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || c == '-' || c == '_' || c == '.';
  });
  if (!has_host_characters || text.ends_with('.') || text.size() > kMaxHostLength ||
      !dns::parse_name(text)) {
    return fail(quote(text) +
                " is not a host name; write the name alone, such as "
                "\"vpn.example.com\"");
  }
  return std::string(text);
}

Parsed<std::string> parse_header_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxHeaderNameLength ||
      !std::all_of(text.begin(), text.end(), is_token_character)) {
    return fail(quote(text) + " is not the name of an HTTP header; write one such as \"X-Probe\"");
  }
  const std::string name = lower(text);
  if (name == "host") return fail("this header is set by the key `host`; use that");
  // RFC 9110 §7.6.1 and RFC 9112 §6: these belong to the connection, and so to the prober.
  constexpr std::array<std::string_view, 8> kOfConnection{
      "connection", "content-length", "expect",  "keep-alive",
      "te",         "trailer",        "upgrade", "transfer-encoding"};
  if (std::find(kOfConnection.begin(), kOfConnection.end(), name) != kOfConnection.end()) {
    return fail("this header is set by gslbd itself; remove it");
  }
  return std::string(text);
}

Parsed<std::string> parse_header_value(std::string_view text) {
  if (text.empty()) return fail("the header has no value; write one or remove the header");
  // RFC 9110 §5.5: a tab is allowed inside.
  if (std::any_of(text.begin(), text.end(), [](char c) { return c != '\t' && is_control(c); })) {
    return fail(quote(text) + " has a line break or control character; remove it");
  }
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (is_blank(text.front()) || is_blank(text.back())) {
    return fail(quote(text) + " begins or ends with a blank; remove it");
  }
  if (text.size() > kMaxHeaderValueLength) return fail("is longer than 1024 octets; shorten it");
  return std::string(text);
}

}  // namespace gslb::app::loading

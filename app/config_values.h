#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/address_prefix.h"
#include "base/address_range.h"
#include "base/ip_address.h"
#include "dns/name.h"
#include "health/spec.h"

// What a single string of the configuration stands for. Each error is a complete message:
// "what is wrong; what to do".
namespace gslb::app::loading {

template <typename T>
using Parsed = tl::expected<T, std::string>;

/// A whole number and a unit: "500ms", "10s", "5m", "1h".
Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest form that parse_duration reads back: "90s", "5m".
std::string to_string(std::chrono::milliseconds duration);

/// "401" or "200-299", within 100 to 599.
Parsed<health::StatusRange> parse_status_range(std::string_view text);

/// An address that a VPN client or a resolver can be sent to: not unspecified, multicast,
/// broadcast or IPv4-mapped.
Parsed<base::IpAddress> parse_host_address(std::string_view text);

/// "192.0.2.1:53" or "[2001:db8::1]:53", of an address that a socket can be bound to.
Parsed<base::SocketAddress> parse_listen_address(std::string_view text);

/// "10.0.0.0/8", or an address for itself alone.
Parsed<base::AddressPrefix> parse_prefix(std::string_view text);

/// A network or address, as parse_prefix takes it, or "198.51.100.4-198.51.100.99".
Parsed<base::AddressRange> parse_range(std::string_view text);

/// A country, a part of one, a group of countries or "WORLD", in the form of
/// routing::normalise_region.
Parsed<std::string> parse_region(std::string_view text);

/// A domain name below the root, of ASCII characters and without wildcards.
Parsed<dns::Name> parse_domain_name(std::string_view text);

/// A mail address, as the name that an SOA record carries (RFC 1035 §8).
Parsed<dns::Name> parse_mail_address(std::string_view text);

/// An absolute path and perhaps a query, as it stands in an HTTP request before it is
/// percent-encoded.
Parsed<std::string> parse_http_path(std::string_view text);

/// The name of an HTTP server: letters, digits, '-', '_' and '.'; no address, no port.
Parsed<std::string> parse_http_host(std::string_view text);

/// An HTTP field name that an administrator may set.
Parsed<std::string> parse_header_name(std::string_view text);

Parsed<std::string> parse_header_value(std::string_view text);

}  // namespace gslb::app::loading

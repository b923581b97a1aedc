#include "zones/svc_params.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "base/ip_address.h"
#include "dns/wire.h"

namespace gslb::zones {
namespace {

using Octets = std::vector<std::uint8_t>;

// RFC 9460 §14.3.2; dohpath is RFC 9461, ohttp is RFC 9540.
enum Key : std::uint16_t {
  kMandatory,
  kAlpn,
  kNoDefaultAlpn,
  kPort,
  kIpv4Hint,
  kEch,
  kIpv6Hint,
  kDohPath,
  kOhttp,
  kInvalidKey = 65535
};

constexpr std::array<std::string_view, 9> kKeyNames = {"mandatory", "alpn",     "no-default-alpn",
                                                       "port",      "ipv4hint", "ech",
                                                       "ipv6hint",  "dohpath",  "ohttp"};

tl::unexpected<std::string> fail(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

std::string name_of(std::uint16_t key) {
  return key < kKeyNames.size() ? std::string(kKeyNames[key]) : "key" + std::to_string(key);
}

std::optional<std::uint16_t> parse_key(std::string_view text) {
  const auto known = std::find(kKeyNames.begin(), kKeyNames.end(), text);
  if (known != kKeyNames.end()) return static_cast<std::uint16_t>(known - kKeyNames.begin());
  if (!text.starts_with("key")) return std::nullopt;
  const auto number = parse_number(text.substr(3), kInvalidKey - 1);
  const bool has_leading_zero = text.size() > 4 && text[3] == '0';
  if (!number || has_leading_zero) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

/// Splits a value at its commas; "\," and "\\" stand for themselves (RFC 9460 appendix A.1).
tl::expected<std::vector<std::string>, std::string> split_list(std::string_view value) {
  std::vector<std::string> items(1);
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == ',') {
      items.emplace_back();
    } else if (value[at] == '\\') {
      if (++at == value.size() || (value[at] != ',' && value[at] != '\\')) {
        return fail("has a backslash that escapes neither a comma nor a backslash");
      }
      items.back() += value[at];
    } else {
      items.back() += value[at];
    }
  }
  if (std::any_of(items.begin(), items.end(), [](const auto& item) { return item.empty(); })) {
    return fail("has an empty item in its list");
  }
  return items;
}

void put_u16(Octets& wire, std::size_t value) {
  wire.push_back(static_cast<std::uint8_t>(value >> 8U));
  wire.push_back(static_cast<std::uint8_t>(value));
}

/// Appends one item of a list in wire form; what was wanted where `item` is not that.
std::string put_item(Octets& wire, Key key, const std::string& item) {
  if (key == kMandatory) {
    const auto other = parse_key(item);
    if (!other) return "a key such as alpn";
    put_u16(wire, *other);
  } else if (key == kAlpn) {
    if (item.size() > 255) return "a protocol of at most 255 octets";
    wire.push_back(static_cast<std::uint8_t>(item.size()));
    wire.insert(wire.end(), item.begin(), item.end());
  } else {
    const auto address = base::parse_ip_address(item);
    if (!address || address->is_v4() != (key == kIpv4Hint)) {
      return key == kIpv4Hint ? "an IPv4 address" : "an IPv6 address";
    }
    wire.insert(wire.end(), address->bytes().begin(), address->bytes().end());
  }
  return {};
}

/// RFC 9460 §8: the keys in ascending order.
void sort_mandatory(Octets& wire) {
  std::vector<std::uint16_t> keys;
  for (std::size_t at = 0; at < wire.size(); at += 2) keys.push_back(dns::load_u16(&wire[at]));
  std::sort(keys.begin(), keys.end());
  wire.clear();
  for (const std::uint16_t key : keys) put_u16(wire, key);
}

/// `value` has its character-string escapes decoded.
tl::expected<Octets, std::string> encode_value(std::uint16_t key, const std::string& value) {
  switch (key) {
    case kMandatory:
    case kAlpn:
    case kIpv4Hint:
    case kIpv6Hint: {
      const auto items = split_list(value);
      if (!items) return fail(items.error());
      Octets wire;
      for (const std::string& item : *items) {
        const std::string wanted = put_item(wire, static_cast<Key>(key), item);
        if (!wanted.empty()) return fail("needs " + wanted + ", not " + quote(item));
      }
      if (key == kMandatory) sort_mandatory(wire);
      return wire;
    }
    case kPort: {
      const auto port = parse_number(value, 65535);
      if (!port) return fail("needs a number from 0 to 65535, not " + quote(value));
      Octets wire;
      put_u16(wire, *port);
      return wire;
    }
    case kEch: {
      auto octets = decode_base64(value);
      if (!octets) return fail("needs base64 text, not " + quote(value));
      return std::move(*octets);
    }
    default:
      return Octets(value.begin(), value.end());
  }
}

tl::expected<std::string, std::string> decode_value(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return decode_escapes(text);
}

bool is_alpn_list(std::span<const std::uint8_t> value) {
  if (value.empty()) return false;
  while (!value.empty()) {
    const std::size_t length = value[0];
    if (length == 0 || length + 1 > value.size()) return false;
    value = value.subspan(length + 1);
  }
  return true;
}

bool is_list_of(std::span<const std::uint8_t> value, std::size_t item_size) {
  return !value.empty() && value.size() % item_size == 0;
}

bool is_valid_value(std::uint16_t key, std::span<const std::uint8_t> value) {
  switch (key) {
    case kMandatory:
      return is_list_of(value, 2);
    case kAlpn:
      return is_alpn_list(value);
    case kNoDefaultAlpn:
    case kOhttp:
      return value.empty();
    case kPort:
      return value.size() == 2;
    case kIpv4Hint:
      return is_list_of(value, 4);
    case kIpv6Hint:
      return is_list_of(value, 16);
    case kEch:
    case kDohPath:
      return !value.empty();
    default:
      return key != kInvalidKey;
  }
}

using Params = std::map<std::uint16_t, std::span<const std::uint8_t>>;

/// RFC 9460 §8
std::string find_mandatory_problem(const Params& params) {
  const auto mandatory = params.find(kMandatory);
  if (mandatory == params.end()) return {};
  std::optional<std::uint16_t> previous;
  for (auto value = mandatory->second; !value.empty(); value = value.subspan(2)) {
    const std::uint16_t key = dns::load_u16(value.data());
    if (key == kMandatory) return "mandatory must not list itself";
    if (previous && key <= *previous) return "mandatory lists " + name_of(key) + " twice";
    if (!params.contains(key)) return "mandatory lists " + name_of(key) + ", which is missing";
    previous = key;
  }
  return {};
}

}  // namespace

tl::expected<Octets, std::string> parse_svc_params(std::span<const MasterFileField> fields) {
  std::map<std::uint16_t, Octets> params;
  for (const MasterFileField& field : fields) {
    const std::size_t equals = field.text.find('=');
    const std::string_view name = field.text.substr(0, equals);
    const auto key = field.is_quoted ? std::nullopt : parse_key(name);
    if (!key) return fail("expected a parameter such as alpn=h2, not " + quote(field.text));
    std::string value;
    if (equals != std::string_view::npos) {
      auto decoded = decode_value(field.text.substr(equals + 1));
      if (!decoded) return fail(quote(field.text) + " " + decoded.error());
      value = std::move(*decoded);
    }
    // A key without value and an empty value are the same (RFC 9460 §2.1).
    auto octets = value.empty() ? Octets() : encode_value(*key, value);
    if (!octets) return fail(name_of(*key) + " " + octets.error());
    if (octets->size() > 65535) return fail(name_of(*key) + " has more than 65535 octets");
    if (!params.emplace(*key, std::move(*octets)).second) {
      return fail(name_of(*key) + " is there twice; remove one");
    }
  }

  Octets wire;
  for (const auto& [key, value] : params) {
    put_u16(wire, key);
    put_u16(wire, value.size());
    wire.insert(wire.end(), value.begin(), value.end());
  }
  if (std::string problem = find_svc_params_problem(wire); !problem.empty()) {
    return fail(std::move(problem));
  }
  return wire;
}

std::string find_svc_params_problem(std::span<const std::uint8_t> wire) {
  Params params;
  while (!wire.empty()) {
    if (wire.size() < 4) return "the last parameter is cut off";
    const std::uint16_t key = dns::load_u16(wire.data());
    const std::size_t length = dns::load_u16(wire.data() + 2);
    if (wire.size() - 4 < length) return "the value of " + name_of(key) + " is cut off";
    if (!params.empty() && key <= params.rbegin()->first) {
      return "the parameters are not in ascending order of their keys, each once";
    }
    const auto value = wire.subspan(4, length);
    if (!is_valid_value(key, value)) {
      return value.empty() ? name_of(key) + " needs a value"
                           : name_of(key) + " has a value that it cannot have";
    }
    params.emplace(key, value);
    wire = wire.subspan(4 + length);
  }
  if (params.contains(kNoDefaultAlpn) && !params.contains(kAlpn)) {
    return "no-default-alpn needs alpn beside it";  // RFC 9460 §7.1.1
  }
  return find_mandatory_problem(params);
}

}  // namespace gslb::zones

#include "zones/canonical.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "dns/wire.h"

namespace gslb::zones {
namespace {

// A label ends with 0, so that a name comes before all that go on; the octets 0 and 1 become two
// octets that begin with 1, so that they stay behind that end and in their order.
constexpr std::uint8_t kEndOfLabel = 0;
constexpr std::uint8_t kEscape = 1;

/// Where names stand in the RDATA of a type: behind `offset` octets, one after the other.
struct NameFields {
  std::size_t offset;
  std::size_t count;
};

std::size_t naptr_offset(std::span<const std::uint8_t> rdata) {
  std::size_t at = 4;  // ORDER and PREFERENCE, then three <character-string>s.
  for (int i = 0; i < 3 && at < rdata.size(); ++i) at += 1 + std::size_t{rdata[at]};
  return at;
}

NameFields name_fields(std::uint16_t type, std::span<const std::uint8_t> rdata) {
  using namespace dns::type;
  switch (type) {
    case kNs:
    case kMd:
    case kMf:
    case kCname:
    case kMb:
    case kMg:
    case kMr:
    case kPtr:
    case kDname:
      return {0, 1};
    case kSoa:
    case kMinfo:
    case kRp:
      return {0, 2};
    case kMx:
    case kAfsdb:
    case kRt:
    case kKx:
      return {2, 1};
    case kPx:
      return {2, 2};
    case kSrv:
      return {6, 1};
    case kNaptr:
      return {naptr_offset(rdata), 1};
    default:
      return {0, 0};
  }
}

}  // namespace

std::size_t write_canonical_key(std::span<const std::uint8_t> lower,
                                std::span<std::uint8_t> out) noexcept {
  std::array<std::uint8_t, dns::kMaxNameLength> starts;
  std::size_t labels = 0;
  for (std::size_t at = 0; lower[at] != 0; at += 1 + std::size_t{lower[at]}) {
    starts[labels++] = static_cast<std::uint8_t>(at);
  }
  std::size_t size = 0;
  while (labels-- > 0) {
    const std::size_t start = starts[labels];
    for (const std::uint8_t octet : lower.subspan(start + 1, lower[start])) {
      if (octet > kEscape) {
        out[size++] = octet;
      } else {
        out[size++] = kEscape;
        out[size++] = static_cast<std::uint8_t>(octet + 1);
      }
    }
    out[size++] = kEndOfLabel;
  }
  return size;
}

std::vector<std::uint8_t> canonical_rdata(std::uint16_t type, std::span<const std::uint8_t> rdata) {
  std::vector<std::uint8_t> result(rdata.begin(), rdata.end());
  const NameFields fields = name_fields(type, rdata);
  std::size_t at = fields.offset;
  for (std::size_t i = 0; i < fields.count; ++i) {
    while (at < result.size() && result[at] != 0) {
      const std::size_t end = std::min(result.size(), at + 1 + result[at]);
      std::transform(result.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                     result.begin() + static_cast<std::ptrdiff_t>(end),
                     result.begin() + static_cast<std::ptrdiff_t>(at) + 1, dns::to_lower);
      at = end;
    }
    ++at;
  }
  return result;
}

CanonicalIndex::CanonicalIndex(std::span<const dns::Name> sorted) {
  std::array<std::uint8_t, kMaxCanonicalKeySize> key;
  starts_.push_back(0);
  for (const dns::Name& name : sorted) {
    const std::size_t size = write_canonical_key(name.lower().wire(), key);
    keys_.insert(keys_.end(), key.begin(), key.begin() + static_cast<std::ptrdiff_t>(size));
    starts_.push_back(static_cast<std::uint32_t>(keys_.size()));
  }
}

std::optional<std::uint32_t> CanonicalIndex::last_up_to(
    std::span<const std::uint8_t> lower) const noexcept {
  std::array<std::uint8_t, kMaxCanonicalKeySize> buffer;
  const std::span<const std::uint8_t> wanted =
      std::span(buffer).first(write_canonical_key(lower, buffer));
  std::size_t first = 0;  // Of those that may be behind the wanted one.
  std::size_t end = starts_.empty() ? 0 : starts_.size() - 1;
  while (first < end) {
    const std::size_t middle = first + (end - first) / 2;
    const std::span<const std::uint8_t> there = key(middle);
    if (std::lexicographical_compare(wanted.begin(), wanted.end(), there.begin(), there.end())) {
      end = middle;
    } else {
      first = middle + 1;
    }
  }
  if (first == 0) return std::nullopt;
  return static_cast<std::uint32_t>(first - 1);
}

std::vector<std::uint32_t> sort_canonically(std::span<const dns::Name> names) {
  std::vector<std::vector<std::uint8_t>> keys;
  keys.reserve(names.size());
  std::array<std::uint8_t, kMaxCanonicalKeySize> key;
  for (const dns::Name& name : names) {
    const std::size_t size = write_canonical_key(name.lower().wire(), key);
    keys.emplace_back(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(size));
  }
  std::vector<std::uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });
  return order;
}

}  // namespace gslb::zones

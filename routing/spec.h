#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address_range.h"
#include "base/ip_address.h"
#include "dns/name.h"
#include "routing/location.h"

namespace gslb::routing {

/// An endpoint's position in the configuration: the index into the list of EndpointSpec.
using EndpointId = std::uint32_t;

/// A profile's position in the configuration: the index into the list of ProfileSpec.
using ProfileId = std::uint32_t;

/// How many profiles may lie within each other, the outermost included.
inline constexpr unsigned kMaxNesting = 10;

/// How an endpoint is chosen among those available.
enum class Method : std::uint8_t {
  kPriority,     ///< The lowest number; equal numbers share by weight.
  kWeighted,     ///< By weight.
  kPerformance,  ///< The lowest measured latency; without a measurement the nearest.
  kGeographic,   ///< By the region that the client is in.
  kMultivalue,   ///< The addresses of several at once.
  kSubnet,       ///< By the range that the client's address lies in.
};

/// The word of the configuration: "priority".
std::string_view to_string(Method method) noexcept;

/// What is answered when no endpoint is available.
enum class AllDown : std::uint8_t {
  kServeAll,  ///< As if every enabled endpoint were healthy, chosen by the method.
  kNoData,    ///< NOERROR without data.
  kServFail,  ///< SERVFAIL, so that resolvers ask another name server or serve stale data.
  kFallback,  ///< ProfileSpec::fallback.
};

/// What becomes of the clients of a region whose endpoint is not available.
enum class UnhealthyRegion : std::uint8_t {
  kClimb,   ///< They get that of the next wider region.
  kStrict,  ///< They get it all the same.
};

/// Which bits of its address make a client's network, for choices that stay the same for it.
struct Sticky {
  std::uint8_t ipv4_prefix = 24;
  std::uint8_t ipv6_prefix = 56;

  bool operator==(const Sticky&) const = default;
};

/// A validated `[endpoint.NAME]` as routing sees it.
struct EndpointSpec {
  std::string name;
  std::vector<base::IpAddress> ipv4 = {};
  std::vector<base::IpAddress> ipv6 = {};
  std::optional<dns::Name> target = {};  ///< Answered as a CNAME; there are no addresses then.
  std::optional<GeoPoint> point = {};    ///< Where it stands.
  double shed_from = 0.8;                ///< The load from which on its weight falls, below 1.
  bool enabled = true;

  /// A target leads to addresses of both families, whatever they are.
  bool has_ipv4() const noexcept { return target.has_value() || !ipv4.empty(); }
  bool has_ipv6() const noexcept { return target.has_value() || !ipv6.empty(); }

  bool operator==(const EndpointSpec&) const = default;
};

/// A validated `[[profile.NAME.endpoints]]`: an endpoint, or a profile that lies within this one.
struct ProfileEndpointSpec {
  EndpointId endpoint = 0;  ///< Without meaning where there is `nested`.
  unsigned weight = 1;      ///< 0 … 1000; 0 takes no new clients.
  unsigned priority = 1;    ///< 1 … 1000; the lowest available number is answered.
  bool always_serve = false;
  bool enabled = true;
  std::vector<std::string> regions = {};  ///< In the form of normalise_region.
  /// With Method::kSubnet its clients; with others those that get it whatever the method says.
  std::vector<base::AddressRange> subnets = {};
  std::optional<ProfileId> nested = {};
  /// With `nested`: available while so many entries of that profile are, of any address family.
  unsigned min_children = 1;
  /// For A and AAAA answers also: so many entries with addresses of the family.
  unsigned min_children_ipv4 = 1;
  unsigned min_children_ipv6 = 1;

  bool operator==(const ProfileEndpointSpec&) const = default;
};

/// A validated `[profile.NAME]`.
struct ProfileSpec {
  std::string name;  ///< The key of the table, for people.
  dns::Name owner;   ///< The DNS name that it answers; the root where it is only nested.
  Method method = Method::kPriority;
  std::chrono::seconds ttl{30};
  AllDown when_all_down = AllDown::kServeAll;
  bool enabled = true;
  std::vector<ProfileEndpointSpec> endpoints;
  std::vector<base::IpAddress> fallback = {};
  std::optional<Sticky> sticky = {};  ///< Where weights decide, they do so by client network.
  unsigned max_answers = 4;           ///< 1 … 8
  UnhealthyRegion unhealthy_region = UnhealthyRegion::kClimb;

  bool has_owner() const noexcept { return owner.length() > 1; }

  bool operator==(const ProfileSpec&) const = default;
};

}  // namespace gslb::routing

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "dns/name.h"
#include "routing/location.h"

namespace gslb::routing {

/// An endpoint's position in the configuration: the index into the list of EndpointSpec.
using EndpointId = std::uint32_t;

enum class Method : std::uint8_t { kPriority, kWeighted };

/// What is answered when no endpoint is available.
enum class AllDown : std::uint8_t {
  kServeAll,  ///< As if every enabled endpoint were healthy, chosen by the method.
  kNoData,    ///< NOERROR without data.
  kServFail,  ///< SERVFAIL, so that resolvers ask another name server or serve stale data.
};

/// A validated `[endpoint.NAME]` as routing sees it.
struct EndpointSpec {
  std::string name;
  std::vector<base::IpAddress> ipv4;
  std::vector<base::IpAddress> ipv6;
  std::optional<dns::Name> target;  ///< Answered as a CNAME; there are no addresses then.
  std::optional<GeoPoint> point;    ///< Where it stands.
  double shed_from = 0.8;           ///< The load from which on its weight falls, below 1.
  bool enabled = true;

  bool operator==(const EndpointSpec&) const = default;
};

/// A validated `[[profile.NAME.endpoints]]`.
struct ProfileEndpointSpec {
  EndpointId endpoint = 0;
  unsigned weight = 1;    ///< 0 … 1000; 0 takes no new clients.
  unsigned priority = 1;  ///< 1 … 1000; the lowest available number is answered.
  bool always_serve = false;
  bool enabled = true;

  bool operator==(const ProfileEndpointSpec&) const = default;
};

/// A validated `[profile.NAME]`.
struct ProfileSpec {
  std::string name;  ///< The key of the table, for people.
  dns::Name owner;   ///< The DNS name that it answers.
  Method method = Method::kPriority;
  std::chrono::seconds ttl{30};
  AllDown when_all_down = AllDown::kServeAll;
  bool enabled = true;
  std::vector<ProfileEndpointSpec> endpoints;

  bool operator==(const ProfileSpec&) const = default;
};

}  // namespace gslb::routing

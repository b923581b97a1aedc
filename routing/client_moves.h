#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "routing/decision_tree.h"
#include "routing/judge.h"

namespace gslb::routing {

/// Clients that are answered alike as far as places, measurements and subnets go.
struct ClientGroup {
  base::IpAddress client;  ///< One of them.
  double weight = 0;       ///< How many there are: IPv4 addresses, or IPv6 networks of 48 bits.
};

/// One side of a comparison. Borrows it all.
struct RoutedProfile {
  const RoutingState* state = nullptr;
  ProfileId id = 0;
  const LatencyMap* latency = nullptr;  ///< Not null.
};

/// The clients of the networks that either side knows the place of, cut so that each group is
/// answered alike on both; at least one. Clients for A queries have IPv4 addresses, those for AAAA
/// have IPv6.
///
/// It depends on the profiles only as far as they have subnets, and takes a second for large maps.
std::vector<ClientGroup> client_groups(const RoutedProfile& before, const RoutedProfile& after,
                                       Family family);

/// Which share of all clients a change moves, from which site to which. Where chance or stickiness
/// decides, it is the least that the change of shares needs.
struct ClientMoves {
  double moved = 0;  ///< 0 … 1
  /// By the names of the endpoints; "" stands for no answer.
  std::map<std::pair<std::string, std::string>, double> from_to;
};

/// `groups` are the client_groups() of the two.
ClientMoves compare_profiles(const RoutedProfile& before, const RoutedProfile& after, Family family,
                             std::span<const ClientGroup> groups);

/// True where the profile, or one within it, has subnets.
bool has_subnets(std::span<const ProfileSpec> profiles, ProfileId id);

}  // namespace gslb::routing

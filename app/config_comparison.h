#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "routing/client_moves.h"

namespace gslb::app {

/// What another configuration would change, while every site is healthy.
struct ConfigComparison {
  struct Profile {
    std::string name;
    routing::ClientMoves ipv4;  ///< Of clients that ask for A.
    routing::ClientMoves ipv6;  ///< Of those that ask for AAAA.
  };

  std::vector<std::string> changes;  ///< As describe_changes.
  std::vector<Profile> profiles;     ///< Those in both whose clients move.
};

ConfigComparison compare_configs(const Config& before, const Config& after);

/// For people, in lines.
std::string to_text(const ConfigComparison& comparison);
std::string to_json(const ConfigComparison& comparison);

}  // namespace gslb::app

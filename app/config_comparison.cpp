#include "app/config_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "app/config_diff.h"
#include "app/default_geo_database.h"
#include "zones/snapshot.h"

namespace gslb::app {
namespace {

namespace json = boost::json;
using routing::ClientMoves;
using routing::Family;

/// A configuration as routing sees it, with every site healthy.
struct Routed {
  explicit Routed(const Config& config, const routing::GeoDatabase* default_database)
      : locations(config.location_map) {
    for (const EndpointConfig& endpoint : config.endpoints) endpoints.push_back(endpoint.routing);
    states.assign(endpoints.size(), {base::EndpointStatus::kOnline, base::EndpointStatus::kOnline});
    // Clients are counted by the networks that are known, even where no profile asks for places.
    if (!config.geo_database) {
      locations = routing::make_location_map(default_database, config.locations);
    }
    state = {config.profiles, endpoints, states, {}, locations.get()};
  }
  Routed(const Routed&) = delete;
  Routed& operator=(const Routed&) = delete;

  std::vector<routing::EndpointSpec> endpoints;
  std::vector<routing::EndpointState> states;
  std::shared_ptr<const routing::LocationMap> locations;
  routing::RoutingState state;
};

std::shared_ptr<const routing::GeoDatabase> load_default_database() {
  const auto file = default_geo_database();
  if (!file) return nullptr;
  const auto loaded = routing::load_geo_database(*file);
  return loaded ? *loaded : nullptr;
}

class Comparison {
 public:
  Comparison(const Config& before, const Config& after)
      : before_config_(before),
        after_config_(after),
        database_(!before.geo_database || !after.geo_database ? load_default_database() : nullptr),
        before_(before, database_.get()),
        after_(after, database_.get()) {}

  ConfigComparison run() {
    ConfigComparison result;
    result.changes = describe_changes(before_config_, after_config_);
    for (routing::ProfileId id = 0; id < after_config_.profiles.size(); ++id) {
      const auto old = find_old(after_config_.profiles[id].name);
      if (!old) continue;
      const routing::RoutedProfile was{&before_.state, *old, zones::no_latency().get()};
      const routing::RoutedProfile is{&after_.state, id, zones::no_latency().get()};
      ConfigComparison::Profile profile{after_config_.profiles[id].name,
                                        compare(was, is, Family::kIpv4),
                                        compare(was, is, Family::kIpv6)};
      if (profile.ipv4.moved > 0 || profile.ipv6.moved > 0) {
        result.profiles.push_back(std::move(profile));
      }
    }
    return result;
  }

 private:
  std::optional<routing::ProfileId> find_old(const std::string& name) const {
    const auto& profiles = before_config_.profiles;
    const auto found = std::find_if(profiles.begin(), profiles.end(),
                                    [&](const auto& profile) { return profile.name == name; });
    if (found == profiles.end()) return std::nullopt;
    return static_cast<routing::ProfileId>(found - profiles.begin());
  }

  ClientMoves compare(const routing::RoutedProfile& was, const routing::RoutedProfile& is,
                      Family family) {
    if (routing::has_subnets(before_config_.profiles, was.id) ||
        routing::has_subnets(after_config_.profiles, is.id)) {
      return compare_profiles(was, is, family, client_groups(was, is, family));
    }
    auto& groups = family == Family::kIpv4 ? groups_v4_ : groups_v6_;
    if (!groups) groups = client_groups(was, is, family);
    return compare_profiles(was, is, family, *groups);
  }

  const Config& before_config_;
  const Config& after_config_;
  std::shared_ptr<const routing::GeoDatabase> database_;
  Routed before_;
  Routed after_;
  // Of profiles without subnets.
  std::optional<std::vector<routing::ClientGroup>> groups_v4_;
  std::optional<std::vector<routing::ClientGroup>> groups_v6_;
};

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

std::string site(const std::string& name) { return name.empty() ? "no answer" : name; }

/// The largest first.
std::vector<std::pair<std::pair<std::string, std::string>, double>> sorted_moves(
    const ClientMoves& moves) {
  std::vector<std::pair<std::pair<std::string, std::string>, double>> result(moves.from_to.begin(),
                                                                             moves.from_to.end());
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return result;
}

void append_moves(const char* type, const ClientMoves& moves, std::string& text) {
  if (moves.moved == 0) return;
  text += fmt::format("  {:<4}  {:>7} of the clients move\n", type, percent(moves.moved));
  for (const auto& [from_to, share] : sorted_moves(moves)) {
    text += fmt::format("        {:>7} {} -> {}\n", percent(share), site(from_to.first),
                        site(from_to.second));
  }
}

json::object to_object(const ClientMoves& moves) {
  json::array from_to;
  for (const auto& [sites, share] : sorted_moves(moves)) {
    from_to.push_back(json::object{{"from", sites.first}, {"to", sites.second}, {"share", share}});
  }
  return {{"moved", moves.moved}, {"moves", std::move(from_to)}};
}

}  // namespace

ConfigComparison compare_configs(const Config& before, const Config& after) {
  return Comparison(before, after).run();
}

std::string to_text(const ConfigComparison& comparison) {
  std::string text;
  if (comparison.changes.empty()) text += "nothing changes\n";
  for (const std::string& change : comparison.changes) text += change + "\n";
  for (const ConfigComparison::Profile& profile : comparison.profiles) {
    text += fmt::format("profile {}, while every site is healthy:\n", profile.name);
    append_moves("A", profile.ipv4, text);
    append_moves("AAAA", profile.ipv6, text);
  }
  if (!comparison.changes.empty() && comparison.profiles.empty()) text += "no clients move\n";
  return text;
}

std::string to_json(const ConfigComparison& comparison) {
  json::array changes, profiles;
  for (const std::string& change : comparison.changes) changes.emplace_back(change);
  for (const ConfigComparison::Profile& profile : comparison.profiles) {
    profiles.push_back(json::object{{"profile", profile.name},
                                    {"A", to_object(profile.ipv4)},
                                    {"AAAA", to_object(profile.ipv6)}});
  }
  return json::serialize(
      json::object{{"changes", std::move(changes)}, {"profiles", std::move(profiles)}});
}

}  // namespace gslb::app

#include "app/config_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/config_values.h"
#include "zones/dnssec_key.h"
#include "zones/master_file.h"

namespace gslb::app {
namespace {

using routing::ProfileEndpointSpec;
using routing::ProfileSpec;

/// Calls `on_change(before, after)` for every element of two lists, paired by name; one of the two
/// is null where an element was added or removed. Names are unique in each list.
template <typename T, typename NameOf, typename OnChange>
void pair_by_name(const std::vector<T>& before, const std::vector<T>& after, NameOf name_of,
                  OnChange on_change) {
  std::map<std::string, const T*> fresh;
  for (const T& item : after) fresh.emplace(name_of(item), &item);
  for (const T& old : before) {
    const auto found = fresh.find(name_of(old));
    on_change(&old, found == fresh.end() ? nullptr : found->second);
    if (found != fresh.end()) fresh.erase(found);
  }
  for (const T& item : after) {
    if (fresh.count(name_of(item)) > 0) on_change(static_cast<const T*>(nullptr), &item);
  }
}

bool same_record(const zones::MasterFileRecord& a, const zones::MasterFileRecord& b) {
  return a.owner == b.owner && a.type == b.type && a.ttl == b.ttl && a.rdata == b.rdata;
}

bool same_records(const zones::MasterFile* a, const zones::MasterFile* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return std::equal(a->records.begin(), a->records.end(), b->records.begin(), b->records.end(),
                    same_record);
}

bool same_zone(const zones::ZoneSpec& a, const zones::ZoneSpec& b) {
  return a.nameservers == b.nameservers && a.hostmaster == b.hostmaster &&
         a.negative_ttl == b.negative_ttl && a.transfer == b.transfer &&
         same_records(a.file.get(), b.file.get());
}

class ChangeList {
 public:
  ChangeList(const Config& before, const Config& after) : before_(before), after_(after) {}

  std::vector<std::string> describe() && {
    describe_server();
    pair_by_name(
        before_.zones, after_.zones, [](const auto& zone) { return zone.apex.lower().to_string(); },
        [this](const auto* old, const auto* fresh) {
          const std::string name = (old ? old : fresh)->apex.to_string();
          const auto same = [&] { return same_zone(*old, *fresh); };
          if (describe_item("zone", name, old, fresh, same)) {
            describe_signing("zone " + name, old->signing, fresh->signing);
          }
        });
    pair_by_name(
        before_.endpoints, after_.endpoints, [](const auto& item) { return item.routing.name; },
        [this](const auto* old, const auto* fresh) {
          describe_item("endpoint", (old ? old : fresh)->routing.name, old, fresh,
                        [&] { return same_endpoint(*old, *fresh); });
        });
    pair_by_name(
        before_.profiles, after_.profiles, [](const auto& item) { return item.name; },
        [this](const auto* old, const auto* fresh) { describe_profile(old, fresh); });
    return std::move(changes_);
  }

 private:
  void describe_server() {
    const ServerSpec& old = before_.server;
    const ServerSpec& fresh = after_.server;
    if (old.identity != fresh.identity) {
      changes_.push_back(fmt::format("server.identity {} -> {}", old.identity, fresh.identity));
    }
    const auto add = [this](const char* key, bool same) {
      if (!same) changes_.push_back(fmt::format("server.{} changed", key));
    };
    add("version", old.version == fresh.version);
    add("cookies", same_cookies(old.cookies, fresh.cookies));
    add("rate_limit", old.rate_limit == fresh.rate_limit);
    add("proxy_from", old.proxy_from == fresh.proxy_from);
    if (before_.geo_file != after_.geo_file) {
      changes_.push_back(fmt::format("geo database {} -> {}", before_.geo_file.string(),
                                     after_.geo_file.string()));
    } else if (before_.geo_database != after_.geo_database) {
      changes_.push_back(fmt::format("geo database {} changed", after_.geo_file.string()));
    }
    if (before_.locations != after_.locations) changes_.emplace_back("locations changed");
    add("state_dir", old.state_dir == fresh.state_dir);
    const LatencySpec& old_latency = before_.latency;
    const LatencySpec& fresh_latency = after_.latency;
    add("latency_file", same_values(old_latency.lines, fresh_latency.lines));
    if (!(old_latency.limits == fresh_latency.limits)) changes_.emplace_back("latency changed");
    if (!same_values(before_.tsig_keys, after_.tsig_keys))
      changes_.emplace_back("tsig keys changed");
  }

  template <typename T>
  static bool same_values(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
    return a && b ? *a == *b : a == b;
  }

  static bool same_cookies(const CookieSpec& a, const CookieSpec& b) {
    return same_values(a.keys, b.keys) && a.enabled == b.enabled && a.require == b.require;
  }

  template <typename T, typename Same>
  bool describe_item(const char* kind, const std::string& name, const T* old, const T* fresh,
                     Same same) {
    if (old == nullptr) {
      changes_.push_back(fmt::format("{} {} added", kind, name));
    } else if (fresh == nullptr) {
      changes_.push_back(fmt::format("{} {} removed", kind, name));
    } else if (!same()) {
      changes_.push_back(fmt::format("{} {} changed", kind, name));
    }
    return old != nullptr && fresh != nullptr;
  }

  void describe_signing(const std::string& zone, const std::optional<zones::SigningSpec>& old,
                        const std::optional<zones::SigningSpec>& fresh) {
    if (old.has_value() != fresh.has_value()) {
      changes_.push_back(zone + (fresh ? ": is signed now" : ": is no longer signed"));
    }
    if (!old || !fresh) return;
    if (old->validity != fresh->validity) {
      changes_.push_back(fmt::format("{}: signature_validity {} -> {}", zone,
                                     loading::to_string(old->validity),
                                     loading::to_string(fresh->validity)));
    }
    pair_by_name(
        old->keys, fresh->keys, [](const auto& key) { return key->file_name(); },
        [&](const auto* before, const auto* after) {
          if (before == nullptr || after == nullptr) {
            changes_.push_back(fmt::format("{}: key {} {}", zone,
                                           (*(before ? before : after))->file_name(),
                                           after ? "added" : "removed"));
          } else if ((*before)->timing() != (*after)->timing()) {
            changes_.push_back(
                fmt::format("{}: key {}: its times changed", zone, (*before)->file_name()));
          }
        });
  }

  static bool same_endpoint(const EndpointConfig& a, const EndpointConfig& b) {
    return a.routing == b.routing && a.probe_address == b.probe_address && a.load == b.load &&
           a.monitors_required == b.monitors_required && a.ramp_up == b.ramp_up &&
           a.failback_delay == b.failback_delay &&
           std::equal(a.monitors.begin(), a.monitors.end(), b.monitors.begin(), b.monitors.end(),
                      [](const auto& x, const auto& y) { return *x == *y; });
  }

  /// The settings of the profile itself; its endpoints are compared one by one.
  static bool same_settings(ProfileSpec a, ProfileSpec b) {
    a.endpoints.clear();
    b.endpoints.clear();
    return a == b;
  }

  /// What an entry is for: two profiles are compared by these.
  static std::string entry_name(const Config& config, const ProfileEndpointSpec& entry) {
    if (entry.nested) return "profile " + config.profiles[*entry.nested].name;
    return "endpoint " + config.endpoints[entry.endpoint].routing.name;
  }

  void describe_profile(const ProfileSpec* old, const ProfileSpec* fresh) {
    const std::string& name = (old ? old : fresh)->name;
    const auto same = [&] { return same_settings(*old, *fresh); };
    if (!describe_item("profile", name, old, fresh, same)) return;

    for (const ProfileEndpointSpec& entry : old->endpoints) {
      const std::string endpoint = entry_name(before_, entry);
      if (const ProfileEndpointSpec* now = find_entry(*fresh, endpoint, after_)) {
        describe_entry(name, endpoint, entry, *now);
      } else {
        changes_.push_back(fmt::format("profile {}: {} removed", name, endpoint));
      }
    }
    for (const ProfileEndpointSpec& entry : fresh->endpoints) {
      const std::string endpoint = entry_name(after_, entry);
      if (find_entry(*old, endpoint, before_) == nullptr) {
        changes_.push_back(fmt::format("profile {}: {} added", name, endpoint));
      }
    }
  }

  const ProfileEndpointSpec* find_entry(const ProfileSpec& profile, const std::string& endpoint,
                                        const Config& config) const {
    const auto found =
        std::find_if(profile.endpoints.begin(), profile.endpoints.end(),
                     [&](const auto& entry) { return entry_name(config, entry) == endpoint; });
    return found == profile.endpoints.end() ? nullptr : &*found;
  }

  void describe_entry(const std::string& profile, std::string_view entry,
                      const ProfileEndpointSpec& old, const ProfileEndpointSpec& fresh) {
    constexpr std::string_view kUsual = "endpoint ";
    if (entry.starts_with(kUsual)) entry.remove_prefix(kUsual.size());
    const auto add = [&](const char* key, auto before, auto after) {
      if (before == after) return;
      changes_.push_back(
          fmt::format("profile {}: {} of {} {} -> {}", profile, key, entry, before, after));
    };
    const auto add_changed = [&](const char* key, bool is_same) {
      if (!is_same)
        changes_.push_back(fmt::format("profile {}: {} of {} changed", profile, key, entry));
    };
    add("weight", old.weight, fresh.weight);
    add("priority", old.priority, fresh.priority);
    add("always_serve", old.always_serve, fresh.always_serve);
    add("enabled", old.enabled, fresh.enabled);
    add("min_children", old.min_children, fresh.min_children);
    add("min_children_ipv4", old.min_children_ipv4, fresh.min_children_ipv4);
    add("min_children_ipv6", old.min_children_ipv6, fresh.min_children_ipv6);
    add_changed("regions", old.regions == fresh.regions);
    add_changed("subnets", old.subnets == fresh.subnets);
  }

  const Config& before_;
  const Config& after_;
  std::vector<std::string> changes_;
};

}  // namespace

std::vector<std::string> describe_changes(const Config& before, const Config& after) {
  return ChangeList(before, after).describe();
}

}  // namespace gslb::app

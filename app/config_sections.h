#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/config_reader.h"
#include "app/config_report.h"
#include "app/config_text.h"

// The sections of the configuration file, one reader each. A later section refers to names of an
// earlier one, so they are read in the order in which they stand here.
namespace gslb::app::loading {

/// What other sections can refer to by name, and whether one did.
template <typename T>
class Names {
 public:
  struct Item {
    T value;
    std::string path;
    Position position;
    bool is_used = false;
  };

  void add(const NamedTable& named, T value) {
    items_.insert_or_assign(named.name, Item{std::move(value), named.path, named.position()});
  }

  /// Marks the item as used.
  const T* find(const std::string& name) {
    const auto found = items_.find(name);
    if (found == items_.end()) return nullptr;
    found->second.is_used = true;
    return &found->second.value;
  }

  bool is_used(const std::string& name) const {
    const auto found = items_.find(name);
    return found != items_.end() && found->second.is_used;
  }

  std::vector<std::string_view> words() const {
    std::vector<std::string_view> words;
    for (const auto& [name, item] : items_) words.push_back(name);
    return words;
  }

  void warn_of_unused(const std::string& message, Report& report) const {
    for (const auto& [name, item] : items_) {
      if (!item.is_used) report.warning(item.position, item.path, message);
    }
  }

 private:
  std::map<std::string, Item> items_;
};

/// The configuration while it is read. Entries with errors are in it all the same, so that a
/// reference to one is not an error of its own; the whole is thrown away in the end.
struct Draft {
  Config config;
  std::filesystem::path folder;  ///< That relative paths start from.
  bool has_broken_zone = false;
  /// By name in presentation form, in lower case and without the final dot.
  Names<dns::Name> tsig_keys;
  std::map<std::size_t, Value> allow_transfer;  ///< By index into config.zones, where it is set.
  Names<std::shared_ptr<const health::MonitorSpec>> monitors;
  Names<routing::EndpointId> endpoints;
  Names<routing::ProfileId> profiles;
};

void read_server(const toml::table& root, Draft& draft, Report& report);
void read_tsig_keys(const toml::table& root, Draft& draft, Report& report);
void read_zones(const toml::table& root, Draft& draft, Report& report);
void read_monitors(const toml::table& root, Draft& draft, Report& report);
void read_endpoints(const toml::table& root, Draft& draft, Report& report);
void read_locations(const toml::table& root, Draft& draft, Report& report);
void read_profiles(const toml::table& root, Draft& draft, Report& report);
/// `server.geoip`, or the default where a profile needs to know where clients are.
void read_geo_database(const toml::table& root, Draft& draft, Report& report);

/// [latitude, longitude]
std::optional<routing::GeoPoint> read_coordinates(const Value& value, Report& report);
void read_latency(const toml::table& root, Draft& draft, Report& report);
void read_health(const toml::table& root, Draft& draft, Report& report);

/// A program, which must be there, and its arguments.
std::vector<std::string> read_command(const Value& value, Report& report);

/// Of http or https.
Parsed<std::string> parse_url(std::string_view text);

/// The content of a file that a key names; its errors are reported at the key. The file is added to
/// Config::files.
std::optional<std::string> read_named_file(const TableReader& reader, std::string_view key,
                                           Draft& draft);

/// Holds the master files of the zones against themselves and the profiles. Once all else is right.
void check_zones(const Draft& draft, Report& report);

/// Reads a name at `value` and looks it up. Reports a name that `[section.NAME]` does not define.
template <typename T>
const T* read_reference(const Value& value, std::string_view section, Names<T>& names,
                        Report& report) {
  const std::optional<std::string> name = read_string(value, report);
  if (!name) return nullptr;
  if (const T* found = names.find(*name)) return found;
  const std::string header = "[" + key_path(section, *name) + "]";
  const auto meant = nearest(*name, names.words());
  report.error(value.position(), value.path,
               "no " + header + " is defined; " +
                   (meant ? "did you mean " + quote(*meant) + "?" : "define it, or remove this"));
  return nullptr;
}

}  // namespace gslb::app::loading

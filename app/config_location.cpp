#include <algorithm>
#include <mutex>
#include <utility>

#include <sys/stat.h>

#include "app/config_sections.h"
#include "app/config_text.h"
#include "app/default_geo_database.h"
#include "routing/region.h"

namespace gslb::app::loading {
namespace {

using routing::ConfiguredLocation;
using routing::GeoDatabase;
using routing::GeoPoint;

using LoadedDatabase = tl::expected<std::shared_ptr<const GeoDatabase>, std::string>;

/// What tells one state of a file from another without reading it.
struct FileState {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};

  bool operator==(const FileState& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
  }
};

/// Loads a database, or returns that of last time while its file is the same. It is large, and read
/// again whenever anything in the configuration changes. Thread-safe.
LoadedDatabase load_database(const std::filesystem::path& file) {
  struct Last {
    std::filesystem::path file;
    FileState state;
    std::shared_ptr<const GeoDatabase> database;
  };
  static std::mutex mutex;
  static Last last;

  struct stat status {};
  FileState state;
  if (::stat(file.c_str(), &status) == 0) {
    state = {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
    const std::lock_guard lock(mutex);
    if (last.database && last.file == file && last.state == state) return last.database;
  }
  LoadedDatabase loaded = routing::load_geo_database(file);
  if (loaded) {
    const std::lock_guard lock(mutex);
    last = {file, state, *loaded};
  }
  return loaded;
}

/// As routing::make_location_map, or the map of last time where all is the same. Thread-safe.
std::shared_ptr<const routing::LocationMap> make_map(
    const std::shared_ptr<const GeoDatabase>& database,
    const std::vector<ConfiguredLocation>& locations) {
  struct Last {
    std::shared_ptr<const GeoDatabase> database;
    std::vector<ConfiguredLocation> locations;
    std::shared_ptr<const routing::LocationMap> map;
  };
  static std::mutex mutex;
  static Last last;
  const std::lock_guard lock(mutex);
  if (!last.map || last.database != database || last.locations != locations) {
    last = {database, locations, routing::make_location_map(database.get(), locations)};
  }
  return last.map;
}

std::optional<double> read_degrees(const toml::node& node, double limit) {
  const std::optional<double> degrees = node.value<double>();
  if (!degrees || !(*degrees >= -limit && *degrees <= limit)) return std::nullopt;
  return degrees;
}

void read_location(const Value& value, Draft& draft, Report& report) {
  const toml::table* table = read_table(value, report, "write [[location]] with prefix and region");
  if (table == nullptr) return;
  TableReader reader(*table, value.path, report);
  reader.check_keys({"prefix", "region", "coordinates"}, {});
  reader.require("prefix", "write the network of the clients, such as prefix = \"10.20.0.0/16\"");
  ConfiguredLocation location;
  if (const auto region = reader.parsed("region", parse_region)) location.region = *region;
  if (const auto point = reader.find("coordinates")) {
    location.point = read_coordinates(*point, report);
  } else if (!reader.has("region")) {
    reader.require("region",
                   "write where the clients are, such as region = \"GB\", or coordinates");
  }
  const auto prefix = reader.parsed("prefix", parse_prefix);
  if (!prefix) return;
  location.prefix = *prefix;
  const auto same = [&](const ConfiguredLocation& other) {
    return base::to_range(other.prefix) == base::to_range(location.prefix);
  };
  if (std::any_of(draft.config.locations.begin(), draft.config.locations.end(), same)) {
    reader.error("prefix", quote(base::to_string(*prefix)) + " is placed twice; remove one");
  }
  draft.config.locations.push_back(std::move(location));
}

/// Whether any answer depends on where its client is.
bool needs_places(const Config& config) {
  return std::any_of(config.profiles.begin(), config.profiles.end(), [](const auto& profile) {
    return profile.method == routing::Method::kGeographic ||
           profile.method == routing::Method::kPerformance;
  });
}

}  // namespace

std::optional<GeoPoint> read_coordinates(const Value& value, Report& report) {
  const toml::array* array = value.node->as_array();
  std::optional<double> latitude, longitude;
  if (array != nullptr && array->size() == 2) {
    latitude = read_degrees(*array->get(0), 90);
    longitude = read_degrees(*array->get(1), 180);
  }
  if (latitude && longitude) return GeoPoint{*latitude, *longitude};
  report.error(value.position(), value.path,
               "is no place; write latitude and longitude in degrees, such as [51.5, -0.1]");
  return std::nullopt;
}

void read_locations(const toml::table& root, Draft& draft, Report& report) {
  const toml::node* node = root.get("location");
  if (node == nullptr) return;
  const Value value{node, "location"};
  if (!node->is_array()) {
    report.error(value.position(), value.path,
                 "expected an array of tables, not " + std::string(type_name(*node)) +
                     "; write [[location]]");
    return;
  }
  const auto elements = read_array(value, report);
  for (const Value& element : *elements) read_location(element, draft, report);
}

void read_geo_database(const toml::table& root, Draft& draft, Report& report) {
  Config& config = draft.config;
  const toml::table* server = root["server"].as_table();
  const toml::table none;
  const TableReader reader(server == nullptr ? none : *server, "server", report);
  std::shared_ptr<const GeoDatabase> database;
  if (const auto name = reader.string("geoip")) {
    const std::filesystem::path file = draft.folder / *name;
    const LoadedDatabase loaded = load_database(file);
    if (!loaded) {
      reader.error("geoip", quote(*name) + ": " + loaded.error());
      return;
    }
    database = *loaded;
    config.files.push_back(file);
    config.geo_file = file;
  } else if (needs_places(config)) {
    const auto file = default_geo_database();
    if (!file) {
      report.warning({}, {},
                     "the country database of gslbd is not installed, so the places of clients are "
                     "not known; name one as server.geoip");
    } else if (const LoadedDatabase loaded = load_database(*file); loaded) {
      database = *loaded;
      config.geo_file = *file;
      config.files.push_back(*file);
    } else {
      report.error({}, {}, quote(file->string()) + ": " + loaded.error());
      return;
    }
  }
  config.geo_database = database;
  if (database || !config.locations.empty()) {
    config.location_map = make_map(database, config.locations);
  }
}

}  // namespace gslb::app::loading

#include "routing/geo_database.h"

#include <maxminddb.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "base/unique_fd.h"
#include "routing/region.h"

namespace gslb::routing {
namespace {

constexpr std::size_t kMaxFileSize = std::size_t{1} << 30;

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    if (is_open_) MMDB_close(&handle_);
  }

  int open(const char* path) {
    const int status = MMDB_open(path, MMDB_MODE_MMAP, &handle_);
    is_open_ = status == MMDB_SUCCESS;
    return status;
  }
  MMDB_s& handle() { return handle_; }

 private:
  MMDB_s handle_{};
  bool is_open_ = false;
};

/// A value below an entry; nothing where there is none. Fails where the data is damaged.
class Record {
 public:
  explicit Record(MMDB_entry_s entry) : entry_(entry) {}

  std::optional<std::string> text(std::initializer_list<const char*> path) {
    const auto data = find(path);
    if (!data || data->type != MMDB_DATA_TYPE_UTF8_STRING) return std::nullopt;
    return std::string(data->utf8_string, data->data_size);
  }

  std::optional<double> number(std::initializer_list<const char*> path) {
    const auto data = find(path);
    if (!data) return std::nullopt;
    switch (data->type) {
      case MMDB_DATA_TYPE_DOUBLE:
        return data->double_value;
      case MMDB_DATA_TYPE_FLOAT:
        return static_cast<double>(data->float_value);
      case MMDB_DATA_TYPE_UTF8_STRING: {
        double value = 0;
        const char* end = data->utf8_string + data->data_size;
        const auto [stop, error] = std::from_chars(data->utf8_string, end, value);
        if (error != std::errc{} || stop != end) return std::nullopt;
        return value;
      }
      default:
        return std::nullopt;
    }
  }

  bool is_damaged() const { return is_damaged_; }

 private:
  std::optional<MMDB_entry_data_s> find(std::initializer_list<const char*> path) {
    std::array<const char*, 5> terminated{};
    std::copy(path.begin(), path.end(), terminated.begin());
    MMDB_entry_data_s data{};
    const int status = MMDB_aget_value(&entry_, &data, terminated.data());
    const bool is_absent = status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
                           status == MMDB_INVALID_LOOKUP_PATH_ERROR;
    if (status != MMDB_SUCCESS && !is_absent) is_damaged_ = true;
    if (status != MMDB_SUCCESS || !data.has_data) return std::nullopt;
    return data;
  }

  MMDB_entry_s entry_;
  bool is_damaged_ = false;
};

/// Takes what there is: GeoIP2, GeoLite2 and DB-IP nest the code in `country`, ip-location-db has
/// it beside the coordinates.
GeoPlace place_in(Record& record) {
  GeoPlace place;
  auto country = record.text({"country", "iso_code"});
  if (!country) country = record.text({"country_code"});
  if (!country) country = record.text({"registered_country", "iso_code"});
  if (country) place.region = normalise_region(*country).value_or("");
  if (!place.region.empty()) {
    if (const auto part = record.text({"subdivisions", "0", "iso_code"})) {
      place.region = normalise_region(place.region + "-" + *part).value_or(place.region);
    }
  }
  auto latitude = record.number({"location", "latitude"});
  auto longitude = record.number({"location", "longitude"});
  if (!latitude) latitude = record.number({"latitude"});
  if (!longitude) longitude = record.number({"longitude"});
  const bool is_point = latitude && longitude && *latitude >= -90 && *latitude <= 90 &&
                        *longitude >= -180 && *longitude <= 180;
  if (is_point) place.point = GeoPoint{*latitude, *longitude};
  return place;
}

/// Walks the search tree of a database, in the order of addresses.
class TreeWalk {
 public:
  explicit TreeWalk(MMDB_s& database) : database_(database) {}

  /// Empty when all went well.
  std::string run(GeoDatabase& result) {
    result_ = &result;
    const bool has_v6 = database_.metadata.ip_version == 6;
    if (!has_v6) {
      visit_node(0, 0, true);
      return std::move(error_);
    }
    // IPv4 lies at ::/96; other ways there are aliases, such as 2002::/16 (RFC 3056).
    v4_root_ = database_.ipv4_start_node.node_value;
    has_v4_root_ =
        database_.ipv4_start_node.netmask == 96 && v4_root_ < database_.metadata.node_count;
    if (has_v4_root_) visit_node(v4_root_, 0, true);
    bits_ = {};
    visit_node(0, 0, false);
    return std::move(error_);
  }

 private:
  void visit_node(std::uint32_t node, unsigned depth, bool v4) {
    if (!error_.empty()) return;
    // In a tree every node is reached once; the two families make it twice.
    if (++visited_ > 2 * std::uint64_t{database_.metadata.node_count} + 2 ||
        depth >= (v4 ? 32U : 128U)) {
      error_ = "its search tree is damaged";
      return;
    }
    MMDB_search_node_s found{};
    if (const int status = MMDB_read_node(&database_, node, &found); status != MMDB_SUCCESS) {
      error_ = MMDB_strerror(status);
      return;
    }
    const auto child = [&](bool right) {
      set_bit(depth, right);
      visit_record(right ? found.right_record : found.left_record,
                   right ? found.right_record_type : found.left_record_type,
                   right ? found.right_record_entry : found.left_record_entry, depth + 1, v4);
      set_bit(depth, false);
    };
    child(false);
    child(true);
  }

  void visit_record(std::uint64_t record, std::uint8_t type, MMDB_entry_s entry, unsigned depth,
                    bool v4) {
    if (!error_.empty()) return;
    switch (type) {
      case MMDB_RECORD_TYPE_SEARCH_NODE: {
        const auto node = static_cast<std::uint32_t>(record);
        if (!v4 && has_v4_root_ && node == v4_root_) return;
        visit_node(node, depth, v4);
        return;
      }
      case MMDB_RECORD_TYPE_DATA:
        add_network(entry, depth, v4);
        return;
      case MMDB_RECORD_TYPE_EMPTY:
        return;
      default:
        error_ = "its search tree is damaged";
    }
  }

  void add_network(MMDB_entry_s entry, unsigned depth, bool v4) {
    const auto place = place_at(entry);
    if (!place) return;
    base::IpAddress address = v4 ? base::IpAddress::v4({bits_[0], bits_[1], bits_[2], bits_[3]})
                                 : base::IpAddress::v6(bits_);
    const base::AddressRange range =
        base::to_range(base::AddressPrefix{address, static_cast<std::uint8_t>(depth)});
    std::vector<GeoDatabase::Network>& networks = result_->networks;
    if (!networks.empty() && networks.back().place == *place &&
        base::next(networks.back().range.last) == range.first) {
      networks.back().range.last = range.last;
    } else {
      networks.push_back({range, *place});
    }
  }

  /// Nothing for a record that knows no place, and for a damaged one.
  std::optional<std::uint32_t> place_at(MMDB_entry_s entry) {
    const auto known = by_offset_.find(entry.offset);
    if (known != by_offset_.end()) return known->second;
    Record record(entry);
    const GeoPlace place = place_in(record);
    if (record.is_damaged()) {
      error_ = "its data is damaged";
      return std::nullopt;
    }
    std::optional<std::uint32_t> index;
    if (!place.region.empty() || place.point) {
      const auto key = std::tuple(place.region, place.point ? place.point->latitude : 999,
                                  place.point ? place.point->longitude : 999);
      index =
          by_place_.emplace(key, static_cast<std::uint32_t>(result_->places.size())).first->second;
      if (*index == result_->places.size()) result_->places.push_back(place);
    }
    by_offset_.emplace(entry.offset, index);
    return index;
  }

  void set_bit(unsigned at, bool value) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> at % 8);
    std::uint8_t& byte = bits_[at / 8];
    byte = static_cast<std::uint8_t>(value ? byte | mask : byte & ~mask);
  }

  MMDB_s& database_;
  GeoDatabase* result_ = nullptr;
  std::array<std::uint8_t, 16> bits_{};
  std::uint32_t v4_root_ = 0;
  bool has_v4_root_ = false;
  std::uint64_t visited_ = 0;
  std::string error_;
  std::unordered_map<std::uint32_t, std::optional<std::uint32_t>> by_offset_;
  std::map<std::tuple<std::string, double, double>, std::uint32_t> by_place_;
};

tl::unexpected<std::string> refuse(const std::string& what) {
  return tl::make_unexpected("is no geo database that can be read (" + what +
                             "); fetch it again, or name another");
}

/// Puts the content into a file without a name, which nobody can cut short while it is mapped.
base::UniqueFd make_memory_file(std::string_view content) {
  base::UniqueFd file(::memfd_create("geo", MFD_CLOEXEC));
  while (file && !content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written <= 0) return {};
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return file;
}

}  // namespace

tl::expected<std::shared_ptr<const GeoDatabase>, std::string> parse_geo_database(
    std::string_view content) {
  if (content.empty()) return refuse("it is empty");
  const base::UniqueFd file = make_memory_file(content);
  if (!file) return tl::make_unexpected("cannot be held in memory: " + base::errno_text());
  Database database;
  const int status = database.open(("/proc/self/fd/" + std::to_string(file.get())).c_str());
  if (status != MMDB_SUCCESS) return refuse(MMDB_strerror(status));

  auto result = std::make_shared<GeoDatabase>();
  const char* type = database.handle().metadata.database_type;
  result->type = type == nullptr ? "" : type;
  const std::string error = TreeWalk(database.handle()).run(*result);
  if (!error.empty()) return refuse(error);
  if (result->networks.empty()) {
    return refuse("no record has a country or coordinates; it is of type \"" + result->type + "\"");
  }
  result->networks.shrink_to_fit();
  return result;
}

tl::expected<std::shared_ptr<const GeoDatabase>, std::string> load_geo_database(
    const std::filesystem::path& file) {
  const auto content =
      base::read_file(file, kMaxFileSize, "is larger than 1 GiB; name a geo database");
  if (!content) return tl::make_unexpected(content.error());
  return parse_geo_database(content->text);
}

}  // namespace gslb::routing

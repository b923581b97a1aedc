#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "app/diagnostics.h"
#include "base/ip_address.h"
#include "dns/cookie.h"
#include "dns/rate_limiter.h"
#include "dns/tls_credentials.h"
#include "dns/tsig.h"
#include "health/load_spec.h"
#include "health/spec.h"
#include "routing/geo_database.h"
#include "routing/latency_store.h"
#include "routing/spec.h"
#include "zones/spec.h"

namespace gslb::app {

/// `[server] cookies` (RFC 7873)
struct CookieSpec {
  bool enabled = true;
  bool require = false;
  std::shared_ptr<const dns::CookieKeys> keys;  ///< Null: a secret of this process alone.
};

/// `[server] tls_listen, tls_certificate, tls_key`: DNS over TLS (RFC 7858).
struct TlsSpec {
  std::vector<base::SocketAddress> listen;
  std::shared_ptr<const dns::TlsCredentials> credentials;  ///< Never null with `listen`.
};

/// `[server] control`: where the Unix socket of the admin API is.
struct ControlSpec {
  std::filesystem::path path = "/run/gslbd/control.sock";
  bool is_default = true;  ///< Not asked for, so that gslbd also runs where it cannot be.
};

/// `[server] http, token_file`: the admin API over TCP.
struct HttpSpec {
  std::optional<base::SocketAddress> listen;  ///< Port 0 = the kernel picks one. None: not served.
  std::string token;                          ///< Never empty where others than this host get in.
};

/// `[server]`
struct ServerSpec {
  std::vector<base::SocketAddress> listen;  ///< Never empty; port 0 = the kernel picks one.
  unsigned workers = 0;                     ///< UDP workers per listen address; 0 = one per core.
  std::string identity;                     ///< At most 255 octets; empty: not told.
  std::string version;                      ///< Likewise, for version.server.
  ControlSpec control;
  HttpSpec http;
  TlsSpec tls;
  CookieSpec cookies;
  std::optional<dns::RateLimits> rate_limit;
  /// Load balancers, whose TCP and TLS connections must begin with a PROXY header.
  std::vector<base::AddressPrefix> proxy_from;
  std::filesystem::path state_dir;  ///< Empty: nothing is kept over a restart.
};

/// `[latency]`, and the lines of `latency_file`.
struct LatencySpec {
  routing::LatencyLimits limits;
  /// Their endpoints are positions in Config::endpoints. Null: there is no file.
  std::shared_ptr<const std::vector<routing::FiledLatency>> lines;
};

/// `[health]`
struct HealthSpec {
  health::ProbingSpec probing;
  std::vector<std::string> on_change;  ///< A command for each event; empty: none.
  std::string webhook;                 ///< A URL that each event is posted to; empty: none.
};

/// `[endpoint.NAME]`: what routing answers and what health probes.
struct EndpointConfig {
  routing::EndpointSpec routing;
  std::vector<std::shared_ptr<const health::MonitorSpec>> monitors;  ///< Empty: Unmonitored.
  std::size_t monitors_required = 0;            ///< So many of them must pass; 0: all.
  std::chrono::milliseconds ramp_up{0};         ///< Its weight grows for so long after recovery.
  std::chrono::milliseconds failback_delay{0};  ///< It stays Degraded for so long.
  std::optional<base::IpAddress> probe_address;
  std::optional<health::LoadSpec> load;
};

/// A configuration file that passed every check. Immutable once loaded. All names are resolved: a
/// routing::EndpointId in `profiles` is an index into `endpoints`.
struct Config {
  ServerSpec server;
  HealthSpec health;
  std::shared_ptr<const dns::TsigKeys> tsig_keys;  ///< `[tsig."NAME"]`; null: there are none.
  std::vector<zones::ZoneSpec> zones;
  std::vector<EndpointConfig> endpoints;
  std::vector<routing::ProfileSpec> profiles;
  std::vector<routing::ConfiguredLocation> locations;        ///< `[[location]]`
  std::filesystem::path geo_file;                            ///< Empty: no geo database is used.
  std::shared_ptr<const routing::GeoDatabase> geo_database;  ///< Its content.
  /// Made of the two; null where neither is.
  std::shared_ptr<const routing::LocationMap> location_map;
  LatencySpec latency;
  /// The further files that it was made of: the zones' master files with all that they include,
  /// secrets, and folders, such as those of keys, each of which stands for all its files.
  std::vector<std::filesystem::path> files;
  /// Changes with the file, the master files and the keys, and stays over a restart: the time of
  /// their last change, in seconds since 1970. Serves as the SOA serial.
  std::uint32_t serial = 0;
};

/// `config` is null exactly when `diagnostics` holds an error; warnings alone leave it set.
struct ConfigResult {
  std::shared_ptr<const Config> config;
  Diagnostics diagnostics;  ///< In the order of their position in the file.
};

/// Reads, checks and resolves the file. Never throws. Thread-safe.
ConfigResult load_config(const std::filesystem::path& file);

/// The same for text that is already at hand; `file` is what diagnostics name, and where relative
/// paths start from.
ConfigResult parse_config(std::string_view text, const std::string& file, std::uint32_t serial);

/// Where a relative path in the configuration leads to, without a final '/'.
std::filesystem::path resolve_folder(const std::filesystem::path& config_folder,
                                     const std::string& path);

/// The key_dir of a zone as the file has it, while nothing else of the file is checked: the
/// directory may still wait for its first key. The error is a line for people, with its place.
tl::expected<std::filesystem::path, std::string> find_key_dir(const std::filesystem::path& file,
                                                              const dns::Name& zone);

/// The path of the control socket that the file asks for, or the default; nothing else of the file
/// is checked. The error is a line for people.
tl::expected<std::filesystem::path, std::string> find_control(const std::filesystem::path& file);

}  // namespace gslb::app

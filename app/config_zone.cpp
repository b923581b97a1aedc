#include <algorithm>
#include <utility>

#include "app/config_file.h"
#include "app/config_sections.h"
#include "app/config_text.h"
#include "app/zone_profiles.h"
#include "zones/dnssec_key_file.h"
#include "zones/master_file.h"
#include "zones/transfer.h"
#include "zones/zone_check.h"

namespace gslb::app::loading {
namespace {

using namespace std::chrono_literals;

const Section& section() {
  static const Section kSection{"zone",
                                "[zone.\"NAME\"]",
                                {"nameservers", "hostmaster", "negative_ttl", "file", "dnssec",
                                 "allow_transfer", "transfer_key"},
                                {}};
  return kSection;
}

/// Of records in a master file without a TTL and without $TTL.
constexpr std::chrono::seconds kDefaultRecordTtl = 1h;

constexpr std::string_view kNameserversExample =
    "write nameservers = { \"ns1.gslb.example.com\" = [\"192.0.2.53\"] }";

std::optional<zones::NameServerSpec> read_nameserver(const Entry& entry,
                                                     const std::optional<dns::Name>& apex,
                                                     Report& report) {
  const Parsed<dns::Name> name = parse_domain_name(entry.key);
  if (!name) {
    report.error(entry.key_position, entry.value.path, name.error());
    return std::nullopt;
  }
  if (entry.value.node->is_table()) {
    report.error(entry.key_position, entry.value.path,
                 "a name with dots must be quoted; " + std::string(kNameserversExample));
    return std::nullopt;
  }
  zones::NameServerSpec server{*name, read_addresses(entry.value, report)};
  if (!apex) return server;

  const toml::array* listed = entry.value.node->as_array();
  const bool lists_none = listed != nullptr && listed->empty();
  if (name->is_at_or_below(*apex)) {
    if (lists_none) {
      report.error(entry.value.position(), entry.value.path,
                   "a name server inside the zone needs an address; add at least one");
    }
  } else if (!lists_none) {
    report.warning(entry.key_position, entry.value.path,
                   "lies outside the zone, so its addresses are not served; write [] instead");
    server.addresses.clear();
  }
  return server;
}

std::vector<zones::NameServerSpec> read_nameservers(const Value& value,
                                                    const std::optional<dns::Name>& apex,
                                                    Report& report) {
  std::vector<zones::NameServerSpec> servers;
  const toml::table* table = read_table(value, report);
  if (table == nullptr) return servers;
  if (table->empty()) {
    report.error(value.position(), value.path, "is empty; " + std::string(kNameserversExample));
  }
  for (const Entry& entry : entries_of(*table, value.path)) {
    auto server = read_nameserver(entry, apex, report);
    if (!server) continue;
    const bool is_known =
        std::any_of(servers.begin(), servers.end(),
                    [&](const zones::NameServerSpec& known) { return known.name == server->name; });
    if (is_known) {
      report.error(entry.key_position, entry.value.path,
                   quote(server->name.to_string()) + " is listed twice; remove one");
      continue;
    }
    servers.push_back(std::move(*server));
  }
  return servers;
}

/// `hostmaster@ZONE` where the file does not say otherwise.
std::optional<dns::Name> read_hostmaster(const TableReader& reader, const dns::Name& apex) {
  if (reader.has("hostmaster")) return reader.parsed("hostmaster", parse_mail_address);
  const tl::expected<dns::Name, std::string> name =
      dns::parse_mailbox("hostmaster@" + apex.to_string());
  if (name) return *name;
  reader.error("hostmaster", "hostmaster@" + printable(apex.to_string()) + " " + name.error() +
                                 "; set hostmaster");
  return std::nullopt;
}

/// Reads the master file. Its errors are reported where they stand in it.
void read_master_file(const TableReader& reader, zones::ZoneSpec& zone, Draft& draft,
                      Report& report) {
  const auto text = reader.string("file");
  if (!text) return;
  if (text->empty()) return reader.error("file", "is empty; write the path of a master file");
  const std::filesystem::path file = draft.folder / *text;
  auto content = std::make_shared<zones::MasterFile>(
      zones::read_master_file(file, zone.apex, kDefaultRecordTtl));
  for (const zones::MasterFileError& error : content->errors) {
    if (error.line == 0) {
      reader.error("file", quote(*text) + ": " + error.message);  // Where the file is named.
    } else {
      report.error_in(error.file, error.line, error.message);
    }
  }
  for (const std::string& read : content->files) {
    draft.config.files.emplace_back(read);
    draft.config.serial = std::max(draft.config.serial, modification_time(read));
  }
  zone.file = std::move(content);
}

/// Reads the keys of the zone. Their errors are reported where the directory is named.
std::vector<std::shared_ptr<const zones::DnssecKey>> read_zone_keys(const TableReader& reader,
                                                                    const dns::Name& apex,
                                                                    Draft& draft) {
  reader.require("key_dir", "write the path of the directory that holds the keys of the zone");
  const auto text = reader.string("key_dir");
  if (!text) return {};
  if (text->empty()) {
    reader.error("key_dir", "is empty; write the path of the directory of the keys");
    return {};
  }
  constexpr std::size_t kWhole = 4096;  // Paths must not be cut.
  const std::filesystem::path folder = resolve_folder(draft.folder, *text);
  auto set = zones::read_keys(folder, apex);
  if (!set) {
    for (const zones::KeyError& error : set.error()) {
      // As the directory is written in the configuration.
      const std::filesystem::path file =
          error.file == folder
              ? std::filesystem::path(*text)
              : std::filesystem::path(*text) / std::filesystem::path(error.file).filename();
      reader.error("key_dir", printable('"' + file.string() + "\": " + error.message, kWhole));
    }
    return {};
  }
  for (const std::string& warning : set->warnings) {
    reader.warning("key_dir", printable(warning, kWhole));
  }
  // The folder stands for its files: a new key is a change, too.
  draft.config.files.push_back(folder);
  draft.config.serial = std::max(draft.config.serial, modification_time(folder));
  for (const auto& key : set->keys) {
    for (const char* extension : {".key", ".private"}) {
      const std::filesystem::path file = folder / (key->file_name() + extension);
      draft.config.serial = std::max(draft.config.serial, modification_time(file));
    }
  }
  return std::move(set->keys);
}

void read_dnssec(const Value& value, zones::ZoneSpec& zone, Draft& draft, Report& report) {
  const toml::table* table = read_table(value, report, "write dnssec = { key_dir = \"keys\" }");
  if (table == nullptr) return;
  TableReader reader(*table, value.path, report);
  reader.check_keys({"key_dir", "signature_validity"}, {});
  zones::SigningSpec signing;
  // RFC 6781 §4.4.2: long enough to mend what is broken, short enough to limit replays.
  const auto validity = reader.duration("signature_validity", {1min, 8760h, 1s});
  if (validity) signing.validity = std::chrono::duration_cast<std::chrono::seconds>(*validity);
  signing.keys = read_zone_keys(reader, zone.apex, draft);
  zone.signing = std::move(signing);
}

/// Names of keys are DNS names, so letter case and a final dot do not matter.
std::optional<dns::Name> read_key_reference(const TableReader& reader, std::string_view key,
                                            Draft& draft) {
  const auto name = reader.parsed(key, parse_domain_name);
  if (!name) return std::nullopt;
  const std::string normal = name->lower().to_string();
  if (const dns::Name* found = draft.tsig_keys.find(normal)) return *found;
  const auto meant = nearest(normal, draft.tsig_keys.words());
  reader.error(key, "no [" + key_path("tsig", normal) + "] is defined; " +
                        (meant ? "did you mean " + quote(*meant) + "?" : "define it"));
  return std::nullopt;
}

/// Neither key is of use alone: an address can be forged by who is on the way, and a key can be
/// carried away.
std::optional<zones::TransferSpec> read_transfer(const TableReader& reader, Draft& draft,
                                                 Report& report) {
  const auto networks = reader.find("allow_transfer");
  if (!networks && !reader.has("transfer_key")) return std::nullopt;
  reader.require("allow_transfer",
                 "write the addresses of the other servers, such as [\"192.0.2.53\"]");
  reader.require("transfer_key", "write the name of a [tsig.\"NAME\"] that they sign with");
  zones::TransferSpec transfer;
  if (networks) {
    transfer.allow = read_prefixes(*networks, report);
    const toml::array* listed = networks->node->as_array();
    if (listed != nullptr && listed->empty()) {
      reader.error("allow_transfer", "is empty; write at least one address, or remove it");
    }
  }
  if (const auto key = read_key_reference(reader, "transfer_key", draft)) transfer.key = *key;
  return transfer;
}

void read_zone(const NamedTable& named, Draft& draft, Report& report) {
  TableReader reader(*named.table, named.path, report);
  reader.check_keys(section().keys, section().later_keys);

  std::optional<dns::Name> apex;
  if (const Parsed<dns::Name> name = parse_domain_name(named.name)) {
    apex = *name;
  } else {
    report.error(named.position(), named.path, name.error());
    draft.has_broken_zone = true;
  }
  zones::ZoneSpec zone;
  reader.require("nameservers", kNameserversExample);
  if (const auto servers = reader.find("nameservers")) {
    zone.nameservers = read_nameservers(*servers, apex, report);
  }
  zone.negative_ttl = std::chrono::duration_cast<std::chrono::seconds>(
      reader.duration("negative_ttl", {0s, 24h, 1s}).value_or(60s));
  if (!apex) return;

  zone.hostmaster = read_hostmaster(reader, *apex).value_or(dns::Name());
  zone.apex = *apex;
  const std::vector<zones::ZoneSpec>& zones = draft.config.zones;
  const bool is_known = std::any_of(zones.begin(), zones.end(), [&](const zones::ZoneSpec& known) {
    return known.apex == zone.apex;
  });
  if (is_known) {
    report.error(named.position(), named.path,
                 "the zone " + quote(apex->to_string()) + " is defined twice; remove one");
    return;
  }
  read_master_file(reader, zone, draft, report);
  if (const auto dnssec = reader.find("dnssec")) read_dnssec(*dnssec, zone, draft, report);
  zone.transfer = read_transfer(reader, draft, report);
  if (const auto networks = reader.find("allow_transfer")) {
    draft.allow_transfer.emplace(zones.size(), *networks);
  }
  draft.config.zones.push_back(std::move(zone));
}

/// What a transfer carries is the same for everyone and does not know of health.
void check_transfer(const Draft& draft, std::size_t index,
                    const std::vector<zones::ProfileName>& profiles, Report& report) {
  const Config& config = draft.config;
  const zones::ZoneSpec& zone = config.zones[index];
  const auto found = draft.allow_transfer.find(index);
  if (!zone.transfer || found == draft.allow_transfer.end()) return;
  const Value& key = found->second;
  if (zone.signing) {
    report.error(key.position(), key.path,
                 "a zone with dnssec is not transferred; remove this, and run gslbd with the same "
                 "configuration and the same keys on the other server");
  }
  if (!profiles.empty()) {
    report.error(key.position(), key.path,
                 "the profile " + quote(config.profiles[profiles.front().id].name) +
                     " lies in the zone, and its answers depend on health and on the client, which "
                     "a transfer cannot carry; move it to a zone of its own, or remove this and "
                     "run gslbd with the same configuration on the other server");
  }
  if (!zone.file) return;
  if (const auto problem = zones::check_transfer(*zone.file)) {
    report.error_in(zone.file->files[problem->source.file], problem->source.line, problem->message);
  }
}

}  // namespace

void read_zones(const toml::table& root, Draft& draft, Report& report) {
  const std::vector<NamedTable> tables = named_tables(root, section(), report);
  for (const NamedTable& named : tables) read_zone(named, draft, report);
  const toml::node* node = root.get("zone");
  const toml::table* table = node == nullptr ? nullptr : node->as_table();
  if (tables.empty()) draft.has_broken_zone = true;
  if (node == nullptr || (table != nullptr && table->empty())) {
    report.error({1, 1}, "zone", "no zone is defined; add at least one [zone.\"NAME\"]");
  }
}

void check_zones(const Draft& draft, Report& report) {
  const Config& config = draft.config;
  const auto profiles = profiles_of_zones(config);
  for (std::size_t i = 0; i < config.zones.size(); ++i) {
    const zones::ZoneSpec& zone = config.zones[i];
    check_transfer(draft, i, profiles[i], report);
    for (const zones::ZoneProblem& problem : zones::check_zone(zone, profiles[i])) {
      if (problem.source) {
        report.error_in(zone.file->files[problem.source->file], problem.source->line,
                        problem.message);
      } else {
        const std::string key =
            problem.profile ? key_path("profile", config.profiles[*problem.profile].name) + ".name"
                            : key_path("zone", zone.apex.to_string());
        report.error({1, 1}, key, problem.message);
      }
    }
  }
}

}  // namespace gslb::app::loading

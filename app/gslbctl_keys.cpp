#include "app/gslbctl_keys.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "app/config.h"
#include "app/config_text.h"
#include "app/config_values.h"
#include "zones/dnssec_key_file.h"
#include "zones/signing_keys.h"

namespace gslb::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using zones::DnssecKey;
using zones::KeyAlgorithm;
using zones::KeyTiming;
using Key = std::shared_ptr<const DnssecKey>;
using Keys = std::vector<Key>;
using Time = std::chrono::sys_seconds;

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kUsageError = 2;

constexpr const char* kDefaultConfig = "/etc/gslbd/gslbd.toml";

enum class Role { kCsk, kKsk, kZsk };

/// A time of a key on the command line, and in JSON.
struct TimeOption {
  const char* name;
  const char* event;  ///< For people.
  KeyTiming::Time KeyTiming::*time;
};
constexpr std::array<TimeOption, 6> kTimeOptions{{
    {"publish", "published", &KeyTiming::publish},
    {"activate", "active", &KeyTiming::activate},
    {"inactive", "inactive", &KeyTiming::inactive},
    {"delete", "deleted", &KeyTiming::remove},
    {"sync-publish", "in CDS", &KeyTiming::sync_publish},
    {"sync-delete", "no longer in CDS", &KeyTiming::sync_remove},
}};

/// What the command line says, for all four commands.
struct Options {
  std::string zone;
  std::string key_dir;
  std::string config = kDefaultConfig;
  bool json = false;
  std::string algorithm = "ecdsap256sha256";
  std::string role = "csk";
  std::string key;  ///< A tag or the name of the files.
  std::array<std::string, kTimeOptions.size()> times;
};

Time now_in_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

void complain(const std::string& message) { fmt::print(stderr, "gslbctl: {}\n", message); }

int fail(const std::string& message) {
  complain(message);
  return kFailed;
}

int misuse(const std::string& message) {
  complain(message);
  return kUsageError;
}

std::string iso(Time time) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", time); }

// ---------------------------------------------------------------------------------------------
// What the keys of a zone are for

/// The keys of one zone at one moment.
class KeyView {
 public:
  KeyView(fs::path key_dir, Keys keys, Time now)
      : key_dir_(std::move(key_dir)),
        keys_(std::move(keys)),
        now_(now),
        signing_(zones::signing_keys(keys_, now)) {}

  const fs::path& key_dir() const { return key_dir_; }
  const Keys& keys() const { return keys_; }
  Time now() const { return now_; }
  std::vector<std::string> problems() const { return zones::find_key_problems(keys_, now_); }

  /// What an active key does, and what another would do beside those that are.
  Role role(const DnssecKey& key) const {
    const bool signs_all =
        contains(signing_.key_signing, key) && contains(signing_.zone_signing, key);
    if (signs_all) return Role::kCsk;
    if (!key.is_sep()) return Role::kZsk;
    const bool has_zsk = std::any_of(keys_.begin(), keys_.end(), [&](const Key& other) {
      return other->algorithm() == key.algorithm() && !other->is_sep() && other->is_active(now_);
    });
    return has_zsk ? Role::kKsk : Role::kCsk;
  }

  bool is_deleted(const DnssecKey& key) const { return has_come(key.timing().remove); }

  std::string_view state(const DnssecKey& key) const {
    if (is_deleted(key)) return "deleted";
    if (key.is_active(now_)) return "active";
    if (has_come(key.timing().inactive)) return "retired";
    if (key.is_published(now_)) return "published";
    return key.next_change(now_) ? "waiting" : "unused";
  }

  /// It is to be trusted through its DS. Its times in CDS tell when; without them, once it signs
  /// keys.
  bool belongs_at_parent(const DnssecKey& key) const {
    const KeyTiming& timing = key.timing();
    if (has_come(timing.sync_remove)) return false;
    if (timing.sync_publish && !has_come(timing.sync_publish)) return false;
    return contains(signing_.key_signing, key) || contains(signing_.sync, key);
  }

  /// The event at `time`.
  static std::string_view event_at(const DnssecKey& key, Time time) {
    for (const TimeOption& option : kTimeOptions) {
      if (key.timing().*(option.time) == time) return option.event;
    }
    return "";
  }

 private:
  bool has_come(const KeyTiming::Time& time) const { return time && *time <= now_; }

  static bool contains(const Keys& keys, const DnssecKey& key) {
    return std::any_of(keys.begin(), keys.end(),
                       [&](const Key& other) { return other.get() == &key; });
  }

  fs::path key_dir_;
  Keys keys_;
  Time now_;
  zones::SigningKeys signing_;
};

std::string_view to_string(Role role) {
  constexpr std::array<std::string_view, 3> kNames{"CSK", "KSK", "ZSK"};
  return kNames[static_cast<std::size_t>(role)];
}

/// As dnssec-dsfromkey(8) prints it.
std::string ds_record(const DnssecKey& key) {
  const std::vector<std::uint8_t> rdata = zones::ds_rdata(key, zones::DsDigest::kSha256);
  std::string digest;
  for (std::size_t i = 4; i < rdata.size(); ++i) digest += fmt::format("{:02X}", rdata[i]);
  return fmt::format("{}. IN DS {} {} {} {}", key.zone().to_string(), key.tag(),
                     static_cast<unsigned>(key.algorithm()),
                     static_cast<unsigned>(zones::DsDigest::kSha256), digest);
}

json::object to_json(const KeyView& view, const DnssecKey& key) {
  json::object times;
  for (const TimeOption& option : kTimeOptions) {
    if (const auto& time = key.timing().*(option.time)) times[option.name] = iso(*time);
  }
  json::object out{{"tag", key.tag()},
                   {"algorithm", zones::to_string(key.algorithm())},
                   {"role", to_string(view.role(key))},
                   {"flags", key.flags()},
                   {"file", (view.key_dir() / key.file_name()).string()},
                   {"state", view.state(key)},
                   {"next_change", nullptr},
                   {"ds_at_parent", view.belongs_at_parent(key)},
                   {"times", std::move(times)}};
  if (const auto next = key.next_change(view.now())) {
    out["next_change"] = {{"at", iso(*next)}, {"becomes", KeyView::event_at(key, *next)}};
  }
  return out;
}

// ---------------------------------------------------------------------------------------------
// From the command line to the keys

/// The zone, and the directory of its keys.
struct Place {
  dns::Name zone;
  fs::path key_dir;
};

/// Nothing after a complaint; `status` is the exit status then.
std::optional<Place> find_place(const Options& options, int& status) {
  const auto zone = loading::parse_domain_name(options.zone);
  if (!zone) {
    status = misuse("ZONE: " + zone.error());
    return std::nullopt;
  }
  if (!options.key_dir.empty()) return Place{*zone, resolve_folder({}, options.key_dir)};
  auto key_dir = find_key_dir(options.config, *zone);
  if (!key_dir) {
    status = fail(key_dir.error() + "; or name the directory with --key-dir");
    return std::nullopt;
  }
  return Place{*zone, std::move(*key_dir)};
}

/// All keys of the zone; `may_be_none`: an empty directory is fine. Nothing after a complaint.
std::optional<KeyView> read_view(const Place& place, Time now) {
  auto set = zones::load_keys(place.key_dir, place.zone);
  if (!set) {
    for (const zones::KeyError& error : set.error()) {
      fmt::print(stderr, "{}: error: {}\n", error.file, error.message);
    }
    return std::nullopt;
  }
  for (const std::string& warning : set->warnings) fmt::print(stderr, "warning: {}\n", warning);
  return KeyView(place.key_dir, std::move(set->keys), now);
}

/// The key with that tag, or those files. Nothing after a complaint.
Key find_key(const KeyView& view, const std::string& wanted) {
  Keys found;
  for (const Key& key : view.keys()) {
    const bool is_meant = std::to_string(key->tag()) == wanted || key->file_name() == wanted;
    if (is_meant) found.push_back(key);
  }
  if (found.size() == 1) return found.front();
  std::string names;
  for (const Key& key : found.empty() ? view.keys() : found) names += " " + key->file_name();
  complain(found.empty() ? fmt::format("no key {} in {}; there are:{}", wanted,
                                       view.key_dir().string(), names)
                         : fmt::format("several keys have the tag {}; name one of them instead:{}",
                                       wanted, names));
  return nullptr;
}

/// Applies --publish and the like. False after a complaint.
bool read_times(const Options& options, Time now, KeyTiming& timing) {
  for (std::size_t i = 0; i < kTimeOptions.size(); ++i) {
    if (options.times[i].empty()) continue;
    const auto time = parse_key_time_option(options.times[i], now);
    if (!time) {
      complain(fmt::format("--{}: {}", kTimeOptions[i].name, time.error()));
      return false;
    }
    timing.*(kTimeOptions[i].time) = *time;
  }
  return true;
}

/// A key must be in the zone before it signs, and stay until it no longer does.
std::optional<std::string> find_order_problem(const KeyTiming& timing) {
  struct Pair {
    const char* first;
    KeyTiming::Time KeyTiming::*before;
    const char* second;
    KeyTiming::Time KeyTiming::*after;
  };
  constexpr std::array<Pair, 6> kPairs{{
      {"publish", &KeyTiming::publish, "activate", &KeyTiming::activate},
      {"publish", &KeyTiming::publish, "delete", &KeyTiming::remove},
      {"activate", &KeyTiming::activate, "inactive", &KeyTiming::inactive},
      {"activate", &KeyTiming::activate, "delete", &KeyTiming::remove},
      {"inactive", &KeyTiming::inactive, "delete", &KeyTiming::remove},
      {"sync-publish", &KeyTiming::sync_publish, "sync-delete", &KeyTiming::sync_remove},
  }};
  for (const Pair& pair : kPairs) {
    const auto& before = timing.*(pair.before);
    const auto& after = timing.*(pair.after);
    if (before && after && *after < *before) {
      return fmt::format("the key would be \"{}\" at {}, before \"{}\" at {}; change one of them",
                         pair.second, iso(*after), pair.first, iso(*before));
    }
  }
  return std::nullopt;
}

/// What is wrong with keys that it was not with those before; empty: nothing.
std::vector<std::string> find_new_problems(const Keys& before, const Keys& after, Time now) {
  std::vector<std::string> problems;
  if (!zones::find_key_problems(before, now).empty()) return problems;
  problems = zones::find_key_problems(after, now);
  return problems;
}

/// Notes what the times lead to some day.
void warn_of_future(const Keys& keys, Time now) {
  std::fflush(stdout);  // The result comes first where both go to one place.
  for (const std::string& problem : zones::find_key_problems(keys, now)) {
    fmt::print(stderr, "warning: {}\n", problem);
    return;
  }
  if (const auto problem = zones::find_future_key_problem(keys, now)) {
    fmt::print(stderr, "warning: from {} on, {}\n", iso(problem->from), problem->message);
  }
}

// ---------------------------------------------------------------------------------------------
// The commands

/// Those that --publish and the like leave open.
KeyTiming default_timing(const Options& options, bool sep, Time now, KeyTiming timing) {
  const auto is_given = [&](std::size_t option) { return !options.times[option].empty(); };
  timing.created = now;
  if (!is_given(0)) timing.publish = now;
  if (!is_given(1)) timing.activate = timing.publish;
  // So that the parent learns of the key by itself, where it reads CDS (RFC 7344).
  if (sep && !is_given(4)) timing.sync_publish = timing.activate;
  return timing;
}

int generate(const Options& options) {
  const Time now = now_in_seconds();
  int status = kOk;
  const std::optional<Place> place = find_place(options, status);
  if (!place) return status;
  const bool sep = options.role != "zsk";
  const KeyAlgorithm algorithm =
      options.algorithm == "ed25519" ? KeyAlgorithm::kEd25519 : KeyAlgorithm::kEcdsaP256Sha256;
  KeyTiming timing;
  if (!read_times(options, now, timing)) return kUsageError;
  timing = default_timing(options, sep, now, timing);
  if (const auto problem = find_order_problem(timing)) return misuse(*problem);

  // A directory that is broken or empty now is no reason against a new key.
  Keys keys;
  if (auto set = zones::load_keys(place->key_dir, place->zone)) keys = std::move(set->keys);
  Keys with_new = keys;
  const auto draft = DnssecKey::make(place->zone, sep ? 257 : 256, algorithm,
                                     zones::make_private_key(algorithm), timing);
  if (draft) with_new.push_back(*draft);
  for (const std::string& problem : find_new_problems(keys, with_new, now)) {
    return fail("not made, for " + problem);
  }

  const auto key = zones::generate_key(place->key_dir, place->zone, algorithm, sep, timing);
  if (!key) return fail(key.error());
  keys.push_back(*key);
  const KeyView view(place->key_dir, std::move(keys), now);
  if (options.json) {
    fmt::print("{}\n", json::serialize(to_json(view, **key)));
  } else {
    fmt::print("{}\n", (*key)->file_name());
  }
  std::fflush(stdout);
  if (options.role == "csk" && view.role(**key) == Role::kKsk) {
    fmt::print(stderr,
               "warning: the zone has zone-signing keys of {}, so this key signs the keys alone\n",
               zones::to_string(algorithm));
  }
  warn_of_future(view.keys(), now);
  return kOk;
}

int print_ds(const Options& options) {
  int status = kOk;
  const std::optional<Place> place = find_place(options, status);
  if (!place) return status;
  const std::optional<KeyView> view = read_view(*place, now_in_seconds());
  if (!view) return kFailed;
  Keys wanted;
  if (options.key.empty()) {
    std::copy_if(view->keys().begin(), view->keys().end(), std::back_inserter(wanted),
                 [&](const Key& key) { return view->belongs_at_parent(*key); });
  } else if (const Key key = find_key(*view, options.key)) {
    wanted.push_back(key);
  } else {
    return kFailed;
  }
  if (wanted.empty()) {
    return fail("no key of " + place->zone.to_string() +
                " signs keys now, so none belongs at the parent; see gslbctl keys status");
  }
  json::array records;
  for (const Key& key : wanted) {
    const std::string record = ds_record(*key);
    if (!options.json) fmt::print("{}\n", record);
    records.push_back(
        {{"tag", key->tag()}, {"algorithm", zones::to_string(key->algorithm())}, {"ds", record}});
  }
  if (options.json) {
    const json::object out{{"zone", place->zone.to_string()}, {"ds", std::move(records)}};
    fmt::print("{}\n", json::serialize(out));
  }
  return kOk;
}

int set_times(const Options& options) {
  const Time now = now_in_seconds();
  if (std::all_of(options.times.begin(), options.times.end(),
                  [](const std::string& time) { return time.empty(); })) {
    return misuse(
        "nothing to set; give at least one of --publish, --activate, --inactive, "
        "--delete, --sync-publish and --sync-delete");
  }
  int status = kOk;
  const std::optional<Place> place = find_place(options, status);
  if (!place) return status;
  const std::optional<KeyView> view = read_view(*place, now);
  if (!view) return kFailed;
  const Key key = find_key(*view, options.key);
  if (!key) return kFailed;
  KeyTiming timing = key->timing();
  if (!read_times(options, now, timing)) return kUsageError;
  if (const auto problem = find_order_problem(timing)) return misuse(*problem);

  Keys changed = view->keys();
  std::replace(changed.begin(), changed.end(), key, key->with_timing(timing));
  for (const std::string& problem : find_new_problems(view->keys(), changed, now)) {
    return fail("nothing was changed, for then " + problem);
  }
  const auto written = zones::set_key_timing(place->key_dir, *key, timing);
  if (!written) return fail(written.error());
  if (options.json) {
    const KeyView after(place->key_dir, changed, now);
    fmt::print("{}\n", json::serialize(to_json(after, **written)));
  } else {
    fmt::print("{}\n", (*written)->file_name());
  }
  warn_of_future(changed, now);
  return kOk;
}

void print_table(const KeyView& view) {
  fmt::print("{:<6} {:<16} {:<5} {:<10} {:<13} {}\n", "TAG", "ALGORITHM", "ROLE", "STATE",
             "DS AT PARENT", "NEXT CHANGE");
  for (const Key& key : view.keys()) {
    const auto next = key->next_change(view.now());
    fmt::print("{:<6} {:<16} {:<5} {:<10} {:<13} {}\n", key->tag(),
               zones::to_string(key->algorithm()), to_string(view.role(*key)), view.state(*key),
               view.belongs_at_parent(*key) ? "yes" : "no",
               next ? fmt::format("{} at {}", KeyView::event_at(*key, *next), iso(*next)) : "none");
  }
}

int print_status(const Options& options) {
  int status = kOk;
  const std::optional<Place> place = find_place(options, status);
  if (!place) return status;
  const std::optional<KeyView> view = read_view(*place, now_in_seconds());
  if (!view) return kFailed;
  const std::vector<std::string> problems = view->problems();
  if (options.json) {
    json::array keys;
    for (const Key& key : view->keys()) keys.push_back(to_json(*view, *key));
    const json::object out{{"zone", place->zone.to_string()},
                           {"key_dir", place->key_dir.string()},
                           {"keys", std::move(keys)},
                           {"problems", json::value_from(problems)}};
    fmt::print("{}\n", json::serialize(out));
  } else {
    print_table(*view);
  }
  std::fflush(stdout);
  for (const std::string& problem : problems) fmt::print(stderr, "error: {}\n", problem);
  if (!problems.empty()) return kFailed;
  warn_of_future(view->keys(), view->now());
  return kOk;
}

/// A command below `keys` with what all of them take.
CLI::App& add_command(CLI::App& keys, const char* name, const char* description,
                      const std::shared_ptr<Options>& options, Command& command,
                      int (*run)(const Options&)) {
  CLI::App& sub = *keys.add_subcommand(name, description);
  sub.add_option("ZONE", options->zone, "The zone, such as gslb.example.com")->required();
  CLI::Option* dir =
      sub.add_option("--key-dir", options->key_dir, "The directory of the keys")->type_name("DIR");
  sub.add_option("--config", options->config, "Take the directory from this configuration file")
      ->type_name("FILE")
      ->capture_default_str()
      ->excludes(dir);
  sub.add_flag("--json", options->json, "Print JSON");
  // The callback keeps the options alive as long as `app`, the command as long as itself.
  sub.callback([&command, options, run] { command = [options, run] { return run(*options); }; });
  return sub;
}

void add_times(CLI::App& sub, Options& options) {
  constexpr std::array<const char*, kTimeOptions.size()> kHelp{
      "When the key enters the zone", "When it begins to sign",     "When it ceases to sign",
      "When it leaves the zone",      "When it enters CDS/CDNSKEY", "When it leaves CDS/CDNSKEY"};
  for (std::size_t i = 0; i < kTimeOptions.size(); ++i) {
    sub.add_option(fmt::format("--{}", kTimeOptions[i].name), options.times[i], kHelp[i])
        ->type_name("TIME");
  }
  sub.footer("TIME: now, +30d, +12h (s, m, h, d, w), YYYYMMDDHHMMSS in UTC, or none.");
}

}  // namespace

tl::expected<std::optional<Time>, std::string> parse_key_time_option(std::string_view text,
                                                                     Time now) {
  if (text == "now") return now;
  if (text == "none") return std::nullopt;
  if (const auto time = zones::parse_key_time(text)) return time;
  struct Unit {
    char letter;
    std::chrono::seconds length;
  };
  using namespace std::chrono_literals;
  constexpr std::array<Unit, 5> kUnits{
      {{'s', 1s}, {'m', 1min}, {'h', 1h}, {'d', 24h}, {'w', 168h}}};
  constexpr unsigned kMost = 1'000'000;
  if (text.size() >= 3 && text[0] == '+') {
    const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& candidate) {
      return candidate.letter == text.back();
    });
    unsigned count = 0;
    const char* last = text.data() + text.size() - 1;
    const auto [end, error] = std::from_chars(text.data() + 1, last, count);
    if (unit != kUnits.end() && error == std::errc() && end == last && count <= kMost) {
      const Time time = now + count * unit->length;
      if (time <= zones::kMaxKeyTime) return time;
    }
  }
  return tl::make_unexpected(loading::quote(text) +
                             " is not a time; write now, +30d, +12h, YYYYMMDDHHMMSS or none");
}

void add_keys_commands(CLI::App& app, Command& command) {
  CLI::App& keys = *app.add_subcommand("keys", "Keys for DNSSEC, in the files of BIND");
  keys.require_subcommand(1);
  const auto options = std::make_shared<Options>();
  CLI::App& make = add_command(keys, "generate", "Make a key", options, command, generate);
  make.add_option("--algorithm", options->algorithm, "ecdsap256sha256 or ed25519")
      ->transform(CLI::IsMember({"ecdsap256sha256", "ed25519"}, CLI::ignore_case))
      ->capture_default_str();
  make.add_option("--role", options->role,
                  "csk signs everything, ksk the keys alone, zsk all the rest")
      ->transform(CLI::IsMember({"csk", "ksk", "zsk"}, CLI::ignore_case))
      ->capture_default_str();
  add_times(make, *options);

  CLI::App& ds = add_command(keys, "ds", "Print the DS records to give to the parent zone", options,
                             command, print_ds);
  ds.add_option("KEY", options->key, "Of this key alone, by tag or file name, in use or not");

  CLI::App& set =
      add_command(keys, "set", "Change the times of a key", options, command, set_times);
  set.add_option("KEY", options->key, "The tag of the key, or the name of its files")->required();
  add_times(set, *options);

  add_command(keys, "status", "Show the keys, and what each is doing", options, command,
              print_status);
}

}  // namespace gslb::app

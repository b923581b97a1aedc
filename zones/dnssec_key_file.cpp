#include "zones/dnssec_key_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/file.h"
#include "base/unique_fd.h"
#include "zones/dnssec_key_text.h"
#include "zones/master_file_text.h"
#include "zones/signing_keys.h"

namespace gslb::zones {
namespace {

namespace fs = std::filesystem;
using Time = std::chrono::sys_seconds;

constexpr std::size_t kMaxKeyFileSize = std::size_t{64} << 10U;
constexpr mode_t kPublicMode = 0644;
constexpr mode_t kPrivateMode = 0600;

using base::errno_text;

Time now_in_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// "Kgslb.example.com.+013+12345" in parts.
struct KeyFileName {
  std::string stem;
  unsigned algorithm = 0;
  std::uint16_t tag = 0;
};

/// Which of the two files of a key are there.
struct FoundFiles {
  KeyFileName name;
  bool has_public = false;
  bool has_private = false;
};

/// By algorithm and tag.
using FoundKeys = std::map<std::pair<unsigned, std::uint16_t>, FoundFiles>;

/// "K" and the zone, in the form of file names, up to and with the last dot.
std::string file_prefix(const dns::Name& zone) {
  const std::string name = key_file_name(zone, 0, 0);
  return name.substr(0, name.find('+'));
}

/// The parts of `stem`, where it is the name of a key with that prefix. ldns-keygen keeps the case
/// in which the zone was typed.
std::optional<KeyFileName> parse_file_name(const std::string& stem, const std::string& prefix) {
  constexpr std::size_t kTail = 10;  // "+013+12345"
  if (stem.size() != prefix.size() + kTail ||
      !equals_ignoring_case(std::string_view(stem).substr(0, prefix.size()), prefix)) {
    return std::nullopt;
  }
  const std::string_view tail = std::string_view(stem).substr(prefix.size());
  const auto algorithm = parse_number(tail.substr(1, 3), 0xFF);
  const auto tag = parse_number(tail.substr(5), 0xFFFF);
  if (tail[0] != '+' || tail[4] != '+' || !algorithm || !tag) return std::nullopt;
  return KeyFileName{stem, *algorithm, static_cast<std::uint16_t>(*tag)};
}

tl::expected<FoundKeys, std::string> find_files(const fs::path& key_dir, const dns::Name& zone) {
  const std::string prefix = file_prefix(zone);
  FoundKeys found;
  std::error_code error;
  fs::directory_iterator entry(key_dir, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path file = entry->path().filename();
    const auto name = parse_file_name(file.stem().string(), prefix);
    if (!name) continue;
    FoundFiles& files = found[{name->algorithm, name->tag}];
    if (file.extension() == ".key") files.has_public = true;
    if (file.extension() == ".private") files.has_private = true;
    files.name = *name;
  }
  if (!error) {
    // Beside a pair there may be more, such as the ".state" of a BIND that manages keys itself.
    std::erase_if(found, [](const auto& item) {
      return !item.second.has_public && !item.second.has_private;
    });
    return found;
  }
  std::string advice = "create it with mkdir -m 700, or correct the path";
  if (error == std::errc::not_a_directory) advice = "give the directory of the key files";
  if (error == std::errc::permission_denied)
    advice = "give it to the user who is to read it, with chown";
  return tl::make_unexpected("cannot read the directory: " + error.message() + "; " + advice);
}

tl::expected<std::string, std::string> read_text(const fs::path& file) {
  if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES) {
    return tl::make_unexpected(std::string(
        "cannot read the file: Permission denied; give it to the user who is to read it, with "
        "chown"));
  }
  auto content =
      base::read_file(file, kMaxKeyFileSize, "the file is too large to be that of a key");
  if (!content) return tl::make_unexpected(std::move(content.error()));
  return std::move(content->text);
}

/// Reads the pairs of one directory into a KeySet.
class KeySetReader {
 public:
  KeySetReader(fs::path key_dir, const dns::Name& zone) : dir_(std::move(key_dir)), zone_(zone) {}

  void read(const FoundFiles& files) {
    const std::string& stem = files.name.stem;
    if (const auto algorithm = supported_algorithm(files.name.algorithm); !algorithm) {
      return fail(stem + (files.has_public ? ".key" : ".private"), algorithm.error());
    }
    if (!files.has_private) return missing(stem, ".private", ".key");
    if (!files.has_public) return missing(stem, ".key", ".private");
    const auto public_key = parsed(stem + ".key", parse_public_key);
    const auto private_key = parsed(stem + ".private", parse_private_key);
    if (public_key && private_key) join(files.name, *public_key, *private_key);
  }

  KeySetResult finish() && {
    if (!errors_.empty()) return tl::make_unexpected(std::move(errors_));
    return std::move(set_);
  }

 private:
  void fail(const std::string& file, std::string message) {
    errors_.push_back({(dir_ / file).string(), std::move(message)});
  }

  void missing(const std::string& stem, const std::string& half, const std::string& other) {
    fail(stem + other, stem + half + " is missing beside it; restore it, or move this one out of " +
                           "the directory");
  }

  /// What `parse` makes of the text of the file; its error is reported.
  template <typename Parse>
  auto parsed(const std::string& file, Parse parse) -> decltype(parse(std::string_view())) {
    const auto text = read_text(dir_ / file);
    auto result = text ? parse(*text) : tl::make_unexpected(text.error());
    if (!result) fail(file, result.error());
    return result;
  }

  void join(const KeyFileName& name, const PublicKeyText& public_key,
            const PrivateKeyText& private_key) {
    const std::string file = name.stem + ".key";
    const std::string advice =
        "; the files do not belong together: restore both from a backup, or move both out of the "
        "directory";
    const std::vector<std::uint8_t>& dnskey = public_key.dnskey;
    if (!(public_key.owner == zone_)) {
      return fail(file, fmt::format("holds a key of {}, and its name says {}; correct the one that "
                                    "is wrong",
                                    quote(public_key.owner.to_string()), quote(zone_.to_string())));
    }
    if (dnskey[3] != name.algorithm) {
      return fail(file, fmt::format("holds a key of algorithm {}, and its name says {}{}",
                                    dnskey[3], name.algorithm, advice));
    }
    if (static_cast<unsigned>(private_key.algorithm) != name.algorithm) {
      return fail(
          name.stem + ".private",
          fmt::format("holds a key of algorithm {}, and its name says {}{}",
                      static_cast<unsigned>(private_key.algorithm), name.algorithm, advice));
    }
    const auto flags = static_cast<std::uint16_t>(dnskey[0] << 8U | dnskey[1]);
    const auto key = DnssecKey::make(public_key.owner, flags, private_key.algorithm,
                                     private_key.private_key, private_key.timing);
    if (!key) return fail(name.stem + ".private", key.error() + advice);
    if ((*key)->dnskey() != dnskey) {
      return fail(name.stem + ".private",
                  fmt::format("is not the private half of the key in {}{}", file, advice));
    }
    if ((*key)->tag() != name.tag) {
      return fail(file,
                  fmt::format("holds the key with the tag {}, and its name says {}; rename "
                              "both files to {}.key and {}.private",
                              (*key)->tag(), name.tag, (*key)->file_name(), (*key)->file_name()));
    }
    set_.keys.push_back(*key);
    warn(name.stem, **key);
  }

  void warn(const std::string& stem, const DnssecKey& key) {
    struct stat status {};
    const fs::path file = dir_ / (stem + ".private");
    if (::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IRWXO) != 0) {
      set_.warnings.push_back(fmt::format(
          "{}: everyone on this host may use the private key (mode {:04o}); run chmod 600 on it",
          file.string(), status.st_mode & 07777U));
    }
    if (std::error_code ignored; fs::exists(dir_ / (stem + ".state"), ignored)) {
      set_.warnings.push_back(
          fmt::format("{}.state: has no effect; gslbd goes by the times in {}.private alone",
                      (dir_ / stem).string(), key.file_name()));
    }
  }

  fs::path dir_;
  const dns::Name& zone_;
  KeySet set_;
  std::vector<KeyError> errors_;
};

tl::unexpected<std::vector<KeyError>> fail(const fs::path& file, std::string message) {
  return tl::make_unexpected(std::vector<KeyError>{{file.string(), std::move(message)}});
}

/// Held by whoever writes into a directory of keys, so that two do not undo each other.
tl::expected<base::UniqueFd, std::string> lock_directory(const fs::path& dir) {
  base::UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return tl::make_unexpected(fmt::format(
        "cannot open the directory {}: {}; create it with mkdir -m 700, or correct the path",
        dir.string(), errno_text()));
  }
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) {
      return tl::make_unexpected(
          fmt::format("cannot lock the directory {}: {}", dir.string(), errno_text()));
    }
  }
  return fd;
}

/// Whose a file is to be, and who may do what with it.
struct FileAccess {
  mode_t mode = 0;
  uid_t user = 0;
  gid_t group = 0;
};

/// As the file has it; where there is none, `mode`, and the owner of the directory, who will read
/// it.
FileAccess access_for(const fs::path& file, mode_t mode) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0) {
    return {status.st_mode & 0777U, status.st_uid, status.st_gid};
  }
  if (::stat(file.parent_path().c_str(), &status) == 0) return {mode, status.st_uid, status.st_gid};
  return {mode, ::geteuid(), ::getegid()};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Puts a complete file in place of the old one. The error says why that failed.
std::string replace_file(const fs::path& file, mode_t mode, std::string_view text) {
  const FileAccess access = access_for(file, mode);
  std::string name = (file.parent_path() / ".gslb-XXXXXX").string();
  const base::UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));  // Mode 0600.
  if (!fd) return fmt::format("cannot create a file for {}: {}", file.string(), errno_text());
  // Only root may give a file away; for others it is theirs already, or is to stay so.
  const bool is_given = ::geteuid() != 0 || ::fchown(fd.get(), access.user, access.group) == 0;
  if (is_given && ::fchmod(fd.get(), access.mode) == 0 && write_all(fd.get(), text) &&
      ::fsync(fd.get()) == 0 && ::rename(name.c_str(), file.c_str()) == 0) {
    return {};
  }
  std::string message = fmt::format("cannot write {}: {}", file.string(), errno_text());
  ::unlink(name.c_str());
  return message;
}

struct FileTexts {
  std::string public_text;
  std::string private_text;
};

/// The private half goes first: without it the public one is of no use.
std::string write_key(const fs::path& key_dir, const std::string& stem, const FileTexts& texts,
                      const base::UniqueFd& dir) {
  std::string error = replace_file(key_dir / (stem + ".private"), kPrivateMode, texts.private_text);
  if (error.empty()) {
    error = replace_file(key_dir / (stem + ".key"), kPublicMode, texts.public_text);
  }
  ::fsync(dir.get());  // Some file systems cannot, and then need not.
  return error;
}

}  // namespace

KeySetResult load_keys(const fs::path& key_dir, const dns::Name& zone) {
  const auto found = find_files(key_dir, zone);
  if (!found) return fail(key_dir, found.error());
  if (found->empty()) {
    return fail(key_dir, fmt::format("no key for {0} in {1}; make one with: gslbctl keys generate "
                                     "{0} --key-dir {1}",
                                     zone.to_string(), key_dir.string()));
  }
  KeySetReader reader(key_dir, zone);
  for (const auto& [id, files] : *found) reader.read(files);
  return std::move(reader).finish();
}

KeySetResult read_keys(const fs::path& key_dir, const dns::Name& zone, Time now) {
  KeySetResult set = load_keys(key_dir, zone);
  if (!set) return set;
  std::vector<KeyError> errors;
  for (std::string& problem : find_key_problems(set->keys, now)) {
    errors.push_back({key_dir.string(), std::move(problem)});
  }
  if (!errors.empty()) return tl::make_unexpected(std::move(errors));
  if (const auto future = find_future_key_problem(set->keys, now)) {
    set->warnings.push_back(fmt::format("{}: from {:%Y-%m-%d %H:%M:%S} UTC on, {}",
                                        key_dir.string(), future->from, future->message));
  }
  return set;
}

KeySetResult read_keys(const fs::path& key_dir, const dns::Name& zone) {
  return read_keys(key_dir, zone, now_in_seconds());
}

KeyResult generate_key(const fs::path& key_dir, const dns::Name& zone, KeyAlgorithm algorithm,
                       bool sep, const KeyTiming& timing) {
  const auto lock = lock_directory(key_dir);
  if (!lock) return tl::make_unexpected(lock.error());
  const auto found = find_files(key_dir, zone);
  if (!found) return tl::make_unexpected(key_dir.string() + ": " + found.error());
  const auto is_taken = [&](std::uint16_t tag) {
    return std::any_of(found->begin(), found->end(),
                       [&](const auto& item) { return item.first.second == tag; });
  };
  const auto flags = static_cast<std::uint16_t>(dnskey_flag::kZone | (sep ? dnskey_flag::kSep : 0));
  constexpr int kMaxTries = 1000;  // More than enough until nearly all 65536 tags are taken.
  for (int i = 0; i < kMaxTries; ++i) {
    const std::vector<std::uint8_t> private_key = make_private_key(algorithm);
    auto key = DnssecKey::make(zone, flags, algorithm, private_key, timing);
    if (!key) return tl::make_unexpected("the crypto library cannot make a key: " + key.error());
    if (is_taken((*key)->tag())) continue;
    const FileTexts texts{with_timing_comments(format_public_key(**key), timing),
                          with_timing_fields(format_private_key(algorithm, private_key), timing)};
    const std::string error = write_key(key_dir, (*key)->file_name(), texts, *lock);
    if (!error.empty()) return tl::make_unexpected(error);
    return *key;
  }
  return tl::make_unexpected(key_dir.string() +
                             ": holds too many keys of the zone; move old ones out of it");
}

KeyResult set_key_timing(const fs::path& key_dir, const DnssecKey& key, const KeyTiming& timing) {
  const auto lock = lock_directory(key_dir);
  if (!lock) return tl::make_unexpected(lock.error());
  const auto found = find_files(key_dir, key.zone());
  if (!found) return tl::make_unexpected(key_dir.string() + ": " + found.error());
  const auto files = found->find({static_cast<unsigned>(key.algorithm()), key.tag()});
  if (files == found->end()) {
    return tl::make_unexpected(key_dir.string() + ": no longer holds " + key.file_name());
  }
  const std::string& stem = files->second.name.stem;
  const auto public_text = read_text(key_dir / (stem + ".key"));
  const auto private_text = read_text(key_dir / (stem + ".private"));
  if (!public_text || !private_text) {
    return tl::make_unexpected((key_dir / stem).string() + ": " +
                               (public_text ? private_text.error() : public_text.error()));
  }
  const std::string error = write_key(
      key_dir, stem,
      {with_timing_comments(*public_text, timing), with_timing_fields(*private_text, timing)},
      *lock);
  if (!error.empty()) return tl::make_unexpected(error);
  return key.with_timing(timing);
}

}  // namespace gslb::zones

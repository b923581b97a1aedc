#include "zones/dnssec_key_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "zones/dnssec_key_file.h"
#include "zones/master_file_text.h"

namespace gslb::zones {
namespace {

using Octets = std::vector<std::uint8_t>;
using Time = std::chrono::sys_seconds;

tl::unexpected<std::string> fail(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The first line, which is taken from `text`.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// The times of a key as its files name them, in the order in which BIND writes them.
struct TimeField {
  std::string_view name;
  std::optional<Time> KeyTiming::*time;
};
constexpr std::array<TimeField, 7> kTimeFields{{
    {"Created", &KeyTiming::created},
    {"Publish", &KeyTiming::publish},
    {"Activate", &KeyTiming::activate},
    {"Inactive", &KeyTiming::inactive},
    {"Delete", &KeyTiming::remove},
    {"SyncPublish", &KeyTiming::sync_publish},
    {"SyncDelete", &KeyTiming::sync_remove},
}};

const TimeField* find_time_field(std::string_view name) {
  const auto* const found =
      std::find_if(kTimeFields.begin(), kTimeFields.end(),
                   [&](const TimeField& field) { return field.name == name; });
  return found == kTimeFields.end() ? nullptr : found;
}

/// What dnssec-keygen and -settime may write besides, of no meaning to a signer.
constexpr std::array<std::string_view, 6> kOtherFields{"DSPublish", "DSRemoved", "Predecessor",
                                                       "Successor", "MaxTTL",    "RollPeriod"};

constexpr std::string_view kNewKeyAdvice =
    "make a key of ECDSAP256SHA256 or ED25519 with gslbctl keys generate, and move this one out of "
    "the directory";
constexpr std::string_view kRestoreAdvice =
    "restore it from a backup, or move both files of the key out of the directory";

/// RFC 8624 and the IANA registry, for those that people have.
std::string_view unsupported_name(unsigned number) {
  switch (number) {
    case 1:
      return " (RSAMD5)";
    case 3:
      return " (DSA)";
    case 5:
      return " (RSASHA1)";
    case 7:
      return " (NSEC3RSASHA1)";
    case 8:
      return " (RSASHA256)";
    case 10:
      return " (RSASHA512)";
    case 14:
      return " (ECDSAP384SHA384)";
    case 16:
      return " (ED448)";
    default:
      return "";
  }
}

/// Why a DNSKEY with these flags cannot sign a zone here.
std::optional<std::string> find_flag_problem(unsigned flags) {
  if ((flags & dnskey_flag::kRevoke) != 0) {
    return "the key is revoked (RFC 5011), so no signature of it counts; move both files of the "
           "key "
           "out of the directory";
  }
  if ((flags & dnskey_flag::kZone) == 0) {
    return fmt::format("the flags {} are not those of a zone's key, 256 or 257; {}", flags,
                       kRestoreAdvice);
  }
  if (const unsigned others = flags & ~unsigned{dnskey_flag::kZone | dnskey_flag::kSep}) {
    return fmt::format("the flags {} hold the unknown ones {}, but only 256 and 257 are taken; {}",
                       flags, others, kRestoreAdvice);
  }
  return std::nullopt;
}

/// FLAGS PROTOCOL ALGORITHM KEY
tl::expected<Octets, std::string> parse_dnskey(std::span<const MasterFileField> fields) {
  const auto flags = parse_number(fields[0].text, 0xFFFF);
  const auto protocol = parse_number(fields[1].text, 0xFF);
  const auto number = parse_number(fields[2].text, 0xFF);
  std::string base64;
  for (const MasterFileField& field : fields.subspan(3)) base64 += field.text;
  const auto key = decode_base64(base64);
  if (!flags || !protocol || !number || !key) {
    return fail(fmt::format("the DNSKEY record cannot be read; {}", kRestoreAdvice));
  }
  if (const auto algorithm = supported_algorithm(*number); !algorithm) {
    return fail(algorithm.error());
  }
  if (*protocol != 3) {  // RFC 4034 §2.1.2
    return fail(fmt::format("the protocol is {} instead of 3; {}", *protocol, kRestoreAdvice));
  }
  if (auto problem = find_flag_problem(*flags)) return fail(*std::move(problem));
  Octets rdata{static_cast<std::uint8_t>(*flags >> 8U), static_cast<std::uint8_t>(*flags),
               static_cast<std::uint8_t>(*protocol), static_cast<std::uint8_t>(*number)};
  rdata.insert(rdata.end(), key->begin(), key->end());
  return rdata;
}

/// A line of a ".private" file, "NAME: VALUE".
struct Field {
  std::string_view name;
  std::string_view value;
};

Field field_of(std::string_view line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  return {trim(line.substr(0, colon)), trim(line.substr(std::min(colon + 1, line.size())))};
}

/// The first format v1.x whose keys have times.
constexpr unsigned kMinorWithTimes = 3;

/// The x of "Private-key-format: v1.x".
std::optional<std::uint32_t> minor_format(const Field& field) {
  constexpr std::string_view kMajor = "v1.";
  if (field.name != "Private-key-format" || !field.value.starts_with(kMajor)) return std::nullopt;
  return parse_number(field.value.substr(kMajor.size()), 0xFFFF);
}

/// Reads a ".private" file line by line into a PrivateKeyText.
class PrivateKeyReader {
 public:
  /// The error of that line, if it has one.
  std::optional<std::string> read_line(std::string_view line) {
    if (line.find(':') == std::string_view::npos) {
      return fmt::format("{} is not of the form NAME: VALUE; {}", quote(line), kRestoreAdvice);
    }
    const Field field = field_of(line);
    if (!has_format_) return read_format(field);
    const auto& [name, value] = field;
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end()) {
      return fmt::format("{} stands there twice; remove one", quote(name));
    }
    seen_.push_back(name);
    return read_field(name, value);
  }

  tl::expected<PrivateKeyText, std::string> finish() && {
    if (!has_format_) {
      return fail(fmt::format("the file is empty; {}", kRestoreAdvice));
    }
    for (const std::string_view required : {"Algorithm", "PrivateKey"}) {
      if (std::find(seen_.begin(), seen_.end(), required) == seen_.end()) {
        return fail(fmt::format("the line {}: is missing; {}", required, kRestoreAdvice));
      }
    }
    if (minor_ < kMinorWithTimes) key_.timing.publish = key_.timing.activate = Time{};
    return std::move(key_);
  }

 private:
  std::optional<std::string> read_format(const Field& field) {
    const auto minor = minor_format(field);
    if (field.name != "Private-key-format") {
      return fmt::format("the file does not begin with Private-key-format: v1.3; {}",
                         kRestoreAdvice);
    }
    if (!minor) {
      return fmt::format("the format {} is not supported; make the key with format v1.3",
                         quote(field.value));
    }
    minor_ = *minor;
    has_format_ = true;
    return std::nullopt;
  }

  std::optional<std::string> read_field(std::string_view name, std::string_view value) {
    if (name == "Algorithm") return read_algorithm(value);
    if (name == "PrivateKey") return read_private_key(value);
    if (const TimeField* field = find_time_field(name)) {
      const std::optional<Time> time = parse_key_time(value);
      if (!time) {
        return fmt::format("{} is not a time of {}; write YYYYMMDDHHMMSS in UTC, before 2106",
                           quote(value), name);
      }
      key_.timing.*(field->time) = time;
      return std::nullopt;
    }
    if (name == "Revoke") {
      return "the key is to be revoked (RFC 5011), which gslbd does not do; remove that time with "
             "dnssec-settime -R none";
    }
    if (name == "Label" || name == "Engine") {
      return fmt::format("the key lies in a security module, which is not supported; {}",
                         kNewKeyAdvice);
    }
    const bool is_known =
        std::find(kOtherFields.begin(), kOtherFields.end(), name) != kOtherFields.end();
    // What later formats add is for them to know.
    if (is_known || minor_ > kMinorWithTimes) return std::nullopt;
    return fmt::format("{} is not known; correct it, or remove the line", quote(name));
  }

  std::optional<std::string> read_algorithm(std::string_view value) {
    const auto number = parse_number(value.substr(0, value.find(' ')), 0xFF);
    if (!number) {
      return fmt::format("{} is not the number of an algorithm; {}", quote(value), kRestoreAdvice);
    }
    const auto algorithm = supported_algorithm(*number);
    if (!algorithm) return algorithm.error();
    key_.algorithm = *algorithm;
    return std::nullopt;
  }

  std::optional<std::string> read_private_key(std::string_view value) {
    auto octets = decode_base64(value);
    // Not quoted: it may be most of a key.
    if (!octets) return fmt::format("the private key is not base64; {}", kRestoreAdvice);
    key_.private_key = *std::move(octets);
    return std::nullopt;
  }

  PrivateKeyText key_;
  unsigned minor_ = 0;
  bool has_format_ = false;
  std::vector<std::string_view> seen_;
};

std::string encode_base64(std::span<const std::uint8_t> octets) {
  std::string out(4 * ((octets.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), octets.data(),
                                   static_cast<int>(octets.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// The name of the time that a line sets, "Publish: 2026…" behind `prefix`; empty for other lines.
std::string_view time_field_of(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return {};
  const TimeField* field = find_time_field(field_of(line.substr(prefix.size())).name);
  return field == nullptr ? std::string_view() : field->name;
}

}  // namespace

tl::expected<KeyAlgorithm, std::string> supported_algorithm(unsigned number) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::kEcdsaP256Sha256, KeyAlgorithm::kEd25519}) {
    if (number == static_cast<unsigned>(algorithm)) return algorithm;
  }
  return fail(fmt::format("algorithm {}{} is not supported; {}", number, unsupported_name(number),
                          kNewKeyAdvice));
}

std::string format_key_time(Time time) { return fmt::format("{:%Y%m%d%H%M%S}", time); }

std::optional<Time> parse_key_time(std::string_view text) {
  constexpr std::size_t kDigits = 14;
  if (text.size() != kDigits) return std::nullopt;
  std::array<unsigned, 6> parts{};  // Year, month, day, hour, minute, second.
  for (std::size_t i = 0, at = 0; i < parts.size(); ++i) {
    const std::size_t length = i == 0 ? 4 : 2;
    const auto number = parse_number(text.substr(at, length), 9999);
    if (!number) return std::nullopt;
    parts[i] = *number;
    at += length;
  }
  const auto [year, month, day, hour, minute, second] = parts;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const Time time = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                    std::chrono::minutes(minute) + std::chrono::seconds(second);
  if (time > kMaxKeyTime) return std::nullopt;
  return time;
}

tl::expected<PublicKeyText, std::string> parse_public_key(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return fail(fmt::format("the file is not text; {}", kRestoreAdvice));
  }
  MasterFileEntryReader reader(text);
  MasterFileEntry entry;
  std::optional<PublicKeyText> key;
  while (reader.next(entry)) {
    const auto is_dnskey = [](const MasterFileField& field) {
      return equals_ignoring_case(field.text, "DNSKEY");
    };
    const auto type = std::find_if(entry.fields.begin(), entry.fields.end(), is_dnskey);
    // OWNER [TTL] [IN] DNSKEY, and four fields or more.
    const bool has_form = entry.problem.empty() && !entry.starts_blank &&
                          type - entry.fields.begin() >= 1 && type - entry.fields.begin() <= 3 &&
                          entry.fields.end() - type >= 5;
    if (!has_form) return fail(fmt::format("there is no DNSKEY record in it; {}", kRestoreAdvice));
    if (key) return fail("there is more than one record in it; leave only that of the key");
    const auto owner = resolve_name(entry.fields[0], dns::Name());
    if (!owner) return fail(fmt::format("the owner {}; {}", owner.error(), kRestoreAdvice));
    auto rdata = parse_dnskey({type + 1, entry.fields.end()});
    if (!rdata) return fail(std::move(rdata.error()));
    key = PublicKeyText{*owner, *std::move(rdata)};
  }
  if (!key) return fail(fmt::format("there is no DNSKEY record in it; {}", kRestoreAdvice));
  return *std::move(key);
}

tl::expected<PrivateKeyText, std::string> parse_private_key(std::string_view text) {
  PrivateKeyReader reader;
  while (!text.empty()) {
    const std::string_view line = trim(take_line(text));
    if (line.empty()) continue;
    if (auto problem = reader.read_line(line)) return fail(*std::move(problem));
  }
  return std::move(reader).finish();
}

std::string format_public_key(const DnssecKey& key) {
  std::string zone = key.zone().to_string();
  if (!key.zone().is_root()) zone += '.';
  const std::span<const std::uint8_t> dnskey = key.dnskey();
  return fmt::format("; This is a {}-signing key, keyid {}, for {}\n{} IN DNSKEY {} {} {} {}\n",
                     key.is_sep() ? "key" : "zone", key.tag(), zone, zone, key.flags(), dnskey[2],
                     dnskey[3], encode_base64(dnskey.subspan(4)));
}

std::string format_private_key(KeyAlgorithm algorithm, const Octets& private_key) {
  return fmt::format("Private-key-format: v1.3\nAlgorithm: {} ({})\nPrivateKey: {}\n",
                     static_cast<unsigned>(algorithm), to_string(algorithm),
                     encode_base64(private_key));
}

std::string with_timing_comments(std::string_view public_text, const KeyTiming& timing) {
  std::string times;
  for (const TimeField& field : kTimeFields) {
    const auto& time = timing.*(field.time);
    if (!time) continue;
    times += fmt::format("; {}: {} ({:%a %b %e %H:%M:%S %Y})\n", field.name, format_key_time(*time),
                         *time);
  }
  // Before the record, behind the comments.
  std::string out;
  bool has_times = false;
  while (!public_text.empty()) {
    const std::string_view line = take_line(public_text);
    if (!time_field_of(line, ";").empty()) continue;
    if (!line.starts_with(';') && !std::exchange(has_times, true)) out += times;
    out += line;
    out += '\n';
  }
  return out;
}

std::string with_timing_fields(std::string_view private_text, const KeyTiming& timing) {
  std::string out;
  while (!private_text.empty()) {
    const std::string_view line = take_line(private_text);
    if (!time_field_of(line, "").empty() || trim(line).empty()) continue;
    // A key of a format without times gets them now.
    const auto minor = minor_format(field_of(line));
    out += minor && *minor < kMinorWithTimes ? "Private-key-format: v1.3" : line;
    out += '\n';
  }
  for (const TimeField& field : kTimeFields) {
    const auto& time = timing.*(field.time);
    if (time) out += fmt::format("{}: {}\n", field.name, format_key_time(*time));
  }
  return out;
}

}  // namespace gslb::zones

#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dns/name.h"
#include "zones/dnssec_key.h"

// Keys in the files of BIND's dnssec-keygen, "K<zone>.+<algorithm>+<tag>.key" and ".private", of
// which the second ("Private-key-format: v1.3") holds the times that count. gslbd, gslbctl and
// dnssec-settime(8), -dsfromkey and the like can take turns with them. For one thread at a time.
namespace gslb::zones {

struct KeyError {
  std::string file;     ///< Or the directory, where it is about that.
  std::string message;  ///< What is wrong; what to do.
};

struct KeySet {
  std::vector<std::shared_ptr<const DnssecKey>> keys;  ///< By algorithm, then by tag.
  std::vector<std::string> warnings;                   ///< With the names of files.
};

using KeySetResult = tl::expected<KeySet, std::vector<KeyError>>;

/// All key pairs of the zone in the directory, each held against itself: its two files, its name
/// and its tag. Files of other zones, and all other files, are passed over. A key of a format
/// before v1.3, which has no times (dnssec-keygen -C, ldns-keygen), counts as published and active
/// since 1970. All errors are reported in one run; a directory without a key of the zone is one.
KeySetResult load_keys(const std::filesystem::path& key_dir, const dns::Name& zone);

/// load_keys(), and an error unless the zone can be signed with them at `now`: find_key_problems().
/// Warns where it will no longer be possible some day.
KeySetResult read_keys(const std::filesystem::path& key_dir, const dns::Name& zone,
                       std::chrono::sys_seconds now);
/// The same at this moment.
KeySetResult read_keys(const std::filesystem::path& key_dir, const dns::Name& zone);

using KeyResult = tl::expected<std::shared_ptr<const DnssecKey>, std::string>;

/// Makes a key and writes its two files, ".private" for its owner alone. Where root does so, they
/// go to the owner of the directory. Each file appears complete; two who generate at once get two
/// keys. The tag is that of no other key of the zone.
KeyResult generate_key(const std::filesystem::path& key_dir, const dns::Name& zone,
                       KeyAlgorithm algorithm, bool sep, const KeyTiming& timing);

/// Replaces the times of a key in its two files, and keeps all else that they hold, their owner and
/// their mode. The result is the key with its new times.
KeyResult set_key_timing(const std::filesystem::path& key_dir, const DnssecKey& key,
                         const KeyTiming& timing);

/// The last time that a key can have: BIND counts seconds since 1970 in 32 bits.
inline constexpr std::chrono::sys_seconds kMaxKeyTime{std::chrono::seconds{0xFFFFFFFF}};

/// "20261124165608", in UTC, from 1970 to kMaxKeyTime.
std::string format_key_time(std::chrono::sys_seconds time);
std::optional<std::chrono::sys_seconds> parse_key_time(std::string_view text);

}  // namespace gslb::zones

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace gslb::zones {

/// One record of class IN as a master file has it. Its data is well formed for its type; whether it
/// belongs into the zone is not judged here.
struct MasterFileRecord {
  dns::Name owner;
  std::uint16_t type = 0;
  std::chrono::seconds ttl{0};
  std::vector<std::uint8_t> rdata;  ///< Wire form, names uncompressed and in the case of the file.
  std::uint32_t file = 0;           ///< Index into MasterFile::files.
  std::uint32_t line = 0;           ///< Where the record begins, counted from 1.
};

struct MasterFileError {
  std::string file;
  std::size_t line = 0;  ///< From 1; 0: the file as a whole.
  std::string message;   ///< What is wrong; what to do.

  /// "FILE:LINE: MESSAGE"
  std::string to_string() const;
  bool operator==(const MasterFileError&) const = default;
};

/// What a master file and the files that it includes hold, in the order of reading. With errors,
/// `records` are those that could be read, for further checks in the same run.
struct MasterFile {
  std::vector<std::string> files;  ///< The file itself first; one more for each $INCLUDE.
  std::vector<MasterFileRecord> records;
  std::vector<MasterFileError> errors;
};

/// Files and included files of a zone may be this large in sum.
inline constexpr std::size_t kMaxMasterFileSize = std::size_t{256} << 20U;
/// How deep files may include each other.
inline constexpr std::size_t kMaxIncludeDepth = 8;
/// Reading stops there: so many errors have one cause, such as a file of another kind.
inline constexpr std::size_t kMaxMasterFileErrors = 1000;

/// Reads an RFC 1035 §5 master file with $ORIGIN, $TTL (RFC 2308 §4), $INCLUDE and unknown types
/// (RFC 3597 §5). All errors are reported in one run, up to kMaxMasterFileErrors; reading goes on
/// with the next record. `origin` is the zone's apex; `default_ttl` holds for records where the
/// file has stated neither $TTL nor a TTL yet. An included file changes neither origin, owner nor
/// TTLs of the one that includes it. Records of DNSSEC that signing makes are errors; DS is not.
/// For one thread at a time: WKS records make ldns look up services.
MasterFile read_master_file(const std::filesystem::path& file, const dns::Name& origin,
                            std::chrono::seconds default_ttl);

/// The same for text at hand. `name` stands for it in errors, and $INCLUDE is relative to it.
MasterFile parse_master_file(std::string_view text, const std::string& name,
                             const dns::Name& origin, std::chrono::seconds default_ttl);

}  // namespace gslb::zones

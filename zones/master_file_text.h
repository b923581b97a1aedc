#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dns/name.h"

namespace gslb::zones {

/// One field of a master file entry as it stands in the text, without the quotes around it. Escapes
/// are not decoded. Never has a NUL octet. Borrows from the text.
struct MasterFileField {
  std::string_view text;
  bool is_quoted = false;
};

/// One entry: a record or a directive, on one line or on several in parentheses.
struct MasterFileEntry {
  std::size_t line = 0;  ///< Where it begins, from 1.
  bool starts_blank = false;
  std::vector<MasterFileField> fields;
  std::string problem;  ///< Set: the entry cannot be split into fields.
  std::size_t problem_line = 0;
};

/// Splits the text of a master file into entries (RFC 1035 §5.1): comments, quotes, parentheses.
/// Borrows the text. Takes time linear in its size whatever it holds.
class MasterFileEntryReader {
 public:
  explicit MasterFileEntryReader(std::string_view text);

  /// The next entry that is not empty; false at the end.
  bool next(MasterFileEntry& entry);

 private:
  struct Place {
    std::size_t at = 0;
    std::size_t line = 1;
  };

  void read_entry(MasterFileEntry& entry);
  void read_unquoted(MasterFileEntry& entry);
  void read_quoted(MasterFileEntry& entry);
  bool skip_quoted();
  void skip_line();
  void add_field(MasterFileEntry& entry, std::string_view text, bool is_quoted);
  void set_problem(MasterFileEntry& entry, std::size_t line, std::string problem);
  void recover_from_open_parenthesis(MasterFileEntry& entry, Place opened);

  std::string_view text_;
  Place place_;
  std::size_t open_parentheses_ = 0;  ///< Entries that were never closed.
};

/// The octets that `text` stands for, with the escapes \X and \DDD (RFC 1035 §5.1) decoded.
tl::expected<std::string, std::string> decode_escapes(std::string_view text);

/// A name of a master file: absolute with a final dot, otherwise relative to `origin`, which "@"
/// stands for. The error says what is wrong with it, such as "has an empty label".
tl::expected<dns::Name, std::string> resolve_name(const MasterFileField& field,
                                                  const dns::Name& origin);

/// Seconds, or with units as BIND has them: "3600", "1h30m", "2w". Values beyond 2^32 are cut
/// there.
std::optional<std::uint64_t> parse_period(std::string_view text);

/// Digits in pairs, or RFC 4648 §4 with its padding.
std::optional<std::vector<std::uint8_t>> decode_hex(std::string_view text);
std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text);

/// A decimal number without sign up to `limit`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t limit);

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// For messages: in double quotes, cut to a readable length, unprintable octets as \DDD.
std::string quote(std::string_view text);

}  // namespace gslb::zones

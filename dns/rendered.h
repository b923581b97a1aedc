#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dns/name.h"
#include "dns/wire.h"

namespace gslb::dns {

/// All of a response that does not depend on the query, rendered in advance: the records behind the
/// question section in wire form, and what goes into the header. `answer()` copies it behind the
/// question and patches the pointers. Immutable once built, so safe to read from any thread.
struct Rendered {
  std::vector<std::uint8_t> records;  ///< Answer, authority and additional records, in this order.
  std::uint16_t answer_count = 0;
  std::uint16_t authority_count = 0;
  std::uint16_t additional_count = 0;
  /// The octets of answer, authority and the glue that a referral must have (RFC 9471). What is
  /// behind them may be left out without setting TC (RFC 2181 §9).
  std::size_t required_size = 0;
  std::uint16_t required_additional_count = 0;  ///< Of the additional records, those within.
  /// Where in `records` compression pointers stand that point into the base name: the apex of the
  /// zone, or the cut of a referral. They are stored relative to its start, which lies inside the
  /// question and differs from query to query.
  std::vector<std::uint16_t> base_pointers;
  std::uint16_t rcode = rcode::kNoError;
  bool authoritative = false;
  /// Options for the OPT record of the response, if it has one.
  std::vector<std::uint8_t> edns_options;
};

/// Appends an EDNS option (RFC 6891 §6.1.2) to others.
void append_option(std::vector<std::uint8_t>& options, std::uint16_t code,
                   std::span<const std::uint8_t> data);

/// Writes the records of one Rendered, with name compression (RFC 1035 §4.1.4).
class RenderedBuilder {
 public:
  enum class Section : std::uint8_t { kAnswer, kAuthority, kAdditional };

  /// For queries whose name is exactly `query_name`: every name can be compressed.
  static RenderedBuilder for_name(const Name& query_name);
  /// For queries for any name at or below `base`: names are compressed as far as they end like it.
  static RenderedBuilder for_any_name_below(const Name& base);

  /// Opens a record. Sections must come in order.
  void begin_record(Section section, const Name& owner, std::uint16_t type,
                    std::chrono::seconds ttl);
  /// The same with the name that was asked for as the owner.
  void begin_record_at_query_name(Section section, std::uint16_t type, std::uint16_t klass,
                                  std::chrono::seconds ttl);
  void put_u16(std::uint16_t value);
  void put_u32(std::uint32_t value);
  void put_bytes(std::span<const std::uint8_t> bytes);
  /// A <character-string> (RFC 1035 §3.3), cut at 255 octets.
  void put_character_string(std::string_view text);
  void put_compressed_name(const Name& name);
  void end_record();

  /// All records so far must be in the response, or it is truncated.
  void require_all_so_far();

  /// RFC 8914: shown where the query came with EDNS.
  void add_extended_error(std::uint16_t info_code, std::string_view extra_text);

  Rendered build(std::uint16_t rcode, bool authoritative) &&;

 private:
  struct Target {
    Name name;
    std::uint16_t offset;
  };

  RenderedBuilder() = default;
  void open(Section section, std::uint16_t type, std::uint16_t klass, std::chrono::seconds ttl);

  Rendered rendered_;
  std::vector<Target> targets_;
  bool query_name_known_ = false;
  std::size_t records_offset_ = 0;  ///< Of `records` in the message, when the query name is known.
  std::size_t rdata_start_ = 0;
};

}  // namespace gslb::dns

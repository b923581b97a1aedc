#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dns/name.h"
#include "zones/master_file_text.h"

namespace gslb::zones {

/// "MX" or "TYPE15" → 15; case does not matter.
std::optional<std::uint16_t> parse_type(std::string_view text);

/// "MX"; "TYPE65280" where there is no name.
std::string type_name(std::uint16_t type);

/// The data of a record in wire form, with uncompressed names, from its presentation form or from
/// "\# LENGTH HEX" (RFC 3597 §5), which must be well formed for a known type too. The error says
/// what was expected and what is there instead.
///
/// Which fields a type has comes from ldns, and so do the rare ones. The common ones are read here:
/// ldns cuts numbers ("99999" → 34463) and takes every name that begins with "@" for the origin.
tl::expected<std::vector<std::uint8_t>, std::string> parse_rdata(
    std::uint16_t type, std::span<const MasterFileField> fields, const dns::Name& origin);

}  // namespace gslb::zones

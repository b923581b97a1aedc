#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "zones/master_file_text.h"

namespace gslb::zones {

/// The SvcParams of an SVCB or HTTPS record (RFC 9460 §2.1 and appendix A) in wire form, sorted by
/// key. Done here and not by ldns, which cuts numbers, merges repeated keys and does not unescape
/// lists twice.
tl::expected<std::vector<std::uint8_t>, std::string> parse_svc_params(
    std::span<const MasterFileField> fields);

/// What is wrong with SvcParams in wire form (RFC 9460 §2.2, §7 and §8); empty: nothing.
std::string find_svc_params_problem(std::span<const std::uint8_t> wire);

}  // namespace gslb::zones

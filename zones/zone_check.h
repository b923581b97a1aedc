#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zones/spec.h"
#include "zones/zone_data.h"

namespace gslb::zones {

/// Something about a zone that cannot be served as it stands.
struct ZoneProblem {
  std::optional<RecordSource> source;  ///< Nothing where the configuration alone is to blame.
  std::optional<ProfileId> profile;    ///< The profile that is in the way, if one is.
  std::string message;                 ///< "what is wrong; what to do"
};

/// What is wrong with a zone's master file, with itself or beside the configuration, in the order
/// of the file. Empty for a zone without a master file whose names are fine.
std::vector<ZoneProblem> check_zone(const ZoneSpec& spec, std::span<const ProfileName> profiles);

}  // namespace gslb::zones

#pragma once

#include <cstddef>
#include <vector>

#include "app/config_reader.h"
#include "app/config_sections.h"

// The parts of read_profiles().
namespace gslb::app::loading {

/// A profile with the places of its parts in the file, for checks that need all profiles.
struct ProfileDraft {
  NamedTable named;
  /// The tables of spec.endpoints, parallel to them.
  std::vector<Value> entries;
};

/// Reads `endpoints` of a profile into it. Its method is known already.
void read_profile_endpoints(const Value& value, ProfileDraft& drafted,
                            routing::ProfileSpec& profile, Draft& draft, Report& report);

/// What depends on more than one profile, endpoint or entry: loops, ranges and regions that two
/// claim, places that are missing. `drafted` runs parallel to draft.config.profiles.
void check_profiles(const std::vector<ProfileDraft>& drafted, const Draft& draft, Report& report);

}  // namespace gslb::app::loading

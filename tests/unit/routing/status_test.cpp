#include "routing/status.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gslb::routing {
namespace {

using base::EndpointStatus;
using enum base::EndpointStatus;

// The tables of the documentation of Azure Traffic Manager, row by row, in its order.

struct EntryRow {
  std::string row;
  bool profile_enabled;
  bool entry_enabled;
  EndpointStatus target;
  EndpointStatus expected;
};

// https://learn.microsoft.com/azure/traffic-manager/traffic-manager-monitoring#endpoint-monitor-status
const std::vector<EntryRow> kEntryRows{
    {"profile Disabled, endpoint Enabled: Inactive", false, true, kOnline, kInactive},
    {"the same while it fails", false, true, kDegraded, kInactive},
    {"the same while it is checked", false, true, kCheckingEndpoint, kInactive},
    {"the same for a nested profile that is stopped", false, true, kStopped, kInactive},
    {"the same for one that is not probed", false, true, kUnmonitored, kInactive},
    {"profile <any>, endpoint Disabled: Disabled", true, false, kOnline, kDisabled},
    {"the same in a disabled profile", false, false, kOnline, kDisabled},
    {"the same by the switch of [endpoint.NAME]", true, true, kDisabled, kDisabled},
    {"the same by that switch in a disabled profile", false, true, kDisabled, kDisabled},
    {"Enabled, Enabled: Online", true, true, kOnline, kOnline},
    {"Enabled, Enabled: Degraded", true, true, kDegraded, kDegraded},
    {"Enabled, Enabled: CheckingEndpoint", true, true, kCheckingEndpoint, kCheckingEndpoint},
    {"Enabled, Enabled: Stopped", true, true, kStopped, kStopped},
    {"Enabled, Enabled: Unmonitored", true, true, kUnmonitored, kUnmonitored},
};

TEST(Status, OfAnEntryIsThatOfTheDocumentedMatrix) {
  for (const EntryRow& row : kEntryRows) {
    EXPECT_EQ(entry_status(row.profile_enabled, row.entry_enabled, row.target), row.expected)
        << row.row;
  }
}

struct ProfileRow {
  std::string row;
  bool enabled;
  std::vector<EndpointStatus> entries;
  ProfileStatus expected;
};

// https://learn.microsoft.com/azure/traffic-manager/traffic-manager-monitoring#profile-monitor-status
const std::vector<ProfileRow> kProfileRows{
    {"Disabled, <any>", false, {kInactive, kDisabled}, ProfileStatus::kDisabled},
    {"Disabled, even with one that is Degraded", false, {kDegraded}, ProfileStatus::kDisabled},
    {"Disabled, without endpoints", false, {}, ProfileStatus::kDisabled},
    {"at least one Degraded", true, {kOnline, kDegraded}, ProfileStatus::kDegraded},
    {"all Degraded", true, {kDegraded, kDegraded}, ProfileStatus::kDegraded},
    {"one Degraded among all others",
     true,
     {kCheckingEndpoint, kDisabled, kStopped, kUnmonitored, kInactive, kDegraded},
     ProfileStatus::kDegraded},
    {"at least one Online, none Degraded", true, {kDisabled, kOnline}, ProfileStatus::kOnline},
    {"Online beside CheckingEndpoint", true, {kCheckingEndpoint, kOnline}, ProfileStatus::kOnline},
    {"Unmonitored counts as Online", true, {kUnmonitored, kStopped}, ProfileStatus::kOnline},
    {"at least one CheckingEndpoint, none Online or Degraded",
     true,
     {kDisabled, kStopped, kCheckingEndpoint},
     ProfileStatus::kCheckingEndpoints},
    {"all Disabled", true, {kDisabled, kDisabled}, ProfileStatus::kInactive},
    {"all Stopped", true, {kStopped}, ProfileStatus::kInactive},
    {"all Disabled or Stopped", true, {kDisabled, kStopped}, ProfileStatus::kInactive},
    {"Enabled, without endpoints", true, {}, ProfileStatus::kInactive},
};

TEST(Status, OfAProfileIsThatOfTheDocumentedMatrix) {
  for (const ProfileRow& row : kProfileRows) {
    EXPECT_EQ(to_string(profile_status(row.enabled, row.entries)), to_string(row.expected))
        << row.row;
  }
}

struct NestedRow {
  std::string row;
  bool child_enabled;
  std::vector<EndpointStatus> child_entries;
  unsigned min_children;
  EndpointStatus expected;
};

// https://learn.microsoft.com/azure/traffic-manager/traffic-manager-nested-profiles#faq
const std::vector<NestedRow> kNestedRows{
    {"child Disabled", false, {kInactive}, 1, kStopped},
    {"child Degraded, enough Online", true, {kDegraded, kOnline}, 1, kOnline},
    {"child Degraded, exactly enough Online", true, {kDegraded, kOnline, kOnline}, 2, kOnline},
    {"child Degraded, enough with CheckingEndpoint",
     true,
     {kDegraded, kOnline, kCheckingEndpoint},
     2,
     kCheckingEndpoint},
    {"child Degraded, otherwise", true, {kDegraded, kOnline, kCheckingEndpoint}, 3, kDegraded},
    {"child Degraded, none left", true, {kDegraded, kDegraded}, 1, kDegraded},
    {"child Online, enough", true, {kOnline, kDisabled}, 1, kOnline},
    {"child Online, enough with CheckingEndpoint",
     true,
     {kOnline, kCheckingEndpoint},
     2,
     kCheckingEndpoint},
    {"child Online, min_children set too high", true, {kOnline, kOnline}, 3, kDegraded},
    {"child CheckingEndpoints, enough", true, {kCheckingEndpoint}, 1, kCheckingEndpoint},
    {"child CheckingEndpoints, too few", true, {kCheckingEndpoint, kStopped}, 2, kDegraded},
    {"child Inactive", true, {kDisabled, kStopped}, 1, kStopped},
    {"child without endpoints", true, {}, 1, kStopped},
    {"Unmonitored counts as Online", true, {kUnmonitored, kOnline}, 2, kOnline},
};

TEST(Status, OfANestedProfileIsThatOfTheDocumentedMatrix) {
  for (const NestedRow& row : kNestedRows) {
    const ProfileStatus child = profile_status(row.child_enabled, row.child_entries);
    EXPECT_EQ(nested_status(child, row.child_entries, row.min_children), row.expected) << row.row;
  }
}

}  // namespace
}  // namespace gslb::routing

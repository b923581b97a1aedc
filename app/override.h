#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "health/clock.h"

namespace gslb::app {

/// What an operator has ordered for an endpoint, above configuration and health.
struct Override {
  enum class Kind : std::uint8_t {
    kEnable,   ///< As if it were enabled in the configuration.
    kDisable,  ///< As if it were not.
    kDrain,    ///< It takes no new clients while anything else can, and is still probed.
  };

  Kind kind = Kind::kDisable;
  health::WallTime since{};
  std::optional<health::WallTime> until;  ///< Nothing: until it is taken back.
  std::string reason;                     ///< The operator's; may be empty.

  bool operator==(const Override&) const = default;
};

/// By endpoint. One whose endpoint is not configured waits until it is.
using Overrides = std::map<std::string, Override, std::less<>>;

/// "enable", "disable" or "drain"
std::string_view to_string(Override::Kind kind) noexcept;

/// "drained by the operator until 2026-11-28T15:00:00Z: new disks"
std::string describe(const Override& override);

// As they are kept in a file.
std::string overrides_to_json(const Overrides& overrides);
tl::expected<Overrides, std::string> parse_overrides(std::string_view json);

}  // namespace gslb::app

#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "routing/latency_map.h"

namespace gslb::routing {

/// So many endpoints get a column, those of former configurations included.
inline constexpr std::size_t kMaxLatencyColumns = std::size_t{1} << 15U;

/// Never has a measurement.
inline constexpr LatencyColumn kNoLatencyColumn = 0xffff;

/// The columns of endpoints, by name. It only grows, so that measurements and compiled decisions of
/// different times mean the same by a column. Not thread-safe.
class LatencyColumns {
 public:
  /// Gives a name that is new the next column; kNoLatencyColumn where none is left.
  LatencyColumn column(std::string_view endpoint);

  /// The endpoints by column.
  const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::map<std::string, LatencyColumn, std::less<>> columns_;
  std::vector<std::string> names_;
};

}  // namespace gslb::routing

#include "routing/latency_columns.h"

namespace gslb::routing {

LatencyColumn LatencyColumns::column(std::string_view endpoint) {
  const auto found = columns_.find(endpoint);
  if (found != columns_.end()) return found->second;
  if (names_.size() == kMaxLatencyColumns) return kNoLatencyColumn;
  const auto column = static_cast<LatencyColumn>(names_.size());
  names_.emplace_back(endpoint);
  columns_.emplace(names_.back(), column);
  return column;
}

}  // namespace gslb::routing

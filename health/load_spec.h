#pragma once

#include <chrono>
#include <string>

namespace gslb::health {

/// A validated `load` of an endpoint: where its site tells how busy it is.
struct LoadSpec {
  std::string url;      ///< http or https.
  std::string metric;   ///< See read_metric().
  double capacity = 1;  ///< Of the metric; above 0.
  std::chrono::milliseconds interval{30'000};
  bool verify_certificate = true;

  bool operator==(const LoadSpec&) const = default;
};

}  // namespace gslb::health

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "app/latency_service.h"

// The JSON of the admin API about latencies. Thread-safe.
namespace gslb::app {

/// Reads `{"measurements":[{"client":"203.0.113.7","endpoint":"london","rtt_ms":12.5}, …]}`, at
/// most kMaxMeasurements. The error says what is wrong, with the index of the measurement, and what
/// to do.
tl::expected<std::vector<Measurement>, std::string> parse_measurements(std::string_view json);

/// `{"accepted":1,"rejected":[{"index":0,"reason":"…"}]}`
std::string to_json(const IngestResult& result);

/// `{"rows":[{"network":"203.0.113.0/24","endpoint":"london","rtt_ms":12.5,"source":"measured",
/// "age_s":17}, …]}`; a row of the file has the source "file" and no age.
std::string latency_to_json(const std::vector<LatencyRow>& rows);

}  // namespace gslb::app

#include "app/latency_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "app/config_text.h"
#include "base/address_range.h"

namespace gslb::app {
namespace {

namespace json = boost::json;
using loading::quote;

constexpr double kMicrosecondsPerMs = 1000;
/// Far beyond what is accepted, and far from overflow.
constexpr double kMaxMs = 1e9;

std::string_view view(json::string_view text) { return {text.data(), text.size()}; }

tl::unexpected<std::string> fail(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

/// Reads the measurements one by one; the first error ends it.
class MeasurementReader {
 public:
  tl::expected<std::vector<Measurement>, std::string> read(const json::value& document) {
    const json::object* object = document.if_object();
    const json::value* list = object == nullptr ? nullptr : object->if_contains("measurements");
    if (list == nullptr || object->size() != 1 || !list->is_array()) {
      return fail(
          "expected an object with the array \"measurements\"; write "
          "{\"measurements\":[{\"client\":\"203.0.113.7\",\"endpoint\":\"london\","
          "\"rtt_ms\":12.5}]}");
    }
    const json::array& array = list->get_array();
    if (array.size() > kMaxMeasurements) {
      return fail("has " + std::to_string(array.size()) +
                  " measurements; send at most 10000 at once");
    }
    std::vector<Measurement> measurements;
    measurements.reserve(array.size());
    for (std::size_t i = 0; i < array.size(); ++i) {
      auto measurement = read_one(array[i]);
      if (!measurement) {
        return fail("measurements[" + std::to_string(i) + "]" + measurement.error());
      }
      measurements.push_back(*std::move(measurement));
    }
    return measurements;
  }

 private:
  static tl::expected<Measurement, std::string> read_one(const json::value& value) {
    const json::object* object = value.if_object();
    if (object == nullptr) return fail(": expected an object");
    for (const auto& [key, unused] : *object) {
      if (key != "client" && key != "endpoint" && key != "rtt_ms") {
        return fail(": unknown key " + quote(view(key)) + "; use client, endpoint and rtt_ms");
      }
    }
    const json::string* client = string(*object, "client");
    if (client == nullptr) return fail(".client: expected a string such as \"203.0.113.7\"");
    const auto address = base::parse_ip_address(view(*client));
    if (!address) return fail(".client: " + quote(view(*client)) + " is not an IP address");
    const json::string* endpoint = string(*object, "endpoint");
    if (endpoint == nullptr) return fail(".endpoint: expected a string");
    const auto rtt = milliseconds(*object);
    if (!rtt) return fail(".rtt_ms: expected a number of milliseconds");
    return Measurement{*address, std::string(view(*endpoint)), *rtt};
  }

  static const json::string* string(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_string();
  }

  static std::optional<std::chrono::microseconds> milliseconds(const json::object& object) {
    const json::value* value = object.if_contains("rtt_ms");
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double ms = std::clamp(value->to_number<double>(), -kMaxMs, kMaxMs);
    return std::chrono::microseconds{std::llround(ms * kMicrosecondsPerMs)};
  }
};

double to_ms(std::chrono::microseconds rtt) {
  return static_cast<double>(rtt.count()) / kMicrosecondsPerMs;
}

}  // namespace

tl::expected<std::vector<Measurement>, std::string> parse_measurements(std::string_view text) {
  boost::system::error_code error;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return fail("is not JSON: " + error.message());
  return MeasurementReader().read(document);
}

std::string to_json(const IngestResult& result) {
  json::array rejected;
  for (const IngestResult::Rejection& rejection : result.rejected) {
    rejected.push_back(json::object{{"index", rejection.index}, {"reason", rejection.reason}});
  }
  return json::serialize(
      json::object{{"accepted", result.accepted}, {"rejected", std::move(rejected)}});
}

std::string latency_to_json(const std::vector<LatencyRow>& rows) {
  json::array array;
  for (const LatencyRow& row : rows) {
    json::object object{{"network", base::to_string(row.network)},
                        {"endpoint", row.endpoint},
                        {"rtt_ms", to_ms(row.rtt)},
                        {"source", row.is_measured ? "measured" : "file"}};
    if (row.is_measured) object["age_s"] = row.age.count();
    array.push_back(std::move(object));
  }
  return json::serialize(json::object{{"rows", std::move(array)}});
}

}  // namespace gslb::app

#include "app/override.h"

#include <fmt/format.h>

#include <exception>
#include <stdexcept>

#include "app/json_values.h"

namespace gslb::app {
namespace {

namespace json = boost::json;

Override::Kind parse_kind(std::string_view text) {
  for (const auto kind :
       {Override::Kind::kEnable, Override::Kind::kDisable, Override::Kind::kDrain}) {
    if (to_string(kind) == text) return kind;
  }
  throw std::runtime_error(fmt::format("\"{}\" is no override", text));
}

}  // namespace

std::string_view to_string(Override::Kind kind) noexcept {
  switch (kind) {
    case Override::Kind::kEnable:
      return "enable";
    case Override::Kind::kDisable:
      return "disable";
    case Override::Kind::kDrain:
      return "drain";
  }
  return "unknown";
}

std::string describe(const Override& override) {
  std::string text = override.kind == Override::Kind::kDrain    ? "drained"
                     : override.kind == Override::Kind::kEnable ? "enabled"
                                                                : "disabled";
  text += " by the operator";
  if (override.until) text += " until " + format_time(*override.until);
  if (!override.reason.empty()) text += ": " + override.reason;
  return text;
}

std::string overrides_to_json(const Overrides& overrides) {
  json::object out;
  for (const auto& [endpoint, override] : overrides) {
    out[endpoint] = {
        {"override", to_string(override.kind)},
        {"since", format_time(override.since)},
        {"until", override.until ? json::value(format_time(*override.until)) : nullptr},
        {"reason", override.reason}};
  }
  return json::serialize(out) + "\n";
}

tl::expected<Overrides, std::string> parse_overrides(std::string_view text) {
  try {
    Overrides overrides;
    const json::value document = json::parse(text);
    for (const auto& [endpoint, value] : document.as_object()) {
      const json::object& item = value.as_object();
      Override override;
      override.kind = parse_kind(item.at("override").as_string());
      override.since = time_of(item.at("since"));
      if (!item.at("until").is_null()) override.until = time_of(item.at("until"));
      override.reason = item.at("reason").as_string();
      overrides.emplace(endpoint, std::move(override));
    }
    return overrides;
  } catch (const std::exception& error) {
    return tl::make_unexpected(std::string(error.what()));
  }
}

}  // namespace gslb::app

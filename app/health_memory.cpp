#include "app/health_memory.h"

#include <exception>
#include <stdexcept>

#include "app/json_values.h"

namespace gslb::app {
namespace {

namespace json = boost::json;
using base::EndpointStatus;

EndpointStatus parse_status(std::string_view text) {
  for (const auto status : {EndpointStatus::kOnline, EndpointStatus::kDegraded}) {
    if (base::to_string(status) == text) return status;
  }
  throw std::runtime_error("a check has neither status Online nor Degraded");
}

}  // namespace

std::string memory_to_json(const std::vector<health::RememberedCheck>& checks) {
  json::array out;
  for (const health::RememberedCheck& check : checks) {
    out.push_back({{"endpoint", check.endpoint},
                   {"monitor", check.monitor},
                   {"address", base::to_string(check.address)},
                   {"status", base::to_string(check.status)},
                   {"since", format_time(check.since)},
                   {"reason", check.reason},
                   {"probed_at", format_time(check.probed_at)}});
  }
  return json::serialize(json::object{{"checks", std::move(out)}}) + "\n";
}

tl::expected<std::vector<health::RememberedCheck>, std::string> parse_memory(
    std::string_view text) {
  try {
    std::vector<health::RememberedCheck> checks;
    const json::value document = json::parse(text);
    for (const json::value& value : document.as_object().at("checks").as_array()) {
      const json::object& item = value.as_object();
      const auto address = base::parse_ip_address(std::string_view(item.at("address").as_string()));
      if (!address) throw std::runtime_error("a check has no address");
      checks.push_back({std::string(item.at("endpoint").as_string()),
                        std::string(item.at("monitor").as_string()), *address,
                        parse_status(item.at("status").as_string()), time_of(item.at("since")),
                        std::string(item.at("reason").as_string()), time_of(item.at("probed_at"))});
    }
    return checks;
  } catch (const std::exception& error) {
    return tl::make_unexpected(std::string(error.what()));
  }
}

}  // namespace gslb::app

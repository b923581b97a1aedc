#include "routing/spec.h"

namespace gslb::routing {

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::kPriority:
      return "priority";
    case Method::kWeighted:
      return "weighted";
    case Method::kPerformance:
      return "performance";
    case Method::kGeographic:
      return "geographic";
    case Method::kMultivalue:
      return "multivalue";
    case Method::kSubnet:
      return "subnet";
  }
  return "unknown";
}

}  // namespace gslb::routing

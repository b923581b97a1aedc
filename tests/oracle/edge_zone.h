#pragma once

#include "tests/oracle/servers.h"

namespace gslb::oracle {

inline ServedZone edge_zone() {
  return {"edge.test", std::string(GSLB_SOURCE_DIR) + "/tests/oracle/edge.test.zone",
          R"({ "ns1.edge.test" = ["192.0.2.53"] })"};
}

}  // namespace gslb::oracle

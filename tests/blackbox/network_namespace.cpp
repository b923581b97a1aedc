#include "tests/blackbox/network_namespace.h"

#include <gtest/gtest.h>

namespace gslb::blackbox {

using support::run;

bool NetworkNamespace::is_available() {
  return run({"unshare", "--net", "--mount", "true"}).status == 0;
}

NetworkNamespace::NetworkNamespace()
    : process_({"unshare", "--net", "--mount", "sh", "-c",
                "ip link set lo up && mount -t tmpfs tmpfs /run && echo ready && exec sleep 600"}) {
  EXPECT_TRUE(process_.wait_for_output("ready")) << process_.output();
}

std::vector<std::string> NetworkNamespace::inside(std::vector<std::string> command) const {
  command.insert(command.begin(),
                 {"nsenter", "--net", "--mount", "--target", std::to_string(process_.pid())});
  return command;
}

bool NetworkNamespace::has_nft() const {
  return run(inside({"nft", "list", "ruleset"})).status == 0;
}

void NetworkNamespace::nft(const std::string& command) const {
  const auto done = run(inside({"nft", command}));
  ASSERT_EQ(done.status, 0) << done.output;
}

void NetworkNamespace::add_chain(const std::string& name) const {
  nft("add table inet filter");
  nft("add chain inet filter " + name + " { type filter hook " + name + " priority 0; }");
}

}  // namespace gslb::blackbox

// What gslbd answers to unusual queries. How others answer the same ones is in
// docs/reference/interoperability.md, which `./dev oracle` writes.

#include "tests/oracle/edge_case.h"

#include <gtest/gtest.h>

#include "tests/oracle/edge_zone.h"

namespace gslb::oracle {
namespace {

TEST(EdgeCases, AreAnsweredAsTheListSays) {
  const Server gslbd = start_gslbd(GSLBD_BINARY, edge_zone());
  for (const EdgeCase& edge_case : edge_cases()) {
    EXPECT_EQ(ask(gslbd.address(), edge_case), edge_case.expected) << edge_case.title;
  }
}

}  // namespace
}  // namespace gslb::oracle

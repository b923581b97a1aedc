#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace gslb::blackbox {

/// A network and a /run of its own, in which loopback is up and nothing else is there. Whatever a
/// test does to it ends with it.
class NetworkNamespace {
 public:
  /// False where the tests may not make one, which takes root.
  static bool is_available();

  NetworkNamespace();

  /// A command that is run within.
  std::vector<std::string> inside(std::vector<std::string> command) const;

  /// False where nftables does not work.
  bool has_nft() const;
  /// Runs one command of nft(8); fails the test where that fails.
  void nft(const std::string& command) const;
  /// An empty chain `inet filter NAME` at the hook of that name: "input" or "output".
  void add_chain(const std::string& name) const;

 private:
  support::Process process_;
};

}  // namespace gslb::blackbox

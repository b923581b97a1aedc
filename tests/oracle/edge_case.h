#pragma once

#include <string>
#include <vector>

#include "base/ip_address.h"
#include "tests/support/dns_client.h"

namespace gslb::oracle {

/// One unusual or malformed query about edge.test.zone.
struct EdgeCase {
  enum class Way {
    kUdp,
    kTcp,
    kTcpRaw,  ///< `message` is the whole stream, length prefixes and all.
  };

  std::string title;
  Way way = Way::kUdp;
  support::Bytes message;
  /// What gslbd answers, in the form of describe().
  std::string expected;
  /// Where another server answers differently: why gslbd's answer is right, with the RFC.
  std::string explanation = {};
};

const std::vector<EdgeCase>& edge_cases();

/// "NOERROR aa rd 1/1/0/1 E0 1232 cookie": RCODE, flags, the counts of question, answer, authority
/// and additional, and of EDNS the version, DO, and options with what is telling about each. "no
/// answer" where none comes, several answers joined by " + ".
std::string describe(const support::Bytes& response);

/// Asks a server and describes what comes.
std::string ask(const base::SocketAddress& server, const EdgeCase& edge_case);

}  // namespace gslb::oracle

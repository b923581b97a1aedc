#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "tests/support/process.h"

namespace gslb::oracle {

/// A zone that all servers serve from one master file.
struct ServedZone {
  std::string apex;               ///< "edge.test"
  std::filesystem::path file;     ///< The master file.
  std::string gslbd_nameservers;  ///< As in TOML: { "ns1.edge.test" = ["192.0.2.53"] }
};

/// A name server in the foreground, on a loopback port and with a folder of its own, ended with
/// this object. Not thread-safe.
class Server {
 public:
  const std::string& name() const { return name_; }
  const base::SocketAddress& address() const { return address_; }
  std::string log() const { return process_->output(); }

 private:
  friend class Starter;
  std::string name_;
  std::unique_ptr<support::TemporaryFolder> folder_;
  std::unique_ptr<support::Process> process_;
  base::SocketAddress address_;
};

/// Each waits until the server answers the SOA of the zone, and throws std::runtime_error with the
/// server's log where it does not. All announce 1232 octets, know themselves as "oracle", and
/// limit no rates; what else is not a default stands in servers.cpp.
Server start_gslbd(const std::string& binary, const ServedZone& zone);
Server start_nsd(const ServedZone& zone);
Server start_knot(const ServedZone& zone);
Server start_bind(const ServedZone& zone);
Server start_gdnsd(const ServedZone& zone);

}  // namespace gslb::oracle

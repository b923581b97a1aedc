#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace gslb::docker {

inline constexpr const char* kVpn = "vpn.example.com";
/// The addresses of docker/compose.yml.
inline constexpr const char* kNs1 = "198.18.1.53";
inline constexpr const char* kNs2 = "198.18.2.53";
inline constexpr const char* kResolver = "198.18.0.54";
inline constexpr const char* kLondon = "198.18.1.10";
inline constexpr const char* kNewYork = "198.18.2.10";
inline constexpr const char* kSingapore = "198.18.3.10";

/// What a client saw at one time.
struct Sighting {
  std::chrono::milliseconds time{0};  ///< Since the epoch.
  std::string site;                   ///< Or another answer; empty: none.
};

/// A command in a container that looks ten times a second what its client gets. See `watch` in
/// docker/lab/play.
class Watch {
 public:
  Watch(const std::string& client, std::vector<std::string> command);

  std::vector<Sighting> sightings() const;
  /// Waits until a sighting is `site`.
  bool wait_for(const std::string& site) const;

 private:
  support::Process process_;
};

/// From the last sighting of a site before the first sighting of another one, to that. Nothing
/// where no such change was seen.
struct Outage {
  std::string from;
  std::string to;
  std::chrono::milliseconds duration{0};
};
std::optional<Outage> find_outage(const std::vector<Sighting>& sightings);

/// What a client that is always answered does not see.
struct Continuity {
  int unanswered = 0;
  std::chrono::milliseconds longest_gap{0};  ///< Between two answers.
};
Continuity continuity_of(const std::vector<Sighting>& sightings);

/// The containers of docker/compose.yml, started for the first scenario and removed after the last.
/// Not thread-safe.
class Estate {
 public:
  /// That of all scenarios.
  static Estate& get();

  /// Does not start anything yet.
  Estate();
  Estate(const Estate&) = delete;
  Estate& operator=(const Estate&) = delete;
  ~Estate();

  /// docker ARGUMENTS; fails the test where that does.
  std::string docker(const std::vector<std::string>& arguments) const;
  /// docker compose ARGUMENTS; `variables` are for this call.
  std::string compose(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& variables = {}) const;
  /// The id of the container of a service.
  std::string id(const std::string& service) const;
  /// Runs a command in a container.
  support::Finished exec(const std::string& service, std::vector<std::string> command) const;
  /// Likewise; fails the test where the command fails.
  std::string run(const std::string& service, const std::vector<std::string>& command) const;

  /// The lines of `dig +short`, sorted; without `server` from the resolver.
  std::vector<std::string> dig(const std::string& client, const std::string& name,
                               const std::string& server = kResolver) const;

  /// gslbctl status of an endpoint, as a name server sees it; empty where it does not answer.
  std::string status(const std::string& ns, const std::string& endpoint) const;
  std::string reason(const std::string& ns, const std::string& endpoint) const;
  bool wait_for_status(const std::string& ns, const std::string& endpoint,
                       const std::string& status) const;

  /// Adds an nftables rule to what comes in at a site, such as "ip saddr 198.18.1.53 drop".
  void add_fault(const std::string& site, const std::string& rule) const;
  void clear_faults(const std::string& site) const;

  /// Lets the SSTP server of a site show /estate/NAME.pem from now on.
  void show_certificate(const std::string& site, const std::string& name) const;

  /// gslbd.toml of both name servers.
  std::string config() const;
  void set_config(const std::string& text) const;

  /// Brings everything back to health, and waits until it is.
  void heal() const;

 private:
  void copy_config() const;

  support::TemporaryFolder folder_;
};

/// Waits until `condition` holds, for at most `patience`.
bool wait_until(const std::function<bool()>& condition,
                std::chrono::seconds patience = std::chrono::seconds(40));

/// Prints a figure.
void measured(const std::string& what, const std::string& value);

/// A scenario begins with everything healthy.
class Scenario : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  Estate& estate_ = Estate::get();
};

}  // namespace gslb::docker

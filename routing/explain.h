#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "routing/decision_tree.h"
#include "routing/judge.h"

namespace gslb::routing {

/// Why a client gets the answers that it gets: a compiled decision replayed for it, with what every
/// candidate has for and against it. For people, on the control plane.
struct Explanation {
  /// What is known of the client.
  struct Client {
    base::IpAddress address;
    std::vector<std::string> regions;  ///< The most specific first; empty where none is known.
    Location::Source source = Location::Source::kNone;
    std::optional<GeoPoint> point;
  };

  /// An entry of a profile.
  struct Candidate {
    std::string name;
    bool is_profile = false;
    bool is_in = false;
    std::string reason;      ///< Why it is in or out.
    double probability = 0;  ///< That the answer is, or comes from, this one.
  };

  /// A profile on the way to an answer.
  struct Level {
    std::string profile;
    Method method = Method::kPriority;
    unsigned depth = 0;  ///< 0 for the outermost.
    double probability = 0;
    std::vector<Candidate> candidates;
    std::string note;  ///< What decided where no candidate did; empty otherwise.
  };

  /// One answer that may come.
  struct Result {
    Outcome::Kind kind = Outcome::Kind::kNoData;
    std::string endpoint;              ///< Empty where it is not one endpoint's.
    std::vector<std::string> answers;  ///< Addresses, or the target.
    std::chrono::seconds ttl{0};
    std::string ttl_reason;
    double probability = 0;
  };

  Family family = Family::kIpv4;
  Client client;
  std::vector<Level> levels;
  std::vector<Result> results;  ///< The most probable first.
  /// The answer holds for so many leading bits of the client's address, whichever comes.
  std::uint8_t scope = 0;
};

/// Explains what `tree` decides for the client: it must be that which compile() made of `id` and
/// `state`. `latency` is what the answers are given with.
Explanation explain(ProfileId id, const RoutingState& state, const DecisionTree& tree,
                    Family family, const base::IpAddress& client, const LatencyMap& latency);

/// "answer", "fallback", "no data", …
std::string_view to_string(Outcome::Kind kind) noexcept;

}  // namespace gslb::routing

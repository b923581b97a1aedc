#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tests/oracle/question.h"
#include "tests/oracle/reply.h"

namespace gslb::oracle {

/// Asks one server. The same question is answered the same way each time.
using Ask = std::function<Reply(const Question&)>;

/// Two answers to one question, and whom to ask for more.
struct Difference {
  const Question& asked;
  const std::string& reference;  ///< "NSD" or "Knot"
  const Section& zone;
  const Ask& ours;
  const Ask& theirs;
};

/// A reason, by an RFC or a decision of ours, why two right servers may answer differently. `apply`
/// makes equal what the reason accounts for, having checked that it is exactly that, and says
/// whether there was anything. It never touches what a response repeats of the query.
struct Explanation {
  const char* kind;
  const char* reason;
  bool (*apply)(const Difference&, Reply& ours, Reply& theirs);
};

std::span<const Explanation> explanations();

struct Verdict {
  bool is_right = false;
  /// The kinds of explanation that it took; none where the answers are equal.
  std::vector<const char*> kinds;
  const char* broken_law = nullptr;
};

/// Holds our answer against the laws and the other's.
Verdict compare(const Difference& difference);

}  // namespace gslb::oracle

#pragma once

#include <span>

#include "tests/oracle/question.h"
#include "tests/oracle/reply.h"

namespace gslb::oracle {

/// A way in which a server may be broken. The differential run must find it out.
struct Perturbation {
  const char* name;
  /// Breaks a response. False where there is nothing in it to break in this way.
  bool (*apply)(const Question&, Reply&);
  /// Why it cannot be found out; null where it must be.
  const char* excuse = nullptr;
};

std::span<const Perturbation> perturbations();

}  // namespace gslb::oracle

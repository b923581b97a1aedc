#pragma once

#include "tests/oracle/question.h"
#include "tests/oracle/reply.h"

namespace gslb::oracle {

/// What holds of every answer of gslbd to a Question, whatever other servers answer: what it must
/// repeat of the query, what it may be and how large. The law that `reply` breaks, with its RFC;
/// null where it keeps all.
const char* broken_law(const Question& asked, const Reply& reply);

}  // namespace gslb::oracle

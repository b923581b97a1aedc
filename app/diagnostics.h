#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gslb::app {

/// One finding about a configuration file, in the form that compilers use and editors jump to.
struct Diagnostic {
  enum class Severity { kError, kWarning };

  Severity severity = Severity::kError;
  std::string file;
  std::size_t line = 0;    ///< From 1; 0 where the whole file is meant.
  std::size_t column = 0;  ///< From 1.
  std::string key;         ///< "monitor.sstp.timeout"; empty for a syntax error.
  std::string message;     ///< "what is wrong; what to do"

  /// `FILE:LINE:COLUMN: error: KEY.PATH: what is wrong; what to do`
  std::string to_string() const;
};

using Diagnostics = std::vector<Diagnostic>;

bool has_errors(const Diagnostics& diagnostics);

}  // namespace gslb::app

#include "app/diagnostics.h"

#include <algorithm>

namespace gslb::app {

std::string Diagnostic::to_string() const {
  std::string text = file;
  if (line != 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  text += severity == Severity::kError ? ": error: " : ": warning: ";
  if (!key.empty()) text += key + ": ";
  return text + message;
}

bool has_errors(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
    return diagnostic.severity == Diagnostic::Severity::kError;
  });
}

}  // namespace gslb::app

#include "app/config_report.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gslb::app::loading {

void Report::add(Diagnostic::Severity severity, Position at, std::string key, std::string message) {
  diagnostics_.push_back({severity, file_, at.line, at.column, std::move(key), std::move(message)});
}

Diagnostics Report::take_sorted() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                   });
  return std::exchange(diagnostics_, {});
}

}  // namespace gslb::app::loading

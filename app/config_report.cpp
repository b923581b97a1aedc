#include "app/config_report.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace gslb::app::loading {

void Report::add(Diagnostic::Severity severity, Position at, std::string key, std::string message) {
  diagnostics_.push_back({severity, file_, at.line, at.column, std::move(key), std::move(message)});
}

Diagnostics Report::take_sorted() {
  const auto place = [this](const Diagnostic& diagnostic) {
    return std::tuple(diagnostic.file != file_, std::string_view(diagnostic.file), diagnostic.line,
                      diagnostic.column);
  };
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
  return std::exchange(diagnostics_, {});
}

}  // namespace gslb::app::loading

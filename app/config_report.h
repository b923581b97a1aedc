#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "app/diagnostics.h"

namespace gslb::app::loading {

/// A place in the file, from 1; line 0 where the whole file is meant.
struct Position {
  std::size_t line = 0;
  std::size_t column = 0;
};

/// Collects what is found in one file and those that it names. Not thread-safe; lives as long as
/// one load.
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  void error(Position at, std::string key, std::string message) {
    add(Diagnostic::Severity::kError, at, std::move(key), std::move(message));
  }
  void warning(Position at, std::string key, std::string message) {
    add(Diagnostic::Severity::kWarning, at, std::move(key), std::move(message));
  }

  /// In another file that the configuration names.
  void error_in(std::string file, std::size_t line, std::string message) {
    diagnostics_.push_back(
        {Diagnostic::Severity::kError, std::move(file), line, 1, {}, std::move(message)});
  }

  void warning_in(std::string file, std::size_t line, std::string message) {
    diagnostics_.push_back(
        {Diagnostic::Severity::kWarning, std::move(file), line, 1, {}, std::move(message)});
  }

  bool has_errors() const { return app::has_errors(diagnostics_); }

  /// Everything found so far, in the order of the file, then that of other files. Leaves the report
  /// empty.
  Diagnostics take_sorted();

 private:
  void add(Diagnostic::Severity severity, Position at, std::string key, std::string message);

  std::string file_;
  Diagnostics diagnostics_;
};

}  // namespace gslb::app::loading

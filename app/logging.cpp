#include "app/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace gslb::app {

void set_up_logging() {
  spdlog::set_default_logger(spdlog::stderr_color_mt("gslbd"));
  // systemd.exec(5): set where stderr is connected to the journal.
  const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  spdlog::set_pattern(journal ? "%^%l%$ %v" : "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  spdlog::flush_on(spdlog::level::trace);
}

}  // namespace gslb::app

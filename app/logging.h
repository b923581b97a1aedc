#pragma once

namespace gslb::app {

/// Sets up the log on stderr: one line for each event, with the time unless the journal adds it.
void set_up_logging();

}  // namespace gslb::app

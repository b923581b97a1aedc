#pragma once

#include <span>
#include <string_view>

#include "app/config_sections.h"

// The keys of `[monitor.NAME]` that belong to some protocols.
namespace gslb::app::loading {

/// What a protocol is called, and which of those keys it takes.
struct ProtocolKeys {
  health::Protocol protocol;
  std::string_view name;
  Words keys;
};
std::span<const ProtocolKeys> protocols();
const ProtocolKeys& keys_of(health::Protocol protocol);

/// Reads the keys of the protocol into `spec`, which holds what they default to, and reports every
/// key of another protocol.
void read_probe_keys(const TableReader& reader, Draft& draft, health::MonitorSpec& spec,
                     Report& report);

}  // namespace gslb::app::loading

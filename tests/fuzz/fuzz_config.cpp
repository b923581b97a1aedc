// The configuration file, whatever its bytes: a verdict always comes, and a useful one.

#include <algorithm>
#include <string>

#include "app/config.h"
#include "tests/fuzz/fuzz.h"

namespace gslb {
namespace {

using fuzz::require;

/// In a folder that does not exist, so that no zone file is found by a relative path.
const std::string kFile = "/nonexistent/fuzz.toml";

/// The octets of line `number`, counted from 1; nothing where the text has fewer lines.
std::optional<std::string_view> line_of(std::string_view text, std::size_t number) {
  for (; number > 1; --number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

void check_diagnostic(const app::Diagnostic& diagnostic, std::string_view text) {
  require(!diagnostic.file.empty(), "a diagnostic names its file");
  require(!diagnostic.message.empty(), "a diagnostic says something");
  const std::string printed = diagnostic.to_string();
  require(std::none_of(printed.begin(), printed.end(),
                       [](char c) { return (c >= 0 && c < ' ') || c == 127; }),
          "a diagnostic is one line without control characters");
  // Others are about the zone files that the text names.
  if (diagnostic.file != kFile || diagnostic.line == 0) return;
  const auto line = line_of(text, diagnostic.line);
  require(line.has_value(), "the line of a diagnostic is in the text");
  // One beyond the last character is the end of the line.
  require(diagnostic.column >= 1 && diagnostic.column <= line->size() + 1,
          "the column of a diagnostic is in its line");
}

void check_config(const app::Config& config) {
  require(!config.server.listen.empty(), "a server listens");
  require(config.server.identity.size() <= 255, "an identity has at most 255 octets");
  for (const zones::ZoneSpec& zone : config.zones) {
    require(!zone.nameservers.empty(), "a zone has a name server");
  }
  for (const routing::ProfileSpec& profile : config.profiles) {
    require(std::ranges::any_of(config.zones,
                                [&profile](const zones::ZoneSpec& zone) {
                                  return profile.owner.is_at_or_below(zone.apex);
                                }),
            "a profile is in a zone");
    for (const routing::ProfileEndpointSpec& entry : profile.endpoints) {
      require(entry.endpoint < config.endpoints.size(), "an endpoint of a profile exists");
    }
  }
}

}  // namespace
}  // namespace gslb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  const std::string_view text = fuzz::Input(data, size).text();
  const app::ConfigResult result = app::parse_config(text, kFile, 1);
  require((result.config == nullptr) == app::has_errors(result.diagnostics),
          "there is a configuration, or there are errors");
  for (const app::Diagnostic& diagnostic : result.diagnostics) check_diagnostic(diagnostic, text);
  if (result.config) check_config(*result.config);
  return 0;
}

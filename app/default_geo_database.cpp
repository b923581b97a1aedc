#include "app/default_geo_database.h"

namespace gslb::app {

std::optional<std::filesystem::path> default_geo_database() {
  for (const char* file : {GSLB_DATA_DIR "/country.mmdb", GSLB_SOURCE_DATA_DIR "/country.mmdb"}) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) return file;
  }
  return std::nullopt;
}

}  // namespace gslb::app

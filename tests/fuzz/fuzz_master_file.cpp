// Master files: whatever the text, it is read or refused, and what was read makes a zone that
// answers.

#include <algorithm>
#include <string_view>

#include "dns/answer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/test_snapshot.h"
#include "zones/master_file.h"
#include "zones/zone_check.h"

namespace gslb::fuzz {
namespace {

std::shared_ptr<const zones::MasterFile> read(std::string_view text) {
  return std::make_shared<const zones::MasterFile>(zones::parse_master_file(
      text, "/nonexistent/fuzz.zone", support::example_zone().apex, std::chrono::seconds{300}));
}

void check_errors(const zones::MasterFile& file) {
  for (const zones::MasterFileError& error : file.errors) {
    require(!error.message.empty(), "an error says something");
    const std::string printed = error.to_string();
    require(std::none_of(printed.begin(), printed.end(),
                         [](char c) { return (c >= 0 && c < ' ') || c == 127; }),
            "an error is one line without control characters");
  }
}

}  // namespace
}  // namespace gslb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  zones::ZoneSpec spec = support::example_zone();
  spec.file = fuzz::read(text);
  fuzz::check_errors(*spec.file);
  for (const zones::ZoneProblem& problem : zones::check_zone(spec, {})) {
    fuzz::require(!problem.message.empty(), "a problem says something");
  }

  // Answers come even from a zone that the check finds fault with.
  support::SnapshotMaker maker;
  maker.zone() = spec;
  const auto snapshot = maker.snapshot();
  dns::Scratch scratch(1);
  std::vector<std::uint8_t> out(dns::kEdnsUdpSize);
  std::size_t asked = 0;
  for (const zones::MasterFileRecord& record : spec.file->records) {
    if (++asked > 32) break;
    std::vector<std::uint8_t> query(12, 0);
    query[5] = 1;
    query.insert(query.end(), record.owner.wire().begin(), record.owner.wire().end());
    query.insert(query.end(), {static_cast<std::uint8_t>(record.type >> 8),
                               static_cast<std::uint8_t>(record.type), 0, 1});
    const std::size_t answered = dns::answer(*snapshot, {}, query, out, scratch);
    fuzz::require(answered >= 12 && answered <= out.size(), "every query has an answer that fits");
  }
  return 0;
}

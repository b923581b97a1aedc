// The two files of a DNSSEC key: whatever the text, it is read or refused in one line, and times
// that are set in what was read are read again.

#include <algorithm>
#include <string_view>

#include "tests/fuzz/fuzz.h"
#include "zones/dnssec_key_text.h"

namespace gslb::fuzz {
namespace {

void check_message(const std::string& message) {
  require(!message.empty(), "an error says something");
  require(std::none_of(message.begin(), message.end(),
                       [](char c) { return (c >= 0 && c < ' ') || c == 127; }),
          "an error is one line without control characters");
}

void check_private(std::string_view text) {
  const auto read = zones::parse_private_key(text);
  if (!read) return check_message(read.error());
  const auto key =
      zones::DnssecKey::make(dns::Name(), 257, read->algorithm, read->private_key, read->timing);
  if (key) {
    require((*key)->sign({}).size() == 64, "a key signs");
  } else {
    check_message(key.error());
  }
  zones::KeyTiming timing = read->timing;
  timing.inactive = std::chrono::sys_seconds{std::chrono::seconds{1'800'000'000}};
  timing.sync_publish.reset();
  const auto again = zones::parse_private_key(zones::with_timing_fields(text, timing));
  require(again && again->timing == timing, "times that are set are read again");
  require(again->private_key == read->private_key, "new times leave the key alone");
}

void check_public(std::string_view text) {
  const auto read = zones::parse_public_key(text);
  if (!read) return check_message(read.error());
  require(read->dnskey.size() >= 4, "a DNSKEY has its fixed fields");
  // A byte order mark is one at the front of a file only, where the record may come to stand.
  if (text.find("\xEF\xBB\xBF") != std::string_view::npos) return;
  const auto again = zones::parse_public_key(zones::with_timing_comments(text, {}));
  require(again && again->dnskey == read->dnskey && again->owner == read->owner,
          "new times leave the record alone");
}

}  // namespace
}  // namespace gslb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = gslb::fuzz::Input(data, size).text();
  gslb::fuzz::check_private(text);
  gslb::fuzz::check_public(text);
  return 0;
}

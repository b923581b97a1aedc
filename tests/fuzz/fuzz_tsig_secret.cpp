// parse_tsig_secret() with any text: a secret is one that HMAC can take and is worth something, and
// an error names a line of the text, in one line, without quoting it.
//
// Input: the text.

#include <algorithm>

#include "dns/tsig.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  using fuzz::require;
  const std::string_view text = fuzz::Input(data, size).text();
  const auto secret = dns::parse_tsig_secret(text);
  if (secret) {
    require(secret->size() >= 16 && secret->size() <= 1024, "a secret has 16 to 1024 octets");
    const auto key = dns::TsigKey::make(dns::Name(), dns::TsigAlgorithm::kHmacSha256, *secret);
    require(key.has_value(), "a key can be made of it");
  } else {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    require(secret.error().line <= lines, "an error names a line that there is");
    const std::string& message = secret.error().message;
    require(!message.empty() && message.find('\n') == std::string::npos, "an error has one line");
  }
  return 0;
}

#include <algorithm>
#include <string>
#include <utility>

#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

const Section& section() {
  static const Section kSection{"tsig", "[tsig.\"NAME\"]", {"algorithm", "secret_file"}, {}};
  return kSection;
}

Parsed<dns::TsigAlgorithm> parse_algorithm(std::string_view text) {
  using Algorithm = dns::TsigAlgorithm;
  static const std::vector<Choice<Algorithm>> kAlgorithms{{"hmac-sha256", Algorithm::kHmacSha256},
                                                          {"hmac-sha384", Algorithm::kHmacSha384},
                                                          {"hmac-sha512", Algorithm::kHmacSha512}};
  Words words;
  for (const Choice<Algorithm>& choice : kAlgorithms) {
    if (choice.word == text) return choice.meaning;
    words.push_back(choice.word);
  }
  if (text.starts_with("hmac-md5") || text == "hmac-sha1") {
    // RFC 8945 §6: MD5 must not be used, and SHA-1 is not recommended.
    return tl::unexpected(quote(text) + " is no longer safe to sign with; write " +
                          quote("hmac-sha256") + " here and on the other server");
  }
  return tl::unexpected(quote(text) + " is no algorithm; write " + join_or(words));
}

Parsed<dns::Name> parse_key_name(std::string_view text) {
  Parsed<dns::Name> name = parse_domain_name(text);
  if (name && name->length() > dns::kMaxTsigKeyName) {
    return tl::unexpected("the name of a key has at most " + std::to_string(dns::kMaxTsigKeyName) +
                          " octets; shorten it");
  }
  return name;
}

/// Its errors are reported where they stand.
std::optional<std::vector<std::uint8_t>> read_secret(const TableReader& reader, Draft& draft,
                                                     Report& report) {
  reader.require("secret_file", "write the path of a file with the secret in base64");
  const auto text = read_named_file(reader, "secret_file", draft);
  if (!text) return std::nullopt;
  auto secret = dns::parse_tsig_secret(*text);
  if (secret) return std::move(*secret);
  if (secret.error().line == 0) {
    reader.error("secret_file", secret.error().message);
  } else {
    report.error_in(draft.config.files.back().string(), secret.error().line,
                    secret.error().message);
  }
  return std::nullopt;
}

void read_key(const NamedTable& named, std::vector<dns::TsigKey>& keys, Draft& draft,
              Report& report) {
  TableReader reader(*named.table, named.path, report);
  reader.check_keys(section().keys, section().later_keys);
  const auto algorithm = reader.has("algorithm") ? reader.parsed("algorithm", parse_algorithm)
                                                 : dns::TsigAlgorithm::kHmacSha256;
  auto secret = read_secret(reader, draft, report);

  const Parsed<dns::Name> name = parse_key_name(named.name);
  if (!name) return report.error(named.position(), named.path, name.error());
  NamedTable normal = named;
  normal.name = name->lower().to_string();
  if (draft.tsig_keys.find(normal.name) != nullptr) {
    return report.error(named.position(), named.path,
                        "the key " + quote(normal.name) + " is defined twice; remove one");
  }
  draft.tsig_keys.add(normal, *name);
  if (!algorithm || !secret) return;
  auto key = dns::TsigKey::make(*name, *algorithm, std::move(*secret));
  if (!key) return reader.error("algorithm", key.error());
  keys.push_back(std::move(*key));
}

}  // namespace

void read_tsig_keys(const toml::table& root, Draft& draft, Report& report) {
  std::vector<dns::TsigKey> keys;
  for (const NamedTable& named : named_tables(root, section(), report)) {
    read_key(named, keys, draft, report);
  }
  if (keys.empty()) return;
  draft.config.tsig_keys = std::make_shared<const dns::TsigKeys>(std::move(keys));
}

}  // namespace gslb::app::loading

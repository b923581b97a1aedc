#include "zones/signing_keys.h"

#include <fmt/format.h>

#include <algorithm>

namespace gslb::zones {
namespace {

using Keys = std::span<const std::shared_ptr<const DnssecKey>>;
using Time = std::chrono::sys_seconds;

/// A key that has signed the keys, and is still shown.
bool is_retired_entry(const DnssecKey& key, Time now) {
  const auto& activate = key.timing().activate;
  return key.is_sep() && key.is_published(now) && !key.is_active(now) && activate &&
         *activate <= now;
}

}  // namespace

SigningKeys signing_keys(Keys keys, Time now) {
  const auto is_active_with = [&](KeyAlgorithm algorithm, bool sep) {
    return std::any_of(keys.begin(), keys.end(), [&](const auto& key) {
      return key->algorithm() == algorithm && key->is_sep() == sep && key->is_active(now);
    });
  };
  SigningKeys out;
  for (const auto& key : keys) {
    if (key->is_published(now)) out.published.push_back(key);
    const bool has_partner = is_active_with(key->algorithm(), !key->is_sep());
    const bool is_entry = key->is_sep() || (key->is_active(now) && !has_partner);
    if (is_entry && key->is_sync_published(now)) out.sync.push_back(key);
    if (!key->is_active(now)) continue;
    if (key->is_sep() || !has_partner) out.key_signing.push_back(key);
    if (!key->is_sep() || !has_partner) out.zone_signing.push_back(key);
  }
  return out;
}

std::vector<std::string> find_key_problems(Keys keys, Time now) {
  std::vector<std::string> problems;
  if (std::none_of(keys.begin(), keys.end(),
                   [&](const auto& key) { return key->is_active(now); })) {
    problems.emplace_back(
        "no key is active; set Activate of one with gslbctl keys set, or make a new one with "
        "gslbctl keys generate");
    return problems;
  }
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::kEcdsaP256Sha256, KeyAlgorithm::kEd25519}) {
    const auto is_any = [&](auto has_state) {
      return std::any_of(keys.begin(), keys.end(), [&](const auto& key) {
        return key->algorithm() == algorithm && has_state(*key);
      });
    };
    if (is_any([&](const DnssecKey& key) { return key.is_published(now); }) &&
        !is_any([&](const DnssecKey& key) { return key.is_active(now); })) {
      problems.push_back(
          fmt::format("keys of {0} are published but none is active, so resolvers would take the "
                      "zone for forged; activate one of {0}, or set Delete of all of them",
                      to_string(algorithm)));
    } else if (is_any([&](const DnssecKey& key) { return is_retired_entry(key, now); }) &&
               !is_any([&](const DnssecKey& key) { return key.is_sep() && key.is_active(now); })) {
      problems.push_back(
          fmt::format("key-signing keys of {0} are published but no longer active, and the DS at "
                      "the parent may lead to one of them; activate one of {0}, or set Delete of "
                      "all of them once the parent has another DS",
                      to_string(algorithm)));
    }
  }
  return problems;
}

std::optional<Time> next_key_change(Keys keys, Time now) {
  std::optional<Time> next;
  for (const auto& key : keys) {
    const std::optional<Time> change = key->next_change(now);
    if (change && (!next || *change < *next)) next = change;
  }
  return next;
}

std::optional<FutureKeyProblem> find_future_key_problem(Keys keys, Time now) {
  for (auto at = next_key_change(keys, now); at; at = next_key_change(keys, *at)) {
    std::vector<std::string> problems = find_key_problems(keys, *at);
    if (!problems.empty()) return FutureKeyProblem{*at, std::move(problems.front())};
  }
  return std::nullopt;
}

}  // namespace gslb::zones

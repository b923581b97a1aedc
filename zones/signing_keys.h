#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zones/dnssec_key.h"

namespace gslb::zones {

/// What each key of a zone does at one moment.
struct SigningKeys {
  std::vector<std::shared_ptr<const DnssecKey>> key_signing;   ///< Sign DNSKEY, CDS and CDNSKEY.
  std::vector<std::shared_ptr<const DnssecKey>> zone_signing;  ///< Sign everything else.
  std::vector<std::shared_ptr<const DnssecKey>> published;     ///< Make up the DNSKEY RRset.
  std::vector<std::shared_ptr<const DnssecKey>> sync;          ///< Make up CDS and CDNSKEY.
};

/// For each algorithm by itself: where keys with and keys without the SEP flag are active, those
/// with it sign the keys, and those without it the rest. Otherwise whichever are active sign
/// everything, so that a key without a partner is a combined one (CSK). A zone-signing key beside
/// others is never in CDS: the parent's DS must lead to a key that signs the keys. Each list is in
/// the order of `keys`.
SigningKeys signing_keys(std::span<const std::shared_ptr<const DnssecKey>> keys,
                         std::chrono::sys_seconds now);

/// Why a zone must not be signed with these keys at that moment, each "what is wrong; what to do";
/// empty where it may. RFC 4035 §2.2 asks for a signature of every algorithm that has a DNSKEY.
std::vector<std::string> find_key_problems(std::span<const std::shared_ptr<const DnssecKey>> keys,
                                           std::chrono::sys_seconds now);

struct FutureKeyProblem {
  std::chrono::sys_seconds from;
  std::string message;
};

/// The first problem that the times of the keys lead to after `now`, where nobody does anything.
std::optional<FutureKeyProblem> find_future_key_problem(
    std::span<const std::shared_ptr<const DnssecKey>> keys, std::chrono::sys_seconds now);

/// The earliest time after `now` at which one of the keys changes its state.
std::optional<std::chrono::sys_seconds> next_key_change(
    std::span<const std::shared_ptr<const DnssecKey>> keys, std::chrono::sys_seconds now);

}  // namespace gslb::zones

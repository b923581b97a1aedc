#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gslb::support {

/// What a validating resolver would hold against a response to a query with DO from a signed zone;
/// empty where nothing. Signatures are checked with ldns against `dnskeys`, which are DNSKEY RDATA;
/// what NSEC records prove is judged here from RFC 4035 §5.4 and the response alone. Also finds
/// records that are there twice and signatures of nothing.
std::vector<std::string> find_dnssec_faults(std::span<const std::uint8_t> response,
                                            const std::string& apex,
                                            const std::vector<std::vector<std::uint8_t>>& dnskeys,
                                            std::chrono::sys_seconds now);

}  // namespace gslb::support

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ip_address.h"

namespace gslb::health {

enum class Protocol : std::uint8_t { kHttp, kHttps, kTcp, kIkev2 };
/// What an IKE_SA_INIT request offers.
enum class IkeMode : std::uint8_t {
  kReject,     ///< What nobody accepts: the responder keeps nothing.
  kNegotiate,  ///< What Windows and strongSwan accept: the responder keeps a half-open exchange.
};
enum class HttpMethod : std::uint8_t { kGet, kHead };

/// The path that RRAS answers with 401 where SSTP works ([MS-SSTP] §1.9).
inline constexpr const char* kSstpPath = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";

/// HTTP status codes first … last, both included.
struct StatusRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  bool operator==(const StatusRange&) const = default;
};

/// How one site is probed: a validated `[monitor.NAME]`. The HTTP fields are empty for
/// kTcp and kIkev2.
struct MonitorSpec {
  std::string name;
  Protocol protocol = Protocol::kHttps;
  std::uint16_t port = 443;
  std::string host;        ///< Host header and SNI; empty: the probed address, without SNI.
  std::string path = "/";  ///< As configured, not yet percent-encoded.
  HttpMethod method = HttpMethod::kGet;
  std::vector<StatusRange> expected_status;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string expect_body;     ///< Empty: any body will do.
  std::uint16_t nat_port = 0;  ///< kIkev2: where ESP in UDP goes (RFC 3948); 0: not probed.
  IkeMode ike_mode = IkeMode::kReject;
  std::chrono::milliseconds interval{30'000};  ///< From the start of one probe to the next.
  std::chrono::milliseconds timeout{10'000};   ///< Less than `interval`.
  unsigned tolerated_failures = 3;             ///< Degraded when consecutive failures exceed it.
  unsigned recoveries = 1;                     ///< Consecutive successes that end Degraded.

  bool operator==(const MonitorSpec&) const = default;
};

/// An endpoint as the prober sees it: every monitor is run against every address, all must pass.
struct TargetSpec {
  std::string endpoint;
  /// Where to probe. With `probe_address` configured that one address, otherwise all that the
  /// endpoint is answered with.
  std::vector<base::IpAddress> addresses;
  /// True: the verdict on `addresses` holds for both families (the case of `probe_address`).
  /// False: IPv4 addresses speak for A answers, IPv6 addresses for AAAA answers.
  bool speaks_for_both_families = false;
  std::vector<std::shared_ptr<const MonitorSpec>> monitors;  ///< Never empty.
};

}  // namespace gslb::health

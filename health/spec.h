#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "health/trust_anchors.h"

namespace gslb::health {

enum class Protocol : std::uint8_t { kHttp, kHttps, kTcp, kIcmp, kIkev2, kSstp, kExec };
/// How far up the ladder an SSTP probe goes; each includes those before.
enum class SstpLevel : std::uint8_t {
  kTls,     ///< A TLS handshake.
  kDuplex,  ///< SSTP_DUPLEX_POST is answered 200: there is a free port.
  kCall,    ///< SSTP_MSG_CALL_CONNECT_REQUEST is answered.
};
/// What an IKE_SA_INIT request offers.
enum class IkeMode : std::uint8_t {
  kReject,     ///< What nobody accepts: the responder keeps nothing.
  kNegotiate,  ///< What Windows and strongSwan accept: the responder keeps a half-open exchange.
};
enum class HttpMethod : std::uint8_t { kGet, kHead };
/// What a probe speaks, and nothing else.
enum class HttpVersion : std::uint8_t { kHttp11, kHttp2 };
/// What a faulty certificate means to a probe that is fine otherwise.
enum class CertificatePolicy : std::uint8_t {
  kIgnore,   ///< Nothing; it is not looked at.
  kWarn,     ///< A warning.
  kRequire,  ///< The probe has failed.
};

/// The path that RRAS answers with 401 where SSTP works ([MS-SSTP] §1.9).
inline constexpr const char* kSstpPath = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";
/// The path of IP-HTTPS, by which DirectAccess clients come in ([MS-IPHTTPS] §3.1.5).
inline constexpr const char* kIpHttpsPath = "/IPHTTPS";

/// HTTP status codes first … last, both included.
struct StatusRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  bool operator==(const StatusRange&) const = default;
};

/// What a TLS server must show.
struct CertificateSpec {
  CertificatePolicy policy = CertificatePolicy::kIgnore;
  unsigned warn_days = 14;                    ///< Warn of one that expires sooner.
  std::shared_ptr<const TrustAnchors> trust;  ///< Null: the authorities that the system trusts.

  /// The same file read twice is the same.
  bool operator==(const CertificateSpec& other) const {
    const auto digest = [](const auto& anchors) { return anchors ? anchors->digest() : ""; };
    return policy == other.policy && warn_days == other.warn_days &&
           digest(trust) == digest(other.trust);
  }
};

/// How one site is probed: a validated `[monitor.NAME]`. What another protocol is about is empty.
struct MonitorSpec {
  std::string name;
  Protocol protocol = Protocol::kHttps;
  std::uint16_t port = 443;
  std::string host;        ///< Host header and SNI; empty: the probed address, without SNI.
  std::string path = "/";  ///< As configured, not yet percent-encoded.
  HttpMethod method = HttpMethod::kGet;
  HttpVersion http_version = HttpVersion::kHttp11;
  unsigned follow_redirects = 0;  ///< How many at most, all at the probed address.
  std::vector<StatusRange> expected_status;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string expect_body;           ///< Empty: any body will do.
  CertificateSpec certificate = {};  ///< Of what speaks TLS.
  std::uint16_t nat_port = 0;        ///< kIkev2: where ESP in UDP goes (RFC 3948); 0: not probed.
  IkeMode ike_mode = IkeMode::kReject;
  bool tls = false;       ///< kTcp: shake hands once connected.
  std::string send = {};  ///< kTcp: may be empty.
  std::string expect =
      {};  ///< kTcp: found in the first 64 KiB that come; empty: nothing need come.
  SstpLevel sstp_level = SstpLevel::kDuplex;
  /// kSstp: how often a healthy site is probed to its whole level, and by TLS alone in between;
  /// 0: always.
  std::chrono::milliseconds deep_interval{0};
  std::vector<std::string> command = {};  ///< kExec: an absolute path and arguments.
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< kExec
  std::chrono::milliseconds interval{30'000};  ///< From the start of one probe to the next.
  std::chrono::milliseconds timeout{10'000};   ///< Less than `interval`.
  unsigned tolerated_failures = 3;             ///< Degraded when consecutive failures exceed it.
  unsigned recoveries = 1;                     ///< Consecutive successes that end Degraded.

  bool operator==(const MonitorSpec&) const = default;
};

/// An endpoint as the prober sees it: every monitor is run against every address.
struct TargetSpec {
  std::string endpoint;
  /// Where to probe. With `probe_address` configured that one address, otherwise all that the
  /// endpoint is answered with.
  std::vector<base::IpAddress> addresses;
  /// True: the verdict on `addresses` holds for both families (the case of `probe_address`).
  /// False: IPv4 addresses speak for A answers, IPv6 addresses for AAAA answers.
  bool speaks_for_both_families = false;
  std::vector<std::shared_ptr<const MonitorSpec>> monitors;  ///< Never empty.
  /// How many of the monitors must pass at an address; 0: all.
  std::size_t required = 0;
  /// How long an endpoint that has recovered goes on being Degraded.
  std::chrono::milliseconds failback_delay{0};

  bool operator==(const TargetSpec&) const = default;
};

/// `[health]`: what holds for all probes together.
struct ProbingSpec {
  /// The interval while a change is pending, where it is shorter than the monitor's; 0: none.
  std::chrono::milliseconds edge_interval{0};
  unsigned max_probes_per_second = 2000;  ///< Of all together; 0: any number.
  unsigned max_probes_per_target = 20;    ///< A second, to one address; 0: any number.
  /// What is probed to find out whether this host is cut off, by kTcp or kIcmp.
  struct Canary {
    base::IpAddress address;
    std::shared_ptr<const MonitorSpec> monitor;
  };
  std::vector<Canary> canaries;  ///< Empty: that is not asked.
};

}  // namespace gslb::health

#include "health/sstp_prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>

#include "health/sstp_message.h"
#include "tests/support/sstp_site.h"
#include "tests/support/vpn_site.h"
#include "tests/unit/health/probe_fixture.h"

namespace gslb::health {
namespace {

using namespace std::string_literals;
using namespace std::chrono_literals;
using support::SstpBehaviour;
using support::SstpSite;

class SstpProberTest : public ProberTest<SstpProber> {
 protected:
  static MonitorSpec sstp(std::uint16_t port, SstpLevel level = SstpLevel::kCall) {
    MonitorSpec monitor;
    monitor.protocol = Protocol::kSstp;
    monitor.port = port;
    monitor.host = "vpn.example.com";
    monitor.path = kSstpPath;
    monitor.sstp_level = level;
    monitor.timeout = 10s;
    return monitor;
  }
};

TEST(SstpMessage, OctetsAreThoseOfTheSpecification) {
  // [MS-SSTP] §2.2.9 and §2.2.13.
  EXPECT_EQ(make_sstp_call_connect_request(),
            "\x10\x01\x00\x0e\x00\x01\x00\x01\x00\x01\x00\x06\x00\x01"s);
  EXPECT_EQ(make_sstp_call_abort(),
            "\x10\x01\x00\x14\x00\x05\x00\x01\x00\x02\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(make_sstp_request("/sra/", "vpn.example.com", "{A}"),
            "SSTP_DUPLEX_POST /sra/ HTTP/1.1\r\nHost: vpn.example.com\r\nSSTPCORRELATIONID: {A}\r\n"
            "Content-Length: 18446744073709551615\r\n\r\n");
}

TEST(SstpMessage, IsReadWhereItIsComplete) {
  const std::string abort =
      "\x10\x01\x00\x14\x00\x05\x00\x01\x00\x02\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x04"s;
  for (std::size_t size = 0; size < abort.size(); ++size) {
    const auto message = parse_sstp_message(abort.substr(0, size));
    ASSERT_TRUE(message);
    EXPECT_FALSE(*message) << size;
  }
  const auto message = parse_sstp_message(abort + "more");
  ASSERT_TRUE(message && *message);
  EXPECT_EQ(describe(**message), "SSTP_MSG_CALL_ABORT (value not supported)");
  EXPECT_EQ((*message)->size, abort.size());
}

TEST(SstpMessage, OddOnesHaveTheirReason) {
  const struct {
    std::string bytes;
    const char* error;
  } rows[] = {
      {"\x20", "SSTP version 2.0 instead of 1.0"},
      {"HTTP", "SSTP version 4.8 instead of 1.0"},
      {"\x10\x00\x00\x08"s, "an SSTP data packet instead of a control packet"},
      {"\x10\x01\x00\x04"s, "an SSTP control packet of 4 octets"},
  };
  for (const auto& row : rows) {
    const auto message = parse_sstp_message(row.bytes);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error(), row.error);
  }
  // Attributes that lie about their length tell nothing, and do no harm.
  const auto lying = parse_sstp_message("\x10\x01\x00\x0c\x00\x03\x00\x01\x00\x02\x0f\xff"s);
  ASSERT_TRUE(lying && *lying);
  EXPECT_EQ(describe(**lying), "SSTP_MSG_CALL_CONNECT_NAK");
  const auto unknown = parse_sstp_message("\x10\x01\x00\x08\x00\x63\x00\x00"s);
  ASSERT_TRUE(unknown && *unknown);
  EXPECT_EQ(describe(**unknown), "SSTP message 99");
}

TEST_F(SstpProberTest, ClimbsTheLadderAsFarAsItIsTold) {
  const SstpSite site;
  const ProbeResult tls = probe(sstp(site.port(), SstpLevel::kTls));
  EXPECT_TRUE(tls.success()) << tls.detail;
  EXPECT_EQ(tls.detail, "TLS established");
  EXPECT_EQ(site.last_request(), "");
  const ProbeResult duplex = probe(sstp(site.port(), SstpLevel::kDuplex));
  EXPECT_TRUE(duplex.success()) << duplex.detail;
  EXPECT_EQ(duplex.detail, "SSTP_DUPLEX_POST answered 200");
  EXPECT_THAT(site.packets(), testing::IsEmpty());
  const ProbeResult call = probe(sstp(site.port(), SstpLevel::kCall));
  EXPECT_TRUE(call.success()) << call.detail;
  EXPECT_EQ(call.detail, "answered SSTP_MSG_CALL_CONNECT_ACK");
  ASSERT_EQ(call.steps.size(), 4U);
  EXPECT_EQ(call.steps[2].what, "SSTP_DUPLEX_POST answered 200");
}

TEST_F(SstpProberTest, AsksAsAClientAndGivesUpCleanly) {
  const SstpSite site;
  EXPECT_TRUE(probe(sstp(site.port())).success());
  EXPECT_THAT(site.last_request(),
              testing::MatchesRegex(
                  "SSTP_DUPLEX_POST /sra_%7BBA195980-CD49-458b-9E23-C84EE0ADCD75%7D/ HTTP/1.1\r\n"
                  "Host: vpn.example.com\r\nSSTPCORRELATIONID: "
                  "\\{[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}\\}\r\n"
                  "Content-Length: 18446744073709551615\r\n\r\n"));
  EXPECT_THAT(site.packets(),
              testing::ElementsAre(make_sstp_call_connect_request(), make_sstp_call_abort()));
}

TEST_F(SstpProberTest, EachWayToFailHasItsReason) {
  const struct {
    const char* title;
    SstpBehaviour behaviour;
    bool success;
    const char* detail;
  } rows[] = {
      {"a refusal is an answer", SstpBehaviour::kNak, true,
       "answered SSTP_MSG_CALL_CONNECT_NAK (retry count exceeded)"},
      {"in pieces", SstpBehaviour::kAckInPieces, true, "answered SSTP_MSG_CALL_CONNECT_ACK"},
      {"no port left", SstpBehaviour::kNoPorts, false,
       "expected status 200 to SSTP_DUPLEX_POST, got 503"},
      {"silent", SstpBehaviour::kSilentDuplex, false,
       "timed out after 300ms: TLS established, but no answer to SSTP_DUPLEX_POST"},
      {"closes", SstpBehaviour::kCloseOnDuplex, false,
       "connection closed before an answer to SSTP_DUPLEX_POST"},
      {"no HTTP", SstpBehaviour::kDuplexGarbage, false,
       "expected a HTTP response to SSTP_DUPLEX_POST, got something else"},
      {"endless", SstpBehaviour::kDuplexEndless, false, "response header longer than 16 KiB"},
      {"silent call", SstpBehaviour::kSilentCall, false,
       "timed out after 300ms: SSTP_DUPLEX_POST answered 200, but no answer to "
       "SSTP_MSG_CALL_CONNECT_REQUEST"},
      {"closes on call", SstpBehaviour::kCloseOnCall, false,
       "connection closed before an answer to SSTP_MSG_CALL_CONNECT_REQUEST"},
      {"no SSTP", SstpBehaviour::kCallGarbage, false,
       "expected an SSTP control packet, got SSTP version 4.8 instead of 1.0"},
      {"data", SstpBehaviour::kCallData, false,
       "expected an SSTP control packet, got an SSTP data packet instead of a control packet"},
      {"abort", SstpBehaviour::kCallAbort, false,
       "expected SSTP_MSG_CALL_CONNECT_ACK or NAK, got SSTP_MSG_CALL_ABORT (value not supported)"},
  };
  SstpSite site;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    site.set_behaviour(row.behaviour);
    MonitorSpec monitor = sstp(site.port());
    if (!row.success) monitor.timeout = 300ms;
    const ProbeResult result = probe(monitor);
    EXPECT_EQ(result.success(), row.success);
    EXPECT_EQ(result.detail, row.detail);
  }
}

TEST_F(SstpProberTest, AServerWithoutAPortStillAnswers401ToGet) {
  SstpSite site(SstpBehaviour::kNoPorts);
  EXPECT_FALSE(probe(sstp(site.port(), SstpLevel::kDuplex)).success());
  EXPECT_TRUE(probe(sstp(site.port(), SstpLevel::kTls)).success());
}

TEST_F(SstpProberTest, AFaultyCertificateFailsWhereItIsRequired) {
  const SstpSite site;
  MonitorSpec monitor = sstp(site.port(), SstpLevel::kDuplex);
  monitor.certificate.policy = CertificatePolicy::kWarn;
  const ProbeResult warned = probe(monitor);
  EXPECT_TRUE(warned.success());
  ASSERT_TRUE(warned.certificate);
  EXPECT_THAT(warned.certificate->errors, testing::ElementsAre("is self-signed"));
  monitor.certificate.policy = CertificatePolicy::kRequire;
  EXPECT_EQ(probe(monitor).detail, "certificate is self-signed");
  monitor.certificate.trust = *TrustAnchors::parse(site.certificate_pem());
  EXPECT_TRUE(probe(monitor).success());
  monitor.host = "other.example.com";
  EXPECT_EQ(probe(monitor).detail, "certificate does not carry the name other.example.com");
}

TEST_F(SstpProberTest, CancelledProbeNeverCallsBack) {
  SstpSite site(SstpBehaviour::kSilentDuplex);
  expect_silence_after_cancel(sstp(site.port()), [&] { return !site.last_request().empty(); });
}

}  // namespace
}  // namespace gslb::health

#include "app/config_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace gslb::app::loading {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::HasSubstr;

struct DurationCase {
  const char* text;
  std::optional<milliseconds> duration;
};

TEST(ParseDuration, TakesAWholeNumberAndAUnit) {
  const DurationCase cases[] = {
      {"0s", 0ms},
      {"500ms", 500ms},
      {"1s", 1s},
      {"90s", 90s},
      {"5m", 5min},
      {"1h", 1h},
      {"007s", 7s},
      {"", std::nullopt},
      {"s", std::nullopt},
      {"10", std::nullopt},
      {"10 s", std::nullopt},
      {" 10s", std::nullopt},
      {"10s ", std::nullopt},
      {"1d", std::nullopt},
      {"1.5s", std::nullopt},
      {"+1s", std::nullopt},
      {"-1s", std::nullopt},
      {"1m30s", std::nullopt},
      {"1S", std::nullopt},
      {"1sec", std::nullopt},
  };
  for (const DurationCase& test : cases) {
    SCOPED_TRACE(test.text);
    const Parsed<milliseconds> parsed = parse_duration(test.text);
    ASSERT_EQ(parsed.has_value(), test.duration.has_value());
    if (parsed) {
      EXPECT_EQ(*parsed, *test.duration);
    }
  }
}

TEST(ParseDuration, HugeNumberIsHugeAndNotWrapped) {
  EXPECT_GT(parse_duration("18446744073709551617s").value(), 24h * 365);
  EXPECT_GT(parse_duration("9223372036854775807h").value(), 24h * 365);
}

TEST(ParseDuration, ErrorsSayWhatToWrite) {
  EXPECT_THAT(parse_duration("30").error(), HasSubstr("write \"30s\""));
  EXPECT_THAT(parse_duration("1d").error(), HasSubstr("use ms, s, m or h"));
}

TEST(DurationToString, IsTheShortestForm) {
  EXPECT_EQ(to_string(0ms), "0s");
  EXPECT_EQ(to_string(1500ms), "1500ms");
  EXPECT_EQ(to_string(90s), "90s");
  EXPECT_EQ(to_string(120s), "2m");
  EXPECT_EQ(to_string(24h), "24h");
}

TEST(ParseStatusRange, TakesACodeOrARange) {
  EXPECT_EQ(parse_status_range("401").value(), (health::StatusRange{401, 401}));
  EXPECT_EQ(parse_status_range("200-299").value(), (health::StatusRange{200, 299}));
  EXPECT_EQ(parse_status_range("100-599").value(), (health::StatusRange{100, 599}));
  EXPECT_EQ(parse_status_range("204-204").value(), (health::StatusRange{204, 204}));
  for (const char* text : {"", "-", "99", "600", "0401", "4O1", "2xx", "200-", "-299", "200-99",
                           "200-600", "299-200", "200--299", "200-250-299", " 200", "+200"}) {
    EXPECT_FALSE(parse_status_range(text)) << text;
  }
}

TEST(ParseHostAddress, RefusesWhatNoHostHas) {
  for (const char* text : {"203.0.113.10", "127.0.1.1", "10.0.0.1", "0.0.0.1", "223.255.255.255",
                           "240.0.0.1", "2001:db8::1", "::1", "fe80::1", "::192.0.2.1"}) {
    EXPECT_TRUE(parse_host_address(text)) << text;
  }
  for (const char* text : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "239.255.255.255",
                           "::", "ff02::1", "::ffff:192.0.2.1", "192.0.2.1/32", "192.0.2.1:53",
                           "[::1]", "192.0.2", "example.com", ""}) {
    EXPECT_FALSE(parse_host_address(text)) << text;
  }
}

TEST(ParseListenAddress, TakesWhatASocketCanBeBoundTo) {
  for (const char* text : {"0.0.0.0:53", "[::]:53", "127.0.0.1:0", "[::1]:65535"}) {
    EXPECT_TRUE(parse_listen_address(text)) << text;
  }
  for (const char* text : {"0.0.0.0", ":53", "[::]", "::1:53", "224.0.0.1:53", "[ff02::1]:53",
                           "255.255.255.255:53", "127.0.0.1:65536", "127.0.0.1:-1", "*:53"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
}

TEST(ParseDomainName, RefusesWildcardsTheRootAndOtherAlphabets) {
  for (const char* text : {"vpn.example.com", "vpn.example.com.", "_sip._udp.example.com",
                           "a*.example.com", "xn--bcher-kva.example"}) {
    EXPECT_TRUE(parse_domain_name(text)) << text;
  }
  for (const char* text : {"", ".", "*.example.com", "a.*.example.com", "*", "b\xC3\xBC.example",
                           "a..b", ".a", "a b"}) {
    EXPECT_FALSE(parse_domain_name(text)) << text;
  }
}

TEST(ParseHttpHost, TakesAHostNameAlone) {
  for (const char* text : {"vpn.example.com", "vpn", "VPN_1.example.com", "1.example.com"}) {
    EXPECT_TRUE(parse_http_host(text)) << text;
  }
  for (const char* text : {"", "192.0.2.1", "2001:db8::1", "vpn.example.com:443", "a b", "a/b",
                           "https://a", "a..b", "a.", "a\r\nX: 1", "\xC3\xBC.example"}) {
    EXPECT_FALSE(parse_http_host(text)) << text;
  }
  EXPECT_TRUE(parse_http_host(std::string(63, 'a')));
  EXPECT_FALSE(parse_http_host(std::string(64, 'a')));
}

TEST(ParseHttpPath, BeginsWithASlashAndHasNoBlanks) {
  for (const char* text : {"/", "/a?b=c&d=%20", health::kSstpPath, "/\xC3\xBC"}) {
    EXPECT_TRUE(parse_http_path(text)) << text;
  }
  for (const char* text : {"", "a", "/a b", "/a\tb", "/a\nb", "/\x7F", "http://a/"}) {
    EXPECT_FALSE(parse_http_path(text)) << text;
  }
  EXPECT_TRUE(parse_http_path("/" + std::string(2047, 'a')));
  EXPECT_FALSE(parse_http_path("/" + std::string(2048, 'a')));
}

TEST(ParseHeader, NameIsATokenThatIsTheAdministrators) {
  for (const char* text : {"X-Probe", "Accept", "User-Agent", "x!#$%&'*+-.^_`|~1"}) {
    EXPECT_TRUE(parse_header_name(text)) << text;
  }
  for (const char* text : {"", "X Probe", "X:", "X\r\n", "H\xC3\xB6st", "Host", "HOST",
                           "Content-Length", "transfer-encoding", "Connection", "Upgrade"}) {
    EXPECT_FALSE(parse_header_name(text)) << text;
  }
  EXPECT_THAT(parse_header_name("host").error(), HasSubstr("`host`"));
}

TEST(ParseHeader, ValueHasNoLineBreaks) {
  for (const char* text : {"a", "a b", "a\tb", "text/plain; q=0.5"}) {
    EXPECT_TRUE(parse_header_value(text)) << text;
  }
  for (const char* text : {"", " ", " a", "a ", "\ta", "a\nb", "a\rb", "a\x01", "a\x7F"}) {
    EXPECT_FALSE(parse_header_value(text)) << text;
  }
  EXPECT_FALSE(parse_header_value(std::string_view("a\0b", 3)));
  EXPECT_TRUE(parse_header_value(std::string(1024, 'a')));
  EXPECT_FALSE(parse_header_value(std::string(1025, 'a')));
}

}  // namespace
}  // namespace gslb::app::loading

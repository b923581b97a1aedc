#include "tests/oracle/laws.h"

namespace gslb::oracle {
namespace {

struct Law {
  const char* text;
  bool (*is_kept)(const Question&, const Reply&);
};

const char* rcode_for_meta_type(std::uint16_t type) {
  switch (type) {
    case dns::type::kOpt:
    case dns::type::kTkey:
    case dns::type::kTsig:
      return "FORMERR";
    case dns::type::kMaila:
    case dns::type::kMailb:
      return "NOTIMP";
    default:
      return nullptr;
  }
}

constexpr Law kLaws[] = {
    {"a readable response comes",
     [](const Question&, const Reply& r) { return r.body.rcode.find(' ') == std::string::npos; }},
    {"QR is set, id and opcode come back (RFC 1035 §4.1.1)",
     [](const Question& q, const Reply& r) { return r.qr && r.id == q.id && r.opcode == 0; }},
    {"the question comes back octet for octet (RFC 1035 §4.1.2, RFC 4343 §4.1)",
     [](const Question& q, const Reply& r) { return r.question == q.question_section(); }},
    {"RD comes back, RA is not set (RFC 1035 §4.1.1)",
     [](const Question& q, const Reply& r) {
       return r.rd == ((q.flags & dns::flag::kRd) != 0) && !r.ra;
     }},
    {"CD comes back, AD is not set (RFC 4035 §3.1.6)",
     [](const Question& q, const Reply& r) { return r.cd == q.checking_disabled() && !r.ad; }},
    {"EDNS is answered with EDNS, and only then (RFC 6891 §6.1.1)",
     [](const Question& q, const Reply& r) { return r.has_edns == q.edns_size.has_value(); }},
    {"EDNS has version 0 and 1232 octets, and DO comes back (RFC 6891 §6.1.3, RFC 3225 §3)",
     [](const Question& q, const Reply& r) {
       return !r.has_edns || (r.edns_version == 0 && r.dnssec_ok == q.dnssec_ok &&
                              r.udp_size == dns::kEdnsUdpSize);
     }},
    {"no record is there twice (RFC 2181 §5)",
     [](const Question&, const Reply& r) { return !r.body.repeats_records; }},
    {"the header counts all that is there (RFC 1035 §4.1.1)",
     [](const Question&, const Reply& r) { return r.octets_behind == 0; }},
    {"over UDP the client's limit is kept (RFC 6891 §6.2.5)",
     [](const Question& q, const Reply& r) { return q.over_tcp || r.size <= q.udp_limit(); }},
    {"TC is set over UDP alone, and then without any record (RFC 2181 §9)",
     [](const Question& q, const Reply& r) {
       return !r.tc || (!q.over_tcp && r.body.has_no_records());
     }},
    {"an error is no authoritative answer, and has no records",
     [](const Question&, const Reply& r) {
       const bool is_answer = r.body.rcode == "NOERROR" || r.body.rcode == "NXDOMAIN";
       return is_answer || (!r.body.aa && r.body.has_no_records());
     }},
    {"only class IN is served, others get REFUSED",
     [](const Question& q, const Reply& r) {
       return q.klass == dns::klass::kIn || r.body.rcode == "REFUSED";
     }},
    {"a transfer is REFUSED at an apex and NOTAUTH elsewhere (RFC 5936 §2.2.1)",
     [](const Question& q, const Reply& r) {
       const bool asks = q.type == dns::type::kIxfr || q.type == dns::type::kAxfr;
       return q.klass != dns::klass::kIn || !asks || r.body.rcode == "REFUSED" ||
              r.body.rcode == "NOTAUTH";
     }},
    {"OPT, TKEY and TSIG as QTYPE get FORMERR, MAILA and MAILB NOTIMP (RFC 6895 §3.1)",
     [](const Question& q, const Reply& r) {
       const char* rcode = rcode_for_meta_type(q.type);
       return q.klass != dns::klass::kIn || rcode == nullptr || r.body.rcode == rcode;
     }},
};

}  // namespace

const char* broken_law(const Question& asked, const Reply& reply) {
  for (const Law& law : kLaws) {
    if (!law.is_kept(asked, reply)) return law.text;
  }
  return nullptr;
}

}  // namespace gslb::oracle

#include "tests/oracle/perturbations.h"

#include <algorithm>

namespace gslb::oracle {
namespace {

// ---- Sections ---------------------------------------------------------------------------------

bool lose_last(Section& section) {
  if (section.empty()) return false;
  section.erase(std::prev(section.end()));
  return true;
}

/// Replaces the first record by one that `change` has changed.
template <typename Change>
bool change_first(Section& section, Change change) {
  if (section.empty()) return false;
  Record record = *section.begin();
  section.erase(section.begin());
  change(record);
  section.insert(record);
  return true;
}

bool longer_ttl(Section& section) {
  return change_first(section, [](Record& record) { ++record.ttl; });
}

bool other_data(Section& section) {
  return change_first(section, [](Record& record) { record.data += " x"; });
}

bool other_owner(Section& section) {
  return change_first(section, [](Record& record) { record.owner = "x." + record.owner; });
}

bool move_all(Section& from, Section& to) {
  if (from.empty()) return false;
  to.merge(from);
  from.clear();
  return true;
}

bool lose_additional(Reply& reply, bool is_glue) {
  Section& additional = reply.body.additional;
  const auto found = std::find_if(additional.begin(), additional.end(), [&](const Record& record) {
    return is_in_domain_glue(reply.body, record) == is_glue;
  });
  if (found == additional.end()) return false;
  additional.erase(found);
  return true;
}

bool flip(bool& flag) {
  flag = !flag;
  return true;
}

/// An answer with a record too many: the right owner and type, other data.
bool add_record(Section& section) {
  if (section.empty()) return false;
  Record record = *section.begin();
  record.data += " x";
  return section.insert(record).second;
}

bool say(Reply& reply, const char* from, const char* to) {
  if (reply.body.rcode != from) return false;
  reply.body.rcode = to;
  return true;
}

constexpr Perturbation kPerturbations[] = {
    {"lose an answer record", [](const Question&, Reply& r) { return lose_last(r.body.answer); }},
    {"lose an authority record",
     [](const Question&, Reply& r) { return lose_last(r.body.authority); }},
    {"lose glue", [](const Question&, Reply& r) { return lose_additional(r, true); }},
    {"lose another additional record",
     [](const Question&, Reply& r) { return lose_additional(r, false); },
     "it may be left out (RFC 1034 §4.3.2 step 6), and some references do"},
    {"one answer record more", [](const Question&, Reply& r) { return add_record(r.body.answer); }},
    {"one authority record more",
     [](const Question&, Reply& r) { return add_record(r.body.authority); }},
    {"one additional record more",
     [](const Question&, Reply& r) { return add_record(r.body.additional); }},
    {"a record twice",
     [](const Question&, Reply& r) {
       if (r.body.has_no_records()) return false;
       return r.body.repeats_records = true;
     }},
    {"longer TTL in answer", [](const Question&, Reply& r) { return longer_ttl(r.body.answer); }},
    {"longer TTL in authority",
     [](const Question&, Reply& r) { return longer_ttl(r.body.authority); }},
    {"longer TTL in additional",
     [](const Question&, Reply& r) { return longer_ttl(r.body.additional); }},
    {"other data in answer", [](const Question&, Reply& r) { return other_data(r.body.answer); }},
    {"other data in authority",
     [](const Question&, Reply& r) { return other_data(r.body.authority); }},
    {"other data in additional",
     [](const Question&, Reply& r) { return other_data(r.body.additional); }},
    {"other owner in answer", [](const Question&, Reply& r) { return other_owner(r.body.answer); }},
    {"other owner in authority",
     [](const Question&, Reply& r) { return other_owner(r.body.authority); }},
    {"answer in authority",
     [](const Question&, Reply& r) { return move_all(r.body.answer, r.body.authority); }},
    {"authority in answer",
     [](const Question&, Reply& r) { return move_all(r.body.authority, r.body.answer); }},
    {"additional in authority",
     [](const Question&, Reply& r) { return move_all(r.body.additional, r.body.authority); }},
    {"NOERROR for NXDOMAIN",
     [](const Question&, Reply& r) { return say(r, "NXDOMAIN", "NOERROR"); }},
    {"NXDOMAIN for NOERROR",
     [](const Question&, Reply& r) { return say(r, "NOERROR", "NXDOMAIN"); }},
    {"SERVFAIL for NOERROR",
     [](const Question&, Reply& r) { return say(r, "NOERROR", "SERVFAIL"); }},
    {"NOERROR for REFUSED", [](const Question&, Reply& r) { return say(r, "REFUSED", "NOERROR"); }},
    {"NXDOMAIN for REFUSED",
     [](const Question&, Reply& r) { return say(r, "REFUSED", "NXDOMAIN"); }},
    {"NOTIMP for FORMERR", [](const Question&, Reply& r) { return say(r, "FORMERR", "NOTIMP"); }},
    {"REFUSED for NOTIMP", [](const Question&, Reply& r) { return say(r, "NOTIMP", "REFUSED"); }},
    {"AA", [](const Question&, Reply& r) { return flip(r.body.aa); }},
    {"TC and no records",
     [](const Question& q, Reply& r) {
       if (r.tc || q.over_tcp) return false;
       r.body.answer = r.body.authority = r.body.additional = {};
       return r.tc = true;
     }},
    {"no TC",
     [](const Question&, Reply& r) {
       if (!r.tc) return false;
       r.tc = false;
       return true;
     }},
    {"QR", [](const Question&, Reply& r) { return flip(r.qr); }},
    {"RD", [](const Question&, Reply& r) { return flip(r.rd); }},
    {"RA", [](const Question&, Reply& r) { return flip(r.ra); }},
    {"AD", [](const Question&, Reply& r) { return flip(r.ad); }},
    {"CD", [](const Question&, Reply& r) { return flip(r.cd); }},
    {"EDNS",
     [](const Question&, Reply& r) {
       r.udp_size = dns::kEdnsUdpSize;
       return flip(r.has_edns);
     }},
    {"DO", [](const Question&, Reply& r) { return r.has_edns && flip(r.dnssec_ok); }},
    {"EDNS version", [](const Question&, Reply& r) { return r.has_edns && ++r.edns_version > 0; }},
    {"another id", [](const Question&, Reply& r) { return ++r.id, true; }},
    {"the question in other letter case",
     [](const Question& q, Reply& r) {
       const bool is_letter = q.name.size() > 1 && std::isalpha(q.name[1]) != 0;
       if (is_letter) r.question[1] ^= 0x20;
       return is_letter;
     }},
    {"no question", [](const Question&, Reply& r) { return r.question.clear(), true; }},
    {"octets behind the message", [](const Question&, Reply& r) { return ++r.octets_behind > 0; }},
    {"more than the client takes",
     [](const Question& q, Reply& r) {
       if (q.over_tcp) return false;
       r.size = q.udp_limit() + 1;
       return true;
     }},
};

}  // namespace

std::span<const Perturbation> perturbations() { return kPerturbations; }

}  // namespace gslb::oracle

#include "tests/oracle/explanations.h"

#include <algorithm>
#include <initializer_list>

#include "tests/oracle/laws.h"

namespace gslb::oracle {
namespace {

/// A type of data that no zone has (RFC 6895 §3.1, private use).
constexpr std::uint16_t kNobodysType = 65'533;

bool is_part_of(const Section& part, const Section& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

Question over_tcp(Question question) {
  question.over_tcp = true;
  return question;
}

Question of_type(Question question, std::uint16_t type) {
  question.type = type;
  return question;
}

bool is_refusal(const Body& body) {
  return (body.rcode == "REFUSED" || body.rcode == "NOTIMP" || body.rcode == "FORMERR" ||
          body.rcode == "NOTAUTH") &&
         !body.aa && body.has_no_records();
}

// ---- Size -------------------------------------------------------------------------------------

/// Whether a response over UDP is the whole one but for additional records.
bool is_whole_but_for_additional(const Body& over_udp, const Body& whole) {
  return over_udp.rcode == whole.rcode && over_udp.aa == whole.aa &&
         over_udp.answer == whole.answer && over_udp.authority == whole.authority &&
         is_part_of(over_udp.additional, whole.additional);
}

bool truncation(const Difference& d, Reply& ours, Reply& theirs) {
  if (!ours.tc && !theirs.tc) return false;
  const Question again = over_tcp(d.asked);
  const Reply our_whole = d.ours(again), their_whole = d.theirs(again);
  if (broken_law(again, our_whole) != nullptr || their_whole.tc) return false;
  const std::size_t limit = d.asked.udp_limit();
  if (ours.tc != (our_whole.required_size > limit)) return false;
  if (theirs.tc && their_whole.size <= limit) return false;
  const bool ours_agree =
      ours.tc ? ours.body.rcode == our_whole.body.rcode && ours.body.aa == our_whole.body.aa
              : is_whole_but_for_additional(ours.body, our_whole.body);
  if (!ours_agree) return false;
  ours = our_whole;
  theirs = their_whole;
  return true;
}

bool missing_soa(const Difference& d, Reply&, Reply& theirs) {
  if (d.asked.over_tcp || theirs.tc || !theirs.body.aa || !theirs.body.authority.empty()) {
    return false;
  }
  const Reply whole = d.theirs(over_tcp(d.asked));
  const Section& authority = whole.body.authority;
  Body without_soa = whole.body;
  without_soa.authority.clear();
  if (authority.size() != 1 || authority.begin()->type != "SOA" || theirs.body != without_soa ||
      whole.size <= d.asked.udp_limit()) {
    return false;
  }
  theirs.body = whole.body;
  return true;
}

/// Whether some record of the section, of one of the types, leads to that name.
bool leads_to(const Section& section, const std::string& name,
              std::initializer_list<const char*> types) {
  return std::any_of(section.begin(), section.end(), [&](const Record& record) {
    if (std::find(types.begin(), types.end(), record.type) == types.end()) return false;
    return record.data == name || record.data.ends_with(" " + name) ||
           record.data.find(" " + name + " ") != std::string::npos;
  });
}

/// Whether the zone has the record, or makes it from a wildcard (RFC 4592 §3.3.1).
bool zone_has(const Section& zone, const Record& record) {
  if (zone.contains(record)) return true;
  return std::any_of(zone.begin(), zone.end(), [&](const Record& wildcard) {
    if (!wildcard.owner.starts_with("*.")) return false;
    const std::string encloser = wildcard.owner.substr(2);
    Record made = wildcard;
    made.owner = record.owner;
    if (made != record || !is_below(record.owner, encloser)) return false;
    return std::none_of(zone.begin(), zone.end(), [&](const Record& other) {
      return is_below(other.owner, encloser) && other.owner != wildcard.owner &&
             (is_at_or_below(record.owner, other.owner) ||
              is_at_or_below(other.owner, record.owner));
    });
  });
}

constexpr std::initializer_list<const char*> kTheirLeadingTypes = {
    "NS", "MX", "SRV", "SVCB", "HTTPS", "NAPTR", "AFSDB", "KX"};

/// Takes out what `body` has and `other` has not, where it may be left out.
bool drop_optional(const Section& zone, Body& body, const Section& other,
                   std::initializer_list<const char*> leading) {
  return std::erase_if(body.additional, [&](const Record& record) {
           const bool is_helpful = record.type == "A" || record.type == "AAAA" ||
                                   record.type == "SVCB" || record.type == "HTTPS";
           return !other.contains(record) && zone_has(zone, record) && is_helpful &&
                  !is_in_domain_glue(body, record) &&
                  (leads_to(body.answer, record.owner, leading) ||
                   leads_to(body.authority, record.owner, {"NS"}));
         }) > 0;
}

bool optional_additional(const Difference& d, Reply& ours, Reply& theirs) {
  const Section our_additional = ours.body.additional;
  const bool fewer = drop_optional(d.zone, ours.body, theirs.body.additional, {"NS"});
  return drop_optional(d.zone, theirs.body, our_additional, kTheirLeadingTypes) || fewer;
}

// ---- Types and classes ------------------------------------------------------------------------

bool meta_types(const Difference& d, Reply& ours, Reply& theirs) {
  const bool is_meta = d.asked.type == dns::type::kOpt ||
                       (d.asked.type >= dns::type::kTkey && d.asked.type <= dns::type::kMaila);
  if (!is_meta || d.asked.klass != dns::klass::kIn || ours.body == theirs.body) return false;
  if (!is_refusal(theirs.body)) {
    const Reply plain = d.theirs(over_tcp(of_type(d.asked, kNobodysType)));
    if (plain.tc || !is_whole_but_for_additional(theirs.body, plain.body)) return false;
  }
  theirs.body = ours.body;
  return true;
}

/// What the reference answers to a type that no name has, in place of its own answer.
bool take_for_nobodys_type(const Difference& d, Reply& theirs) {
  const Reply plain = d.theirs(over_tcp(of_type(d.asked, kNobodysType)));
  if (plain.tc || plain.body == theirs.body) return false;
  theirs.body = plain.body;
  return true;
}

bool reserved_types(const Difference& d, Reply&, Reply& theirs) {
  const bool is_reserved = d.asked.type == 0 || (d.asked.type >= 128 && d.asked.type <= 248);
  return is_reserved && d.asked.klass == dns::klass::kIn && is_refusal(theirs.body) &&
         take_for_nobodys_type(d, theirs);
}

bool types_beside_cname(const Difference& d, Reply&, Reply& theirs) {
  constexpr std::uint16_t kRrsig = 46, kNsec = 47, kNsec3 = 50;
  const bool is_beside = d.reference == "Knot" ? d.asked.type == kRrsig || d.asked.type == kNsec
                                               : d.asked.type == kNsec3;
  return is_beside && d.asked.klass == dns::klass::kIn && take_for_nobodys_type(d, theirs);
}

bool other_classes(const Difference& d, Reply& ours, Reply& theirs) {
  if (d.asked.klass == dns::klass::kIn) return false;
  if (ours.body == theirs.body && ours.question == theirs.question) return false;
  constexpr std::uint16_t kAnyClass = 255;
  if (!is_refusal(theirs.body) && d.asked.klass != kAnyClass) return false;
  theirs.body = ours.body;
  if (theirs.question.empty()) theirs.question = ours.question;  // As NSD refuses.
  return true;
}

// ---- Content ----------------------------------------------------------------------------------

bool ttl_of_rrset(const Difference& d, Reply& ours, Reply& theirs) {
  bool changed = false;
  Section levelled;
  for (Record record : theirs.body.answer) {
    std::uint32_t lowest = record.ttl;
    for (const Record& other : d.zone) {
      if (other.owner == record.owner && other.type == record.type) {
        lowest = std::min(lowest, other.ttl);
      }
    }
    changed |= lowest != record.ttl;
    record.ttl = lowest;
    levelled.insert(record);
  }
  if (!changed || levelled != ours.body.answer) return false;
  theirs.body.answer = levelled;
  return true;
}

bool checking_disabled(const Difference& d, Reply& ours, Reply& theirs) {
  if (!d.asked.checking_disabled() || !ours.cd || theirs.cd) return false;
  theirs.cd = true;
  return true;
}

// ---- Chains -----------------------------------------------------------------------------------

const std::string& apex_of(const Section& zone) {
  return std::find_if(zone.begin(), zone.end(), [](const Record& r) { return r.type == "SOA"; })
      ->owner;
}

bool is_below_dname(const Section& zone, const std::string& name) {
  return std::any_of(zone.begin(), zone.end(), [&](const Record& record) {
    return record.type == "DNAME" && is_below(name, record.owner);
  });
}

/// The last CNAME of a chain that starts at `name`; null where there is none.
const Record* last_cname(const Section& answer, std::string name) {
  const Record* last = nullptr;
  for (std::size_t steps = 0; steps <= answer.size(); ++steps) {
    const auto next = std::find_if(answer.begin(), answer.end(), [&](const Record& record) {
      return record.type == "CNAME" && record.owner == name;
    });
    if (next == answer.end()) break;
    last = &*next;
    name = next->data;
  }
  return last;
}

/// Does with ours what a resolver does: where a chain ends at the CNAME that a DNAME made, or at
/// one that leads below a DNAME, asks us for what is behind it.
bool chain_at_dname(const Difference& d, Reply& ours, Reply& theirs) {
  if (ours.body == theirs.body) return false;
  std::string name = canonical_text(d.asked.name);
  bool followed = false;
  for (int steps = 0; steps < 20; ++steps) {
    const Record* cname = last_cname(ours.body.answer, name);
    if (cname == nullptr || !is_at_or_below(cname->data, apex_of(d.zone)) ||
        !(is_below_dname(d.zone, cname->owner) || is_below_dname(d.zone, cname->data))) {
      break;
    }
    const bool is_cut_short = ours.body.rcode == "NOERROR" && ours.body.aa &&
                              ours.body.authority.empty() && ours.body.additional.empty();
    if (!is_cut_short) return false;
    name = cname->data;
    Question next = over_tcp(d.asked);
    next.name = wire_of_text(name);
    const Reply more = d.ours(next);
    if (broken_law(next, more) != nullptr) return false;
    ours.body.rcode = more.body.rcode;
    ours.body.answer.insert(more.body.answer.begin(), more.body.answer.end());
    ours.body.authority = more.body.authority;
    ours.body.additional = more.body.additional;
    followed = true;
  }
  return followed;
}

/// Where the name was followed to by `answer`.
std::string end_of_chain(const Section& answer, const std::string& name) {
  const Record* cname = last_cname(answer, name);
  return cname != nullptr ? cname->data : name;
}

Section without(Section section, const Section& other) {
  std::erase_if(section, [&](const Record& record) { return other.contains(record); });
  return section;
}

bool any(const Difference& d, Reply& ours, Reply& theirs) {
  if (d.asked.type != dns::type::kAny || d.asked.klass != dns::klass::kIn) return false;
  const std::string name = end_of_chain(ours.body.answer, canonical_text(d.asked.name));
  const Section our_part = without(ours.body.answer, theirs.body.answer);
  Section all = theirs.body.answer;
  std::erase_if(all, [&](const Record& record) { return record.owner != name; });
  Section others = without(theirs.body.answer, ours.body.answer);
  others = without(std::move(others), all);
  if (our_part != Section{{name, "HINFO", "\"RFC8482\" \"\"", 3600}}) return false;
  if (!others.empty()) return false;
  const Section& authority = theirs.body.authority;
  const bool is_nodata = all.empty() && authority.size() == 1 && authority.begin()->type == "SOA";
  if (all.empty() && !is_nodata) return false;
  if (is_nodata) theirs.body.authority.clear();
  drop_optional(d.zone, theirs.body, ours.body.additional, kTheirLeadingTypes);
  theirs.body.answer = ours.body.answer;
  return true;
}

bool repeated_dname(const Difference& d, Reply&, Reply& theirs) {
  const Section& answer = theirs.body.answer;
  const std::string name = end_of_chain(answer, canonical_text(d.asked.name));
  const bool is_dname = std::any_of(answer.begin(), answer.end(), [&](const Record& record) {
    return record.type == "DNAME" && record.owner == name;
  });
  if (d.reference != "Knot" || !theirs.body.repeats_records || !is_dname) return false;
  theirs.body.repeats_records = false;
  return true;
}

// Those that ask for another answer come before those that look into it.
constexpr Explanation kExplanations[] = {
    {"TC",
     "RFC 2181 §9: what fits depends on compression. Ours must be truncated exactly where "
     "header, question, answer, authority and required glue exceed the limit, theirs only where "
     "the whole does; the whole answers over TCP are compared",
     truncation},
    {"missing SOA",
     "RFC 2308 §3: where the SOA of a negative answer does not fit, Knot leaves it out without TC",
     missing_soa},
    {"meta type",
     "RFC 6895 §3.1: 41 and 249-254 name no data. What we say is law; they refuse in other words, "
     "or have what they have for type 65533",
     meta_types},
    {"reserved",
     "RFC 6895 §3.1: 0 and 128-248 are reserved. They refuse, we have no data; ours must be "
     "what they say to type 65533",
     reserved_types},
    {"class",
     "RFC 1035 §6.2: we serve class IN alone. What we say is law; they refuse in other words, NSD "
     "without the question, or answer for all classes, 255",
     other_classes},
    {"beside CNAME",
     "Knot follows no CNAME for RRSIG and NSEC, which may stand beside one (RFC 4035 "
     "§2.5), NSD none for NSEC3, which never does (RFC 5155 §3); ours must be what they say to "
     "type 65533",
     types_beside_cname},
    {"repeated", "RFC 2181 §5: Knot gives a DNAME twice that leads to its own owner",
     repeated_dname},
    {"DNAME",
     "RFC 6672 §3.2, §3.4.1: we leave it to resolvers to go on behind a DNAME; what our answers "
     "give one that does must be theirs",
     chain_at_dname},
    {"ANY",
     "RFC 8482 §4.2: ours is the one HINFO record, theirs all records of the name, of which an "
     "empty non-terminal has none",
     any},
    {"RRset TTL",
     "RFC 2181 §5.2: we level different TTLs within an RRset to the lowest; the zone has "
     "such an RRset on purpose",
     ttl_of_rrset},
    {"additional",
     "RFC 1034 §4.3.2 step 6: addresses from the zone of the names that NS (ours) or also MX, SRV "
     "and the like (theirs) name may be left out, but not in-domain glue (RFC 9471 §3.1)",
     optional_additional},
    {"CD", "RFC 4035 §3.1.6: we copy CD of the query, they clear it", checking_disabled},
};

}  // namespace

std::span<const Explanation> explanations() { return kExplanations; }

Verdict compare(const Difference& difference) {
  Verdict verdict;
  Reply ours = difference.ours(difference.asked), theirs = difference.theirs(difference.asked);
  verdict.broken_law = broken_law(difference.asked, ours);
  if (verdict.broken_law != nullptr) return verdict;
  for (const Explanation& explanation : kExplanations) {
    if (explanation.apply(difference, ours, theirs)) verdict.kinds.push_back(explanation.kind);
  }
  verdict.is_right = ours == theirs && !ours.tc;
  return verdict;
}

}  // namespace gslb::oracle

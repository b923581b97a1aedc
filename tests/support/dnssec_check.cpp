#include "tests/support/dnssec_check.h"

// Before ldns, which otherwise makes macros of bool, true and false.
#include <stdbool.h>

#include <ldns/ldns.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace gslb::support {
namespace {

struct PacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
struct NameFree {
  void operator()(ldns_rdf* name) const { ldns_rdf_deep_free(name); }
};
struct TextFree {
  void operator()(char* text) const { std::free(text); }
};
struct ListFree {
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
};
struct ShallowListFree {
  void operator()(ldns_rr_list* list) const { ldns_rr_list_free(list); }
};

using Name = std::unique_ptr<ldns_rdf, NameFree>;
using KeyList = std::unique_ptr<ldns_rr_list, ListFree>;

std::string text_of(const ldns_rdf* rdf) {
  const std::unique_ptr<char, TextFree> text(ldns_rdf2str(rdf));
  return text.get();
}

Name parse(const std::string& text) { return Name(ldns_dname_new_frm_str(text.c_str())); }

Name parent_of(const ldns_rdf* name) { return Name(ldns_dname_left_chop(name)); }

Name wildcard_of(const ldns_rdf* name) {
  const Name star = parse("*");
  // Without its root label, or the concatenation would end there.
  ldns_rdf* relative = ldns_rdf_clone(star.get());
  ldns_rdf_set_size(relative, 2);
  const Name owned(relative);
  return Name(ldns_dname_cat_clone(owned.get(), name));
}

bool is_same(const ldns_rdf* a, const ldns_rdf* b) { return ldns_dname_compare(a, b) == 0; }

bool is_at_or_below(const ldns_rdf* name, const ldns_rdf* ancestor) {
  return is_same(name, ancestor) || ldns_dname_is_subdomain(name, ancestor);
}

struct RRsetKey {
  std::string owner;
  ldns_rr_type type;
  bool in_answer;

  auto operator<=>(const RRsetKey&) const = default;
};

struct RRset {
  std::vector<ldns_rr*> records, signatures;
};

class Check {
 public:
  Check(const ldns_pkt* packet, const std::string& apex, const ldns_rr_list* keys, time_t now)
      : packet_(packet), apex_(parse(apex)), keys_(keys), now_(now) {}

  std::vector<std::string> run() && {
    sort_records();
    for (const auto& [key, rrset] : rrsets_) check_rrset(key, rrset);
    check_meaning();
    return std::move(faults_);
  }

 private:
  void fault(const std::string& text) { faults_.push_back(text); }

  void sort_records() {
    sort_section(ldns_pkt_answer(packet_), true);
    sort_section(ldns_pkt_authority(packet_), false);
  }

  void sort_section(const ldns_rr_list* list, bool in_answer) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
      ldns_rr* rr = ldns_rr_list_rr(list, i);
      const std::unique_ptr<char, TextFree> text(ldns_rr2str(rr));
      if (!seen.insert(text.get()).second) fault(std::string("twice: ") + text.get());
      const bool is_signature = ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG;
      const ldns_rr_type type =
          is_signature ? ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) : ldns_rr_get_type(rr);
      RRset& rrset = rrsets_[{text_of(ldns_rr_owner(rr)), type, in_answer}];
      (is_signature ? rrset.signatures : rrset.records).push_back(rr);
      if (type == LDNS_RR_TYPE_NSEC && !is_signature && !in_answer) nsecs_.push_back(rr);
      if (type == LDNS_RR_TYPE_DNAME && !is_signature) dnames_.push_back(rr);
    }
  }

  void check_rrset(const RRsetKey& key, const RRset& rrset) {
    const std::unique_ptr<char, TextFree> type(ldns_rr_type2str(key.type));
    const std::string what = key.owner + " " + type.get();
    if (rrset.records.empty()) {
      // Who asks for RRSIG gets them alone.
      if (asked_type() != LDNS_RR_TYPE_RRSIG) fault("signatures of nothing: " + what);
      return;
    }
    const Name owner = parse(key.owner);
    if (needs_no_signature(key, owner.get())) {
      if (!rrset.signatures.empty()) fault("signed, but not ours to sign: " + what);
      return;
    }
    if (rrset.signatures.empty()) return fault("not signed: " + what);

    const std::unique_ptr<ldns_rr_list, ShallowListFree> list(ldns_rr_list_new());
    for (ldns_rr* rr : rrset.records) ldns_rr_list_push_rr(list.get(), rr);
    for (ldns_rr* rrsig : rrset.signatures) {
      const std::unique_ptr<ldns_rr_list, ShallowListFree> good(ldns_rr_list_new());
      const ldns_status status =
          ldns_verify_rrsig_keylist_time(list.get(), rrsig, keys_, now_, good.get());
      if (status != LDNS_STATUS_OK) fault(what + ": " + ldns_get_errorstr_by_id(status));
      if (ldns_rr_ttl(rrsig) != ldns_rr_ttl(rrset.records.front())) {
        fault("the signature has another TTL: " + what);
      }
      const std::size_t labels = ldns_rdf2native_int8(ldns_rr_rrsig_labels(rrsig));
      const bool is_literal = text_of(owner.get()).rfind("*.", 0) == 0;
      if (labels < ldns_dname_label_count(owner.get()) - (is_literal ? 1U : 0U) &&
          !is_covered(owner.get())) {
        fault("from a wildcard, without proof that the name does not exist: " + what);
      }
    }
  }

  bool needs_no_signature(const RRsetKey& key, const ldns_rdf* owner) const {
    if (key.type == LDNS_RR_TYPE_CNAME) {  // Synthesized (RFC 6672 §5.3.1).
      for (const ldns_rr* dname : dnames_) {
        if (ldns_dname_is_subdomain(owner, ldns_rr_owner(dname))) return true;
      }
    }
    return key.type == LDNS_RR_TYPE_NS && !key.in_answer && !is_same(owner, apex_.get());
  }

  ldns_rr_type asked_type() const { return ldns_rr_get_type(question()); }
  const ldns_rr* question() const { return ldns_rr_list_rr(ldns_pkt_question(packet_), 0); }

  /// Where the CNAMEs of the answer lead.
  Name final_name() const {
    Name name(ldns_rdf_clone(ldns_rr_owner(question())));
    if (asked_type() == LDNS_RR_TYPE_CNAME || asked_type() == LDNS_RR_TYPE_ANY) return name;
    const ldns_rr_list* answer = ldns_pkt_answer(packet_);
    for (std::size_t step = 0; step < ldns_rr_list_rr_count(answer); ++step) {
      for (std::size_t i = 0; i < ldns_rr_list_rr_count(answer); ++i) {
        const ldns_rr* rr = ldns_rr_list_rr(answer, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && is_same(ldns_rr_owner(rr), name.get())) {
          name.reset(ldns_rdf_clone(ldns_rr_rdf(rr, 0)));
          break;
        }
      }
    }
    return name;
  }

  bool has(const ldns_rdf* owner, ldns_rr_type type, bool in_answer) const {
    for (const auto& [key, rrset] : rrsets_) {
      if (key.type == type && key.in_answer == in_answer && !rrset.records.empty() &&
          is_same(parse(key.owner).get(), owner)) {
        return true;
      }
    }
    return false;
  }

  void check_meaning() {
    const ldns_pkt_rcode rcode = ldns_pkt_get_rcode(packet_);
    const Name name = final_name();
    const std::string text = text_of(name.get());
    if (rcode == LDNS_RCODE_NXDOMAIN) {
      if (!proves_absence(name.get())) fault("NXDOMAIN of " + text + " is not proved");
      return;
    }
    if (rcode != LDNS_RCODE_NOERROR || !is_at_or_below(name.get(), apex_.get())) return;
    if (has(apex_.get(), LDNS_RR_TYPE_SOA, false)) {
      if (!proves_nodata(name.get())) fault("NODATA of " + text + " is not proved");
      return;
    }
    for (const auto& [key, rrset] : rrsets_) {
      if (key.type == LDNS_RR_TYPE_NS && !key.in_answer) check_referral(parse(key.owner).get());
    }
  }

  /// RFC 4035 §5.2: DS, or proof that there is none at a delegation.
  void check_referral(const ldns_rdf* cut) {
    if (has(cut, LDNS_RR_TYPE_DS, false)) return;
    for (ldns_rr* nsec : nsecs_) {
      if (is_same(ldns_rr_owner(nsec), cut) && lists(nsec, LDNS_RR_TYPE_NS) &&
          !lists(nsec, LDNS_RR_TYPE_DS) && !lists(nsec, LDNS_RR_TYPE_SOA)) {
        return;
      }
    }
    fault("the referral to " + text_of(cut) + " proves neither DS nor its absence");
  }

  static bool lists(const ldns_rr* nsec, ldns_rr_type type) {
    return ldns_nsec_bitmap_covers_type(ldns_rr_rdf(nsec, 1), type);
  }

  /// RFC 4034 §4: between owner and next name, of which the next of the last is the apex.
  bool covers(const ldns_rr* nsec, const ldns_rdf* name) const {
    const ldns_rdf* owner = ldns_rr_owner(nsec);
    const ldns_rdf* next = ldns_rr_rdf(nsec, 0);
    if (ldns_dname_compare(owner, name) >= 0) return false;
    // A delegation or DNAME says nothing of what is below it (RFC 4035 §5.4, RFC 6672 §5.3.4.1).
    const bool ends_here = (lists(nsec, LDNS_RR_TYPE_NS) && !lists(nsec, LDNS_RR_TYPE_SOA)) ||
                           lists(nsec, LDNS_RR_TYPE_DNAME);
    if (ends_here && ldns_dname_is_subdomain(name, owner)) return false;
    return is_same(next, apex_.get()) || ldns_dname_compare(name, next) < 0;
  }

  const ldns_rr* covering(const ldns_rdf* name) const {
    for (const ldns_rr* nsec : nsecs_) {
      if (covers(nsec, name)) return nsec;
    }
    return nullptr;
  }
  bool is_covered(const ldns_rdf* name) const { return covering(name) != nullptr; }

  /// The longest ancestor that the record which covers a name shows to exist.
  Name closest_encloser(const ldns_rdf* name, const ldns_rr* nsec) const {
    for (Name at = parent_of(name); ldns_dname_label_count(at.get()) > 0;
         at = parent_of(at.get())) {
      if (is_at_or_below(ldns_rr_owner(nsec), at.get()) ||
          is_at_or_below(ldns_rr_rdf(nsec, 0), at.get())) {
        return at;
      }
    }
    return Name(ldns_rdf_clone(apex_.get()));
  }

  bool proves_absence(const ldns_rdf* name) const {
    const ldns_rr* nsec = covering(name);
    // Where the next name lies below, the name is an empty non-terminal.
    if (nsec == nullptr || ldns_dname_is_subdomain(ldns_rr_rdf(nsec, 0), name)) return false;
    return is_covered(wildcard_of(closest_encloser(name, nsec).get()).get());
  }

  bool denies(const ldns_rr* nsec) const {
    const ldns_rr_type type = asked_type();
    // RFC 4035 §5.4: at a cut the parent denies nothing but DS.
    const bool is_cut = lists(nsec, LDNS_RR_TYPE_NS) && !lists(nsec, LDNS_RR_TYPE_SOA);
    return !lists(nsec, type) && !lists(nsec, LDNS_RR_TYPE_CNAME) &&
           (!is_cut || type == LDNS_RR_TYPE_DS);
  }

  bool proves_nodata(const ldns_rdf* name) const {
    for (const ldns_rr* nsec : nsecs_) {
      if (is_same(ldns_rr_owner(nsec), name)) return denies(nsec);
    }
    const ldns_rr* nsec = covering(name);
    if (nsec == nullptr) return false;
    if (ldns_dname_is_subdomain(ldns_rr_rdf(nsec, 0), name)) return true;  // Empty non-terminal.
    const Name wildcard = wildcard_of(closest_encloser(name, nsec).get());
    for (const ldns_rr* at : nsecs_) {
      if (is_same(ldns_rr_owner(at), wildcard.get())) return denies(at);
    }
    return false;
  }

  const ldns_pkt* packet_;
  Name apex_;
  const ldns_rr_list* keys_;
  time_t now_;
  std::map<RRsetKey, RRset> rrsets_;
  std::vector<ldns_rr*> nsecs_, dnames_;
  std::vector<std::string> faults_;
};

KeyList make_keys(const std::string& apex, const std::vector<std::vector<std::uint8_t>>& dnskeys) {
  KeyList list(ldns_rr_list_new());
  for (const std::vector<std::uint8_t>& rdata : dnskeys) {
    const Name owner = parse(apex);
    std::vector<std::uint8_t> wire(ldns_rdf_data(owner.get()),
                                   ldns_rdf_data(owner.get()) + ldns_rdf_size(owner.get()));
    const std::uint8_t fixed[] = {0,
                                  LDNS_RR_TYPE_DNSKEY,
                                  0,
                                  LDNS_RR_CLASS_IN,
                                  0,
                                  0,
                                  14,
                                  16,
                                  static_cast<std::uint8_t>(rdata.size() >> 8),
                                  static_cast<std::uint8_t>(rdata.size())};
    wire.insert(wire.end(), std::begin(fixed), std::end(fixed));
    wire.insert(wire.end(), rdata.begin(), rdata.end());
    ldns_rr* rr = nullptr;
    std::size_t at = 0;
    if (ldns_wire2rr(&rr, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK) {
      ldns_rr_list_push_rr(list.get(), rr);
    }
  }
  return list;
}

}  // namespace

std::vector<std::string> find_dnssec_faults(std::span<const std::uint8_t> response,
                                            const std::string& apex,
                                            const std::vector<std::vector<std::uint8_t>>& dnskeys,
                                            std::chrono::sys_seconds now) {
  ldns_pkt* raw = nullptr;
  if (ldns_wire2pkt(&raw, response.data(), response.size()) != LDNS_STATUS_OK) {
    return {"ldns cannot read the response"};
  }
  const std::unique_ptr<ldns_pkt, PacketFree> packet(raw);
  const KeyList keys = make_keys(apex, dnskeys);
  return Check(raw, apex, keys.get(), now.time_since_epoch().count()).run();
}

}  // namespace gslb::support

#include "tests/oracle/reply.h"

// Before ldns, which otherwise makes macros of bool, true and false.
#include <stdbool.h>

#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "tests/support/message.h"

namespace gslb::oracle {
namespace {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
  void operator()(ldns_rdf* data) const { ldns_rdf_deep_free(data); }
  void operator()(ldns_zone* zone) const { ldns_zone_deep_free(zone); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

std::string take(char* text) { return Owned<char>(text).get(); }

Record make_record(const ldns_rr* original) {
  const Owned<ldns_rr> rr(ldns_rr_clone(original));
  ldns_rr2canonical(rr.get());
  Record record;
  record.owner = take(ldns_rdf2str(ldns_rr_owner(rr.get())));
  record.type = take(ldns_rr_type2str(ldns_rr_get_type(rr.get())));
  const ldns_rr_class rr_class = ldns_rr_get_class(rr.get());
  if (rr_class != LDNS_RR_CLASS_IN) {
    record.type += " CLASS" + std::to_string(static_cast<unsigned>(rr_class));
  }
  record.ttl = ldns_rr_ttl(rr.get());
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
    if (i > 0) record.data += ' ';
    record.data += take(ldns_rdf2str(ldns_rr_rdf(rr.get(), i)));
  }
  return record;
}

Section section_of(const ldns_rr_list* list, bool& repeats) {
  Section section;
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    if (!section.insert(make_record(ldns_rr_list_rr(list, i))).second) repeats = true;
  }
  return section;
}

Owned<ldns_zone> read_zone(const std::string& file, const std::string& apex) {
  const std::unique_ptr<FILE, int (*)(FILE*)> in(std::fopen(file.c_str(), "r"), &std::fclose);
  const Owned<ldns_rdf> origin(ldns_dname_new_frm_str(apex.c_str()));
  ldns_zone* zone = nullptr;
  int line = 0;
  const ldns_status status =
      in ? ldns_zone_new_frm_fp_l(&zone, in.get(), origin.get(), 3600, LDNS_RR_CLASS_IN, &line)
         : LDNS_STATUS_FILE_ERR;
  if (status != LDNS_STATUS_OK) {
    throw std::runtime_error(file + ":" + std::to_string(line) + ": " +
                             ldns_get_errorstr_by_id(status));
  }
  return Owned<ldns_zone>(zone);
}

template <typename Visit>
void for_each_record(const ldns_zone* zone, Visit visit) {
  visit(ldns_zone_soa(zone));
  const ldns_rr_list* rrs = ldns_zone_rrs(zone);
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(rrs); ++i) visit(ldns_rr_list_rr(rrs, i));
}

std::string show(const char* title, const Section& section) {
  std::string text;
  for (const Record& record : section) {
    text += std::string("    ") + title + record.to_string() + "\n";
  }
  return text;
}

/// Where a message that ldns could read has its parts.
class Layout {
 public:
  explicit Layout(std::span<const std::uint8_t> message) : message_(message) {
    for (unsigned i = count(4); i > 0; --i) {
      skip_name();
      at_ += 4;
    }
    question_end_ = at_;
    for (unsigned i = count(6) + count(8); i > 0; --i) skip_record();
    authority_end_ = at_;
    for (unsigned i = count(10); i > 0; --i) {
      const std::size_t begin = at_;
      const std::uint16_t type = skip_record();
      if (type == dns::type::kOpt) {
        opt_size_ += at_ - begin;
      } else {
        additional_sizes_.push_back(at_ - begin);
      }
    }
  }

  Bytes question() const {
    return Bytes(message_.begin() + dns::kHeaderSize,
                 message_.begin() + static_cast<std::ptrdiff_t>(question_end_));
  }
  std::size_t octets_behind() const { return message_.size() - at_; }
  std::size_t size_to_authority() const { return authority_end_ + opt_size_; }
  /// Of the i-th additional record, OPT left out.
  std::size_t additional_size(std::size_t i) const { return additional_sizes_.at(i); }

 private:
  unsigned count(std::size_t at) const { return dns::load_u16(&message_[at]); }

  void skip_name() {
    while (message_[at_] != 0 && message_[at_] < 0xC0) at_ += message_[at_] + std::size_t{1};
    at_ += message_[at_] == 0 ? 1 : 2;
  }

  /// Returns its type.
  std::uint16_t skip_record() {
    skip_name();
    const std::uint8_t* fixed = &message_[at_];
    at_ += std::size_t{10} + dns::load_u16(fixed + 8);
    return dns::load_u16(fixed);
  }

  std::span<const std::uint8_t> message_;
  std::size_t at_ = dns::kHeaderSize;
  std::size_t question_end_ = 0, authority_end_ = 0, opt_size_ = 0;
  std::vector<std::size_t> additional_sizes_;
};

}  // namespace

std::string Record::to_string() const {
  return owner + " " + std::to_string(ttl) + " " + type + " " + data;
}

bool Reply::operator==(const Reply& other) const {
  const auto compared = [](const Reply& r) {
    return std::tie(r.body, r.qr, r.tc, r.rd, r.ra, r.ad, r.cd, r.has_edns, r.dnssec_ok, r.opcode,
                    r.edns_version, r.id, r.question);
  };
  return compared(*this) == compared(other);
}

std::string Reply::to_string() const {
  std::string text = "    " + body.rcode;
  const std::pair<bool, const char*> flags[] = {
      {body.aa, "aa"},    {tc, "tc"},        {rd, "rd"},
      {ra, "ra"},         {ad, "ad"},        {cd, "cd"},
      {has_edns, "edns"}, {dnssec_ok, "do"}, {body.repeats_records, "REPEATED-RECORDS"}};
  for (const auto& [set, name] : flags) {
    if (set) text += std::string(" ") + name;
  }
  text += ", " + std::to_string(size) + " octets\n";
  return text + show("answer     ", body.answer) + show("authority  ", body.authority) +
         show("additional ", body.additional);
}

std::optional<Reply> parse_reply(std::span<const std::uint8_t> bytes) {
  const auto message = support::parse_message(bytes);
  ldns_pkt* raw = nullptr;
  if (!message || ldns_wire2pkt(&raw, bytes.data(), bytes.size()) != LDNS_STATUS_OK) return {};
  const Owned<ldns_pkt> packet(raw);
  Reply reply;
  reply.id = message->id;
  reply.opcode = static_cast<std::uint8_t>(ldns_pkt_get_opcode(raw));
  reply.qr = message->qr;
  reply.tc = message->tc;
  reply.rd = message->rd;
  reply.ra = message->ra;
  reply.ad = message->ad;
  reply.cd = message->cd;
  reply.has_edns = message->has_edns;
  reply.dnssec_ok = message->dnssec_ok;
  reply.edns_version = message->edns_version;
  reply.udp_size = message->udp_size;
  reply.size = bytes.size();

  Body& body = reply.body;
  body.rcode = message->rcode;
  body.aa = message->aa;
  body.answer = section_of(ldns_pkt_answer(raw), body.repeats_records);
  body.authority = section_of(ldns_pkt_authority(raw), body.repeats_records);
  body.additional = section_of(ldns_pkt_additional(raw), body.repeats_records);

  const Layout layout(bytes);
  reply.question = layout.question();
  reply.octets_behind = layout.octets_behind();
  reply.required_size = layout.size_to_authority();
  const ldns_rr_list* additional = ldns_pkt_additional(raw);
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(additional); ++i) {
    if (is_in_domain_glue(body, make_record(ldns_rr_list_rr(additional, i)))) {
      reply.required_size += layout.additional_size(i);
    }
  }
  return reply;
}

bool is_in_domain_glue(const Body& body, const Record& record) {
  return std::any_of(body.authority.begin(), body.authority.end(), [&](const Record& ns) {
    return ns.type == "NS" && ns.data == record.owner && is_at_or_below(record.owner, ns.owner);
  });
}

Section read_zone_records(const std::string& file, const std::string& apex) {
  Section records;
  const auto zone = read_zone(file, apex);
  for_each_record(zone.get(), [&](const ldns_rr* rr) { records.insert(make_record(rr)); });
  return records;
}

std::vector<Bytes> read_zone_names(const std::string& file, const std::string& apex) {
  std::vector<Bytes> names;
  const auto zone = read_zone(file, apex);
  for_each_record(zone.get(), [&](const ldns_rr* rr) {
    const ldns_rdf* owner = ldns_rr_owner(rr);
    const std::uint8_t* first = ldns_rdf_data(owner);
    Bytes name(first, first + ldns_rdf_size(owner));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  });
  return names;
}

std::string canonical_text(const Bytes& wire) {
  const Owned<ldns_rdf> name(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, wire.size(), wire.data()));
  ldns_dname2canonical(name.get());
  return take(ldns_rdf2str(name.get()));
}

Bytes wire_of_text(const std::string& text) {
  const Owned<ldns_rdf> name(ldns_dname_new_frm_str(text.c_str()));
  const std::uint8_t* first = ldns_rdf_data(name.get());
  return Bytes(first, first + ldns_rdf_size(name.get()));
}

bool is_below(const std::string& name, const std::string& ancestor) {
  if (ancestor == ".") return name != ".";
  if (name.size() <= ancestor.size() || !name.ends_with(ancestor)) return false;
  // A dot that is escaped belongs to a label.
  const std::size_t dot = name.size() - ancestor.size() - 1;
  if (name[dot] != '.') return false;
  std::size_t escapes = 0;
  while (escapes < dot && name[dot - 1 - escapes] == '\\') ++escapes;
  return escapes % 2 == 0;
}

bool is_at_or_below(const std::string& name, const std::string& ancestor) {
  return name == ancestor || is_below(name, ancestor);
}

}  // namespace gslb::oracle

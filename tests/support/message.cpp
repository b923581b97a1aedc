#include "tests/support/message.h"

// Before ldns, which otherwise makes macros of bool, true and false.
#include <stdbool.h>

#include <ldns/ldns.h>

#include <cstdlib>
#include <memory>

namespace gslb::support {
namespace {

struct PacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

std::vector<std::string> records_of(const ldns_rr_list* list) {
  std::vector<std::string> records;
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    const std::unique_ptr<char, Free> text(ldns_rr2str(ldns_rr_list_rr(list, i)));
    std::string record(text.get());
    for (char& c : record) {
      if (c == '\t') c = ' ';
    }
    record.erase(record.find_last_not_of(" \n") + 1);
    records.push_back(std::move(record));
  }
  return records;
}

std::string rcode_of(const ldns_pkt* packet) {
  const unsigned extended = ldns_pkt_edns(packet) ? ldns_pkt_edns_extended_rcode(packet) : 0U;
  const unsigned code = extended << 4 | static_cast<unsigned>(ldns_pkt_get_rcode(packet));
  if (code == 16) return "BADVERS";
  if (code == 23) return "BADCOOKIE";
  if (code == LDNS_RCODE_NOTIMPL) return "NOTIMP";  // The name that RFC 1035 and dig use.
  const std::unique_ptr<char, Free> text(ldns_pkt_rcode2str(static_cast<ldns_pkt_rcode>(code)));
  return text ? text.get() : std::to_string(code);
}

}  // namespace

std::optional<Message> parse_message(std::span<const std::uint8_t> bytes) {
  ldns_pkt* raw = nullptr;
  if (ldns_wire2pkt(&raw, bytes.data(), bytes.size()) != LDNS_STATUS_OK) return std::nullopt;
  const std::unique_ptr<ldns_pkt, PacketFree> packet(raw);

  Message message;
  message.id = ldns_pkt_id(raw);
  message.rcode = rcode_of(raw);
  message.qr = ldns_pkt_qr(raw);
  message.aa = ldns_pkt_aa(raw);
  message.tc = ldns_pkt_tc(raw);
  message.rd = ldns_pkt_rd(raw);
  message.ra = ldns_pkt_ra(raw);
  message.ad = ldns_pkt_ad(raw);
  message.cd = ldns_pkt_cd(raw);
  message.has_edns = ldns_pkt_edns(raw);
  if (message.has_edns) {
    message.dnssec_ok = ldns_pkt_edns_do(raw);
    message.edns_version = ldns_pkt_edns_version(raw);
    message.udp_size = ldns_pkt_edns_udp_size(raw);
    if (const ldns_rdf* data = ldns_pkt_edns_data(raw)) {
      const std::uint8_t* first = ldns_rdf_data(data);
      message.edns_options.assign(first, first + ldns_rdf_size(data));
    }
  }
  message.question_count = ldns_rr_list_rr_count(ldns_pkt_question(raw));
  message.answer = records_of(ldns_pkt_answer(raw));
  message.authority = records_of(ldns_pkt_authority(raw));
  message.additional = records_of(ldns_pkt_additional(raw));
  return message;
}

}  // namespace gslb::support

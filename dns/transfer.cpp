#include "dns/transfer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "dns/answer.h"
#include "dns/query.h"
#include "dns/wire.h"
#include "zones/snapshot.h"

namespace gslb::dns {
namespace {

/// A response without records, with an Extended DNS Error (RFC 8914).
Rendered refusal(std::uint16_t rcode, std::uint16_t extended_error, std::string_view text = "") {
  RenderedBuilder builder = RenderedBuilder::for_any_name_below(Name());
  builder.add_extended_error(extended_error, text);
  return std::move(builder).build(rcode, false);
}

const Rendered kNotAllowed = refusal(rcode::kRefused, extended_error::kProhibited);
const Rendered kNoApex = refusal(rcode::kNotAuth, extended_error::kNotAuthoritative);
const Rendered kTooMany =
    refusal(rcode::kServFail, extended_error::kOther, "too many zone transfers at once");
const Rendered kMalformed =
    refusal(rcode::kFormErr, extended_error::kOther, "IXFR without the SOA of the client");
const Rendered kOverUdp = refusal(rcode::kFormErr, extended_error::kOther, "AXFR needs TCP");

/// RFC 1982 §3.2; of two serials that are 2^31 apart neither is newer.
bool is_newer(std::uint32_t serial, std::uint32_t than) noexcept {
  const std::uint32_t ahead = serial - than;
  return ahead != 0 && ahead <= 0x7FFF'FFFF;
}

}  // namespace

TransferStream::TransferStream(std::shared_ptr<const zones::ZoneTransfer> zone,
                               std::shared_ptr<const TsigKeys> keys, const TsigStream& tsig,
                               std::span<const std::uint8_t> first,
                               std::size_t question_size) noexcept
    : zone_(std::move(zone)),
      keys_(std::move(keys)),
      tsig_(tsig),
      head_size_(kHeaderSize + question_size) {
  assert(head_size_ <= head_.size() && head_size_ <= first.size());
  std::memcpy(head_.data(), first.data(), head_size_);
}

std::size_t TransferStream::write_next(std::span<std::uint8_t> out, std::uint64_t now_s) noexcept {
  const Rendered& message = zone_->messages()[next_++];
  std::memcpy(out.data(), head_.data(), head_size_);
  store_u16(&out[6], message.answer_count);
  store_u16(&out[8], 0);
  store_u16(&out[10], 0);
  std::memcpy(&out[head_size_], message.records.data(), message.records.size());
  return tsig_.sign(out, head_size_ + message.records.size(), now_s);
}

TransferAnswer answer_transfer(const zones::Snapshot& snapshot, const Client& client,
                               std::span<const std::uint8_t> message, const Query& query,
                               const QueryName& name, const TsigKey* key,
                               bool can_continue) noexcept {
  const std::span<const std::uint8_t> lower(name.lower.data(), name.length);
  const zones::Zone* zone = snapshot.zones->find(lower, name.suffix_hash[0]);
  if (zone == nullptr) return {&kNoApex};  // RFC 5936 §2.2.1
  const std::shared_ptr<const zones::ZoneTransfer>& transfer = zone->transfer();
  if (!transfer || key == nullptr || !(key->name() == transfer->key()) ||
      !transfer->allows(client.address)) {
    return {&kNotAllowed};
  }

  const bool is_udp = client.transport == Transport::kUdp;
  if (query.type == type::kIxfr) {
    const std::optional<std::uint32_t> serial = read_client_serial(message, query);
    if (!serial) return {&kMalformed};
    // RFC 1995 §2: the SOA alone tells a client that it is up to date, or over UDP to use TCP.
    if (is_udp || !is_newer(transfer->serial(), *serial)) {
      return {&zone->find(lower, name.suffix_hash[0])->find(type::kSoa)->plain};
    }
    // §4: what has changed is not kept, so the whole zone comes in the form of AXFR.
  } else if (is_udp) {
    return {&kOverUdp};  // RFC 5936 §4.2
  }
  const auto messages = transfer->messages();
  if (messages.size() == 1) return {&messages.front()};
  if (!can_continue) return {&kTooMany};
  return {&messages.front(), &transfer};
}

}  // namespace gslb::dns

#include "zones/transfer.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dns/wire.h"
#include "zones/master_file.h"

namespace gslb::zones {
namespace {

constexpr std::size_t kMaxMessage = std::size_t{16} << 10U;
constexpr std::size_t kQuestionTail = 4;    // QTYPE and QCLASS
constexpr std::size_t kFixedRecord = 10;    // TYPE, CLASS, TTL, RDLENGTH
constexpr std::uint16_t kPointer = 0xC000;  // RFC 1035 §4.1.4

/// Fills messages with records, one after another. Owner names are compressed in the two ways that
/// shrink a zone most: the owner of the record before, and the apex at the end. RFC 5936 §3.4: only
/// where the letter case agrees, so that the copy of the zone keeps it; so the apex in the
/// question, which is in the client's case, is no target.
class MessageWriter {
 public:
  explicit MessageWriter(const dns::Name& apex)
      : apex_(apex), records_at_(dns::kHeaderSize + apex.length() + kQuestionTail) {
    begin_message();
  }

  void add(const dns::Name& owner, std::uint16_t type, std::chrono::seconds ttl,
           std::span<const std::uint8_t> rdata) {
    const std::size_t size = owner.length() + kFixedRecord + rdata.size();
    if (message().answer_count > 0 &&
        records_at_ + records().size() + size > kMaxMessage - kTransferOverhead) {
      begin_message();
    }
    put_owner(owner);
    put_u16(type);
    put_u16(dns::klass::kIn);
    put_u16(static_cast<std::uint16_t>(ttl.count() >> 16));
    put_u16(static_cast<std::uint16_t>(ttl.count()));
    put_u16(static_cast<std::uint16_t>(rdata.size()));
    records().insert(records().end(), rdata.begin(), rdata.end());
    ++message().answer_count;
    message().required_size = records().size();
  }

  std::vector<dns::Rendered> finish() && {
    for (dns::Rendered& message : messages_) message.records.shrink_to_fit();
    return std::move(messages_);
  }

 private:
  dns::Rendered& message() { return messages_.back(); }
  std::vector<std::uint8_t>& records() { return messages_.back().records; }

  void begin_message() {
    messages_.emplace_back().authoritative = true;
    records().reserve(kMaxMessage);
    last_owner_ = nullptr;
    apex_at_ = 0;
  }

  /// Nothing stands at 0, so that a 0 is no target.
  std::size_t position() { return records_at_ + records().size(); }

  void put_owner(const dns::Name& owner) {
    const auto wire = owner.wire();
    if (last_owner_ != nullptr && std::ranges::equal(last_owner_->wire(), wire)) {
      return put_u16(static_cast<std::uint16_t>(kPointer | last_owner_at_));
    }
    last_owner_ = &owner;
    last_owner_at_ = position();
    assert(wire.size() >= apex_.length());
    const std::size_t prefix = wire.size() - apex_.length();
    const bool ends_like_apex = std::ranges::equal(wire.subspan(prefix), apex_.wire());
    if (!ends_like_apex || apex_at_ == 0) {
      if (ends_like_apex) apex_at_ = position() + prefix;
      records().insert(records().end(), wire.begin(), wire.end());
      return;
    }
    records().insert(records().end(), wire.begin(), wire.begin() + static_cast<long>(prefix));
    put_u16(static_cast<std::uint16_t>(kPointer | apex_at_));
  }

  void put_u16(std::uint16_t value) {
    records().push_back(static_cast<std::uint8_t>(value >> 8));
    records().push_back(static_cast<std::uint8_t>(value));
  }

  const dns::Name& apex_;
  const std::size_t records_at_;  ///< Of the records in a message.
  std::vector<dns::Rendered> messages_;
  // In the message under way.
  const dns::Name* last_owner_ = nullptr;
  std::size_t last_owner_at_ = 0;
  std::size_t apex_at_ = 0;
};

std::uint32_t serial_of(const RRsetData& soa) {
  constexpr std::size_t kTimers = 20;  // SERIAL, REFRESH, RETRY, EXPIRE, MINIMUM
  const std::vector<std::uint8_t>& rdata = soa.rdata.front();
  return dns::load_u32(rdata.data() + rdata.size() - kTimers);
}

}  // namespace

ZoneTransfer::ZoneTransfer(const ZoneData& data, TransferSpec spec)
    : spec_(std::move(spec)), serial_(serial_of(*data.apex_soa())) {
  MessageWriter writer(data.apex());
  const RRsetData& soa = *data.apex_soa();
  writer.add(data.apex(), dns::type::kSoa, soa.ttl, soa.rdata.front());
  for (const NodeData& node : data.nodes()) {
    for (const auto& [type, rrset] : node.rrsets) {
      if (&rrset == &soa) continue;
      for (const auto& rdata : rrset.rdata) writer.add(node.owner, type, rrset.ttl, rdata);
    }
  }
  writer.add(data.apex(), dns::type::kSoa, soa.ttl, soa.rdata.front());
  messages_ = std::move(writer).finish();
}

bool ZoneTransfer::allows(const base::IpAddress& client) const noexcept {
  return std::any_of(spec_.allow.begin(), spec_.allow.end(),
                     [&](const base::AddressPrefix& prefix) { return prefix.contains(client); });
}

std::optional<TransferProblem> check_transfer(const MasterFile& file) {
  constexpr std::size_t kMaxRecord = dns::kMaxMessageSize - kTransferOverhead;
  for (const MasterFileRecord& record : file.records) {
    const std::size_t size = record.owner.length() + kFixedRecord + record.rdata.size();
    if (size <= kMaxRecord) continue;
    return TransferProblem{{record.file, record.line},
                           "the record has " + std::to_string(size) + " octets, and one of more " +
                               "than " + std::to_string(kMaxRecord) +
                               " cannot be transferred; shorten it, or remove allow_transfer"};
  }
  return std::nullopt;
}

}  // namespace gslb::zones

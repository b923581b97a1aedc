#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dns/rendered.h"
#include "dns/tsig.h"
#include "zones/transfer.h"

namespace gslb::zones {
struct Snapshot;
}  // namespace gslb::zones

namespace gslb::dns {

struct Client;
struct Query;
struct QueryName;

/// The messages of a zone transfer after the first one, which answer() writes. Keeps alive what it
/// sends from, whatever snapshots come meanwhile. A value of one connection; not thread-safe.
class TransferStream {
 public:
  /// `first` is the first message, in which the question has `question_size` octets.
  TransferStream(std::shared_ptr<const zones::ZoneTransfer> zone,
                 std::shared_ptr<const TsigKeys> keys, const TsigStream& tsig,
                 std::span<const std::uint8_t> first, std::size_t question_size) noexcept;

  bool is_done() const noexcept { return next_ == zone_->messages().size(); }

  /// Writes the next message to `out`, which has room for kMaxMessageSize octets. Returns its size,
  /// or 0 where it cannot be signed. Not to be called when done.
  std::size_t write_next(std::span<std::uint8_t> out, std::uint64_t now_s) noexcept;

 private:
  std::shared_ptr<const zones::ZoneTransfer> zone_;
  std::shared_ptr<const TsigKeys> keys_;  ///< That of tsig_ lives here.
  TsigStream tsig_;
  std::size_t next_ = 1;
  /// Header, of which only id and flags count, and question of every message.
  std::array<std::uint8_t, kHeaderSize + kMaxNameLength + 4> head_;
  std::size_t head_size_;
};

/// What is answered to a query for a transfer.
struct TransferAnswer {
  const Rendered* response;
  /// The zone of which `response` is but the first message; null where nothing follows.
  const std::shared_ptr<const zones::ZoneTransfer>* continues = nullptr;
};

/// AXFR (RFC 5936) or IXFR (RFC 1995), for the class IN. `key` is the one that the query is signed
/// with, or null. `can_continue` is false where no answer may have further messages at the moment.
TransferAnswer answer_transfer(const zones::Snapshot& snapshot, const Client& client,
                               std::span<const std::uint8_t> message, const Query& query,
                               const QueryName& name, const TsigKey* key,
                               bool can_continue) noexcept;

}  // namespace gslb::dns

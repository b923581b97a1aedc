#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/rendered.h"
#include "zones/spec.h"
#include "zones/zone_data.h"

namespace gslb::zones {

/// What of a message of a transfer is kept free for its header, question, OPT and TSIG.
inline constexpr std::size_t kTransferOverhead = 2048;

/// A zone as it is sent to another server, all of it rendered: the SOA, every other record, the SOA
/// again (RFC 5936 §2.2), cut into messages. Immutable once made, so any number of threads may read
/// it.
class ZoneTransfer {
 public:
  ZoneTransfer(const ZoneData& data, TransferSpec spec);

  /// Whether a client at this address may have the zone, once it has signed with key().
  bool allows(const base::IpAddress& client) const noexcept;
  const dns::Name& key() const noexcept { return spec_.key; }
  std::uint32_t serial() const noexcept { return serial_; }

  /// The answer sections, at least one, for messages with a question for the zone's apex in front.
  /// They have at most 16 KiB each unless a single record is larger.
  std::span<const dns::Rendered> messages() const noexcept { return messages_; }

 private:
  TransferSpec spec_;
  std::uint32_t serial_;
  std::vector<dns::Rendered> messages_;
};

/// What keeps a zone from being transferred: records too large for a message that is signed.
struct TransferProblem {
  RecordSource source;
  std::string message;  ///< "what is wrong; what to do"
};
std::optional<TransferProblem> check_transfer(const MasterFile& file);

}  // namespace gslb::zones

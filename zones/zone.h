#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dns/rendered.h"
#include "zones/canonical.h"
#include "zones/name_table.h"
#include "zones/rendering.h"
#include "zones/spec.h"
#include "zones/transfer.h"
#include "zones/zone_data.h"

namespace gslb::zones {

/// A name whose CNAMEs lead to a profile: its answers are those of the profile behind the chain.
struct Alias {
  AskedName asked;
  std::vector<CnameStep> chain;
  std::vector<Proof> proofs;  ///< That the chain goes through wildcards rightly.
};

/// The NSEC records of a profile's name for the time when it has no answer (RFC 4035 §3.1.3.1).
struct ProfileDenial {
  Proof no_a;
  Proof no_aaaa;
};

/// What is answered at one owner name. All of it is rendered.
struct Node {
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct RRset {
    std::uint16_t type;
    Answer answer;
  };

  /// At a zone cut: NS in the authority section, DS or what proves that there is none, and glue
  /// (RFC 9499 "referral", RFC 4035 §3.1.4).
  struct Referral {
    Answer answer;
    std::size_t owner_length;
  };

  /// RFC 6672: redirects all names below.
  struct Dname {
    Answer record;
    std::chrono::seconds ttl;
    dns::Name target;
  };

  /// CNAMEs that end at a profile.
  struct ProfileAlias {
    ProfileId profile;
    std::uint32_t slot;  ///< Into CompiledProfile::aliases.
  };

  const Answer* find(std::uint16_t type) const noexcept {
    for (const RRset& rrset : rrsets) {
      if (rrset.type == type) return &rrset.answer;
    }
    return nullptr;
  }

  /// Where there is a CNAME: it alone, and for each type at the end of its chain the whole answer.
  std::vector<RRset> rrsets;
  std::optional<ProfileId> profile;
  std::optional<ProfileAlias> alias;
  /// The answer for all other types where it is not the zone's NODATA: the end of a CNAME chain.
  std::unique_ptr<const Answer> otherwise;
  std::unique_ptr<const Referral> referral;
  std::unique_ptr<const Dname> dname;
  std::uint32_t cut = kNone;       ///< The zone cut at or above it.
  std::uint32_t wildcard = kNone;  ///< The wildcard directly below it.

  // In signed zones, by link of the NsecChain:
  std::uint32_t denial = kNone;       ///< What proves that it has no other types.
  std::uint32_t no_wildcard = kNone;  ///< What proves that there is no wildcard directly below.
};

/// One zone, all of it rendered: SOA, NS and glue at its apex, static records, delegations and the
/// negative answers. Knows which names profiles answer, not what they answer. Immutable once made,
/// so any number of threads may read it.
class Zone {
 public:
  const dns::Name& apex() const noexcept { return apex_; }
  /// The SOA at the apex, for negative answers that are rendered elsewhere.
  const RRsetData& soa() const noexcept { return soa_; }

  /// Null where the name does not exist. For the arguments see NameTable::find.
  const Node* find(std::span<const std::uint8_t> lower, std::uint64_t hash) const noexcept {
    const std::optional<std::uint32_t> index = names_.find(lower, hash);
    return index ? &nodes_[*index] : nullptr;
  }
  const Node* find(const dns::Name& name) const;
  const Node& node(std::uint32_t index) const noexcept { return nodes_[index]; }

  const Answer& nodata() const noexcept { return nodata_; }      ///< RFC 2308 §2.2
  const Answer& nxdomain() const noexcept { return nxdomain_; }  ///< RFC 2308 §2.1
  /// RFC 8482 §4.2, in a zone that is not signed; see Node::rrsets otherwise.
  const Answer& any() const noexcept { return any_; }

  bool is_signed() const noexcept { return signing_.has_value(); }
  /// One NSEC record with its signatures, in the authority section. Its base name is the apex.
  const dns::Rendered& proof(std::uint32_t link) const noexcept { return proofs_[link]; }
  /// The link that proves that a name in the zone, in lower case, does not exist.
  std::uint32_t link_covering(std::span<const std::uint8_t> lower) const noexcept {
    return nsec_index_.last_up_to(lower).value_or(0);
  }
  /// Null for profiles whose names are not in this zone, and where it is not signed.
  const ProfileDenial* denial_of(ProfileId profile) const;
  /// For answers that are rendered elsewhere, with the keys that the zone was made with; nothing
  /// where it is not signed.
  std::optional<Signer> signer_at(std::chrono::sys_seconds now) const;

  /// Null where the zone is not transferred. Shared, because a transfer outlives its snapshot.
  const std::shared_ptr<const ZoneTransfer>& transfer() const noexcept { return transfer_; }

  /// The names that lead to a profile, by Node::ProfileAlias::slot.
  std::span<const Alias> aliases_of(ProfileId profile) const;

 private:
  friend class ZoneMaker;
  explicit Zone(dns::Name apex) : apex_(std::move(apex)) {}

  dns::Name apex_;
  RRsetData soa_;
  NameTable names_;
  std::vector<Node> nodes_;
  std::map<ProfileId, std::vector<Alias>> aliases_;
  Answer nodata_;
  Answer nxdomain_;
  Answer any_;
  std::shared_ptr<const ZoneTransfer> transfer_;

  // Where it is signed:
  struct Signing {
    SigningKeys keys;
    std::chrono::seconds validity;
    std::shared_ptr<SignatureCache> cache;
  };
  std::optional<Signing> signing_;
  CanonicalIndex nsec_index_;
  std::vector<dns::Rendered> proofs_;  ///< By link.
  std::map<ProfileId, ProfileDenial> denials_;
};

/// Makes a zone from its configuration, its master file, and the profiles whose names lie in it.
/// `serial` is the SOA serial unless the file brings an SOA. `time` serves zones that are signed.
/// What check_zone() finds fault with is left out or answered as it stands, never fatal.
std::shared_ptr<const Zone> make_zone(const ZoneSpec& spec, std::span<const ProfileName> profiles,
                                      std::uint32_t serial, const SigningTime& time);

}  // namespace gslb::zones

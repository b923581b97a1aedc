#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace gslb::zones {

/// A signature with the time that it holds, as in an RRSIG record (RFC 4034 §3.1.5).
struct Signature {
  std::chrono::sys_seconds inception;
  std::chrono::sys_seconds expiration;
  std::vector<std::uint8_t> octets;
};

/// Signatures that were made, so that an RRset that stays the same is not signed again when the
/// zone around it or the health of a site changes. Any number of threads may use one at a time.
class SignatureCache {
 public:
  /// SHA-256 over everything that determines a signature but the time.
  using Digest = std::array<std::uint8_t, 32>;

  /// Nothing where there is none, or where it is due to be made anew.
  std::optional<Signature> find(const Digest& digest, std::chrono::sys_seconds now) const;

  /// From `refresh_at` on it is due to be made anew.
  void put(const Digest& digest, Signature signature, std::chrono::sys_seconds refresh_at);

  /// Whether a signature should be made anew: because of its age, or since it begins in the future,
  /// after the clock was set back.
  bool is_due(std::chrono::sys_seconds now) const;

  /// Forgets those that are due: what is still served has been made anew by now.
  void drop_due(std::chrono::sys_seconds now);

  std::size_t size() const;

 private:
  struct Entry {
    Signature signature;
    std::chrono::sys_seconds refresh_at;

    bool is_due(std::chrono::sys_seconds now) const {
      return now >= refresh_at || now < signature.inception;
    }
  };
  struct Hash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };

  mutable std::mutex mutex_;
  std::unordered_map<Digest, Entry, Hash> entries_;
};

}  // namespace gslb::zones

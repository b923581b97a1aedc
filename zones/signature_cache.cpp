#include "zones/signature_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gslb::zones {

std::size_t SignatureCache::Hash::operator()(const Digest& digest) const noexcept {
  std::size_t hash = 0;  // A digest is as good as random already.
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

std::optional<Signature> SignatureCache::find(const Digest& digest,
                                              std::chrono::sys_seconds now) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(digest);
  if (found == entries_.end() || found->second.is_due(now)) return std::nullopt;
  return found->second.signature;
}

void SignatureCache::put(const Digest& digest, Signature signature,
                         std::chrono::sys_seconds refresh_at) {
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(digest, Entry{std::move(signature), refresh_at});
}

bool SignatureCache::is_due(std::chrono::sys_seconds now) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(),
                     [now](const auto& entry) { return entry.second.is_due(now); });
}

void SignatureCache::drop_due(std::chrono::sys_seconds now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [now](const auto& entry) { return entry.second.is_due(now); });
}

std::size_t SignatureCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace gslb::zones

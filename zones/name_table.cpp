#include "zones/name_table.h"

#include "dns/name_hash.h"

namespace gslb::zones {
namespace {

std::uint64_t hash_wire(std::span<const std::uint8_t> lower) {
  if (lower[0] == 0) return dns::kRootHash;
  const std::size_t first_label = 1 + std::size_t{lower[0]};
  return dns::hash_label(hash_wire(lower.subspan(first_label)), lower.data());
}

}  // namespace

std::uint64_t hash_name(const dns::Name& name) { return hash_wire(name.lower().wire()); }

bool NameTable::insert(const dns::Name& name, std::uint32_t value) {
  const dns::Name lower = name.lower();
  const std::uint64_t hash = hash_wire(lower.wire());
  if (find(lower.wire(), hash)) return false;
  if ((size_ + 1) * 2 > slots_.size()) grow();
  place(hash, {tag_of(hash), value, static_cast<std::uint32_t>(keys_.size()),
               static_cast<std::uint32_t>(lower.length())});
  keys_.insert(keys_.end(), lower.wire().begin(), lower.wire().end());
  ++size_;
  return true;
}

std::optional<std::uint32_t> NameTable::find(const dns::Name& name) const {
  const dns::Name lower = name.lower();
  return find(lower.wire(), hash_wire(lower.wire()));
}

void NameTable::place(std::uint64_t hash, Slot slot) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].key_length != 0) at = (at + 1) & mask;
  slots_[at] = slot;
}

void NameTable::grow() {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? 16 : old.size() * 2, Slot{});
  for (const Slot& slot : old) {
    if (slot.key_length == 0) continue;
    place(hash_wire(std::span(keys_).subspan(slot.key_offset, slot.key_length)), slot);
  }
}

}  // namespace gslb::zones

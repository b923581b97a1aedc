#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "dns/name.h"

namespace gslb::zones {

/// The hash of a name by dns::hash_label, ignoring case.
std::uint64_t hash_name(const dns::Name& name);

/// Names to 32-bit values: filled once, then only read. An open-addressing hash table with linear
/// probing, at most half full, whose keys lie in one block. Lookups neither allocate nor lock; any
/// number of threads may look up at a time once filling has ended.
class NameTable {
 public:
  /// False, and nothing changed, where the name is there already.
  bool insert(const dns::Name& name, std::uint32_t value);

  /// `lower` is a whole name in wire form in lower case, `hash` its dns::hash_label hash.
  std::optional<std::uint32_t> find(std::span<const std::uint8_t> lower,
                                    std::uint64_t hash) const noexcept {
    if (slots_.empty()) return std::nullopt;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].key_length != 0; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.tag == tag_of(hash) && slot.key_length == lower.size() &&
          std::memcmp(keys_.data() + slot.key_offset, lower.data(), lower.size()) == 0) {
        return slot.value;
      }
    }
    return std::nullopt;
  }
  std::optional<std::uint32_t> find(const dns::Name& name) const;

  std::size_t size() const noexcept { return size_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;  ///< The half of the hash that does not choose the slot.
    std::uint32_t value = 0;
    std::uint32_t key_offset = 0;  ///< Into keys_.
    std::uint32_t key_length = 0;  ///< 0: the slot is free; even the root has one octet.
  };

  static constexpr std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32);
  }
  void place(std::uint64_t hash, Slot slot) noexcept;
  void grow();

  std::vector<Slot> slots_;
  std::vector<std::uint8_t> keys_;
  std::size_t size_ = 0;
};

}  // namespace gslb::zones

#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace gslb::base {

/// Memory for arrays that are read at random: it begins with a cache line, and where it is large,
/// the kernel is asked for huge pages, as otherwise most reads miss the TLB too. A stateless
/// allocator in the sense of the standard library.
template <class T>
class BigAllocator {
 public:
  using value_type = T;

  BigAllocator() noexcept = default;
  template <class U>
  explicit BigAllocator(const BigAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    const std::size_t size = count * sizeof(T);
    void* const memory = ::operator new(size, alignment(size));
    if (size >= kHugePage) ::madvise(memory, size, MADV_HUGEPAGE);  // A wish; it may be refused.
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    ::operator delete(memory, alignment(count * sizeof(T)));
  }

  bool operator==(const BigAllocator&) const noexcept { return true; }

 private:
  static constexpr std::size_t kCacheLine = 64;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  static std::align_val_t alignment(std::size_t size) noexcept {
    return std::align_val_t{size >= kHugePage ? kHugePage : kCacheLine};
  }
};

template <class T>
using BigVector = std::vector<T, BigAllocator<T>>;

}  // namespace gslb::base

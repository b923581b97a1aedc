#pragma once

#include <cstdint>

namespace gslb::support {

/// How often this process has called `operator new`, in any form, on any thread. Linking this in
/// replaces the global allocation functions. Always 0 under clang's ThreadSanitizer.
std::uint64_t allocation_count() noexcept;

}  // namespace gslb::support

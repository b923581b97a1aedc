#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gslb::fuzz {

/// One committed input of a fuzz target.
struct Seed {
  std::filesystem::path file;
  std::vector<std::uint8_t> bytes;
};

/// Seeds in `.hex` files are written for people:
///
///     # comment        00 04d0          octets
///     00*512           the octet, so many times
///     "text"           its octets
///     <vpn.example>    a domain name in wire form; <> is the root
///     ( ... )          the length of what is in between, as 16 bits, and then that
///
/// Throws std::runtime_error, with the place, where the text is anything else.
std::vector<std::uint8_t> parse_seed(std::string_view text);

/// The files of a folder, or one file, in the order of their names. Files that do not end in
/// `.hex` are taken as they are. Throws std::runtime_error where that is impossible.
std::vector<Seed> read_seeds(const std::filesystem::path& path);

}  // namespace gslb::fuzz

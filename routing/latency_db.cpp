#include "routing/latency_db.h"

#include <algorithm>
#include <concepts>
#include <optional>

#include "routing/latency_columns.h"

namespace gslb::routing {
namespace {

constexpr std::string_view kMagic = "gslbd latency\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kCellSize = 16;
constexpr std::size_t kChecksumSize = 8;
constexpr std::size_t kCellsPerPiece = 4096;

/// FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo): against damage, not against forgery.
constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325;
constexpr std::uint64_t kFnvPrime = 0x100000001b3;

std::uint64_t fnv1a(std::string_view octets, std::uint64_t hash) noexcept {
  for (const char octet : octets) hash = (hash ^ static_cast<unsigned char>(octet)) * kFnvPrime;
  return hash;
}

template <std::unsigned_integral T>
void append(std::string& out, T value) {
  for (unsigned shift = 0; shift < 8 * sizeof(T); shift += 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

/// Takes numbers and text from the front.
class Reader {
 public:
  explicit Reader(std::string_view left) : left_(left) {}

  template <std::unsigned_integral T>
  std::optional<T> number() {
    const auto octets = text(sizeof(T));
    if (!octets) return std::nullopt;
    T value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) {
      value = static_cast<T>(static_cast<T>(value << 7U) << 1U |
                             static_cast<unsigned char>((*octets)[i]));
    }
    return value;
  }

  std::optional<std::string_view> text(std::size_t size) {
    if (left_.size() < size) return std::nullopt;
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::size_t size() const noexcept { return left_.size(); }

 private:
  std::string_view left_;
};

tl::unexpected<std::string> fail(const char* message) {
  return tl::unexpected<std::string>(message);
}

bool read_names(Reader& reader, LatencyDb& db) {
  const auto count = reader.number<std::uint32_t>();
  if (!count || *count > kMaxLatencyColumns) return false;
  for (std::uint32_t i = 0; i < *count; ++i) {
    const auto size = reader.number<std::uint8_t>();
    const auto name = size ? reader.text(*size) : std::nullopt;
    if (!name) return false;
    db.endpoints.emplace_back(*name);
  }
  return true;
}

bool read_cells(Reader& reader, LatencyDb& db) {
  const auto count = reader.number<std::uint64_t>();
  if (!count || reader.size() % kCellSize != 0 || reader.size() / kCellSize != *count) return false;
  db.cells.reserve(*count);
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto key = reader.number<std::uint64_t>();
    const auto rtt = reader.number<std::uint32_t>();
    const auto measured = reader.number<std::uint32_t>();
    if (!is_valid(*key) || column_of(*key) >= db.endpoints.size()) return false;
    db.cells.push_back({*key, *rtt, *measured});
  }
  return true;
}

}  // namespace

std::string_view LatencyDbWriter::next() {
  piece_.clear();
  switch (part_) {
    case Part::kHead:
      piece_ = kMagic;
      append(piece_, kVersion);
      append(piece_, static_cast<std::uint32_t>(endpoints_.size()));
      for (const std::string& name : endpoints_) {
        append(piece_, static_cast<std::uint8_t>(name.size()));
        piece_ += name;
      }
      append(piece_, std::uint64_t{cells_.size()});
      checksum_ = kFnvBasis;
      part_ = cells_.empty() ? Part::kChecksum : Part::kCells;
      break;
    case Part::kCells: {
      const auto cells = cells_.first(std::min(cells_.size(), kCellsPerPiece));
      for (const LatencyCell& cell : cells) {
        append(piece_, cell.key);
        append(piece_, cell.rtt_us);
        append(piece_, cell.measured);
      }
      cells_ = cells_.subspan(cells.size());
      if (cells_.empty()) part_ = Part::kChecksum;
      break;
    }
    case Part::kChecksum:
      append(piece_, checksum_);
      part_ = Part::kEnd;
      break;
    case Part::kEnd:
      break;
  }
  checksum_ = fnv1a(piece_, checksum_);
  return piece_;
}

tl::expected<LatencyDb, std::string> parse_latency_db(std::string_view content) {
  if (!content.starts_with(kMagic)) return fail("it is not a latency database of gslbd");
  Reader reader(content.substr(kMagic.size()));
  const auto version = reader.number<std::uint32_t>();
  if (!version || reader.size() < kChecksumSize) return fail("it has been cut off");
  if (*version != kVersion) return fail("it is of another version");
  const std::string_view body = content.substr(0, content.size() - kChecksumSize);
  if (Reader(content.substr(body.size())).number<std::uint64_t>() != fnv1a(body, kFnvBasis)) {
    return fail("its checksum does not match");
  }
  Reader inner(body.substr(kMagic.size() + sizeof(kVersion)));
  LatencyDb db;
  if (!read_names(inner, db) || !read_cells(inner, db)) return fail("its content makes no sense");
  return db;
}

}  // namespace gslb::routing

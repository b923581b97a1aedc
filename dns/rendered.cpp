#include "dns/rendered.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace gslb::dns {
namespace {

constexpr std::uint16_t kPointer = 0xC000;         // RFC 1035 §4.1.4
constexpr std::size_t kMaxPointerOffset = 0x3FFF;  // 14 bits
constexpr std::size_t kQuestionTail = 4;           // QTYPE and QCLASS

}  // namespace

void append_option(std::vector<std::uint8_t>& options, std::uint16_t code,
                   std::span<const std::uint8_t> data) {
  const std::size_t head = options.size();
  options.resize(head + 4);
  store_u16(&options[head], code);
  store_u16(&options[head + 2], static_cast<std::uint16_t>(data.size()));
  options.insert(options.end(), data.begin(), data.end());
}

RenderedBuilder RenderedBuilder::for_name(const Name& query_name) {
  RenderedBuilder builder;
  builder.query_name_known_ = true;
  builder.records_offset_ = kHeaderSize + query_name.length() + kQuestionTail;
  std::size_t offset = kHeaderSize;
  for (Name name = query_name; !name.is_root(); name = name.parent()) {
    builder.targets_.push_back({name, static_cast<std::uint16_t>(offset)});
    offset += 1 + std::size_t{name.wire()[0]};
  }
  return builder;
}

RenderedBuilder RenderedBuilder::for_any_name_below(const Name& base) {
  RenderedBuilder builder;
  std::size_t offset = 0;
  for (Name name = base; !name.is_root(); name = name.parent()) {
    builder.targets_.push_back({name, static_cast<std::uint16_t>(offset)});
    offset += 1 + std::size_t{name.wire()[0]};
  }
  return builder;
}

void RenderedBuilder::begin_record(Section section, const Name& owner, std::uint16_t type,
                                   std::chrono::seconds ttl) {
  put_compressed_name(owner);
  open(section, type, klass::kIn, ttl);
}

void RenderedBuilder::begin_record_at_query_name(Section section, std::uint16_t type,
                                                 std::uint16_t klass, std::chrono::seconds ttl) {
  put_u16(kPointer | kHeaderSize);
  open(section, type, klass, ttl);
}

void RenderedBuilder::open(Section section, std::uint16_t type, std::uint16_t klass,
                           std::chrono::seconds ttl) {
  put_u16(type);
  put_u16(klass);
  put_u32(static_cast<std::uint32_t>(ttl.count()));
  put_u16(0);
  rdata_start_ = rendered_.records.size();
  switch (section) {
    case Section::kAnswer:
      assert(rendered_.authority_count == 0 && rendered_.additional_count == 0);
      ++rendered_.answer_count;
      break;
    case Section::kAuthority:
      assert(rendered_.additional_count == 0);
      ++rendered_.authority_count;
      break;
    case Section::kAdditional:
      ++rendered_.additional_count;
      break;
  }
}

void RenderedBuilder::put_u16(std::uint16_t value) {
  rendered_.records.push_back(static_cast<std::uint8_t>(value >> 8));
  rendered_.records.push_back(static_cast<std::uint8_t>(value));
}

void RenderedBuilder::put_u32(std::uint32_t value) {
  put_u16(static_cast<std::uint16_t>(value >> 16));
  put_u16(static_cast<std::uint16_t>(value));
}

void RenderedBuilder::put_bytes(std::span<const std::uint8_t> bytes) {
  rendered_.records.insert(rendered_.records.end(), bytes.begin(), bytes.end());
}

void RenderedBuilder::put_character_string(std::string_view text) {
  text = text.substr(0, 255);
  rendered_.records.push_back(static_cast<std::uint8_t>(text.size()));
  put_bytes({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void RenderedBuilder::put_compressed_name(const Name& name) {
  std::vector<Target> written;
  Name rest = name;
  for (; !rest.is_root(); rest = rest.parent()) {
    const auto target = std::find_if(targets_.begin(), targets_.end(),
                                     [&](const Target& known) { return known.name == rest; });
    if (target != targets_.end()) {
      if (!query_name_known_) {
        rendered_.base_pointers.push_back(static_cast<std::uint16_t>(rendered_.records.size()));
      }
      put_u16(static_cast<std::uint16_t>(kPointer | target->offset));
      break;
    }
    const std::size_t offset = records_offset_ + rendered_.records.size();
    if (query_name_known_ && offset <= kMaxPointerOffset) {
      written.push_back({rest, static_cast<std::uint16_t>(offset)});
    }
    put_bytes(rest.wire().first(1 + std::size_t{rest.wire()[0]}));
  }
  if (rest.is_root()) rendered_.records.push_back(0);
  targets_.insert(targets_.end(), written.begin(), written.end());
}

void RenderedBuilder::end_record() {
  const std::size_t rdata_size = rendered_.records.size() - rdata_start_;
  store_u16(&rendered_.records[rdata_start_ - 2], static_cast<std::uint16_t>(rdata_size));
  if (rendered_.additional_count == 0) require_all_so_far();
}

void RenderedBuilder::require_all_so_far() {
  rendered_.required_size = rendered_.records.size();
  rendered_.required_additional_count = rendered_.additional_count;
}

void RenderedBuilder::add_extended_error(std::uint16_t info_code, std::string_view extra_text) {
  std::vector<std::uint8_t> data(2);
  store_u16(data.data(), info_code);
  data.insert(data.end(), extra_text.begin(), extra_text.end());
  append_option(rendered_.edns_options, edns_option::kExtendedError, data);
}

Rendered RenderedBuilder::build(std::uint16_t rcode, bool authoritative) && {
  rendered_.rcode = rcode;
  rendered_.authoritative = authoritative;
  return std::move(rendered_);
}

}  // namespace gslb::dns

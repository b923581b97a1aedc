#include "zones/ldns_rdata.h"

// Before ldns, which otherwise makes macros of bool, true and false.
#include <stdbool.h>

#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/ip_address.h"
#include "zones/svc_params.h"

namespace gslb::zones {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::size_t kMaxRdataSize = 65535;

struct RdfFree {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
};
struct RrFree {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};

std::string to_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

/// Null for types that ldns does not know, also where it has a placeholder for them.
const ldns_rr_descriptor* descriptor_of(std::uint16_t type) {
  const ldns_rr_descriptor* descriptor = ldns_rr_descript(type);
  return descriptor != nullptr && descriptor->_type == type ? descriptor : nullptr;
}

/// ldns itself compares a name with those of all types.
const std::unordered_map<std::string, std::uint16_t>& types_by_name() {
  static const auto types = [] {
    std::unordered_map<std::string, std::uint16_t> by_name;
    for (std::uint32_t type = 1; type <= 65535; ++type) {
      const auto number = static_cast<std::uint16_t>(type);
      const ldns_rr_descriptor* descriptor = descriptor_of(number);
      if (descriptor != nullptr) by_name.emplace(to_upper(descriptor->_name), number);
    }
    return by_name;
  }();
  return types;
}

/// What a field of this kind must be, for messages.
std::string describe(ldns_rdf_type kind) {
  switch (kind) {
    case LDNS_RDF_TYPE_DNAME:
      return "a domain name";
    case LDNS_RDF_TYPE_INT8:
      return "a number from 0 to 255";
    case LDNS_RDF_TYPE_INT16:
      return "a number from 0 to 65535";
    case LDNS_RDF_TYPE_INT32:
      return "a number from 0 to 4294967295";
    case LDNS_RDF_TYPE_PERIOD:
      return "a time in seconds or such as 1h30m";
    case LDNS_RDF_TYPE_A:
      return "an IPv4 address";
    case LDNS_RDF_TYPE_AAAA:
      return "an IPv6 address";
    case LDNS_RDF_TYPE_STR:
    case LDNS_RDF_TYPE_LONG_STR:
      return "a text";
    case LDNS_RDF_TYPE_TAG:
      return "a tag of letters and digits such as issue";
    case LDNS_RDF_TYPE_HEX:
    case LDNS_RDF_TYPE_NSAP:
      return "hexadecimal digits in pairs";
    case LDNS_RDF_TYPE_B64:
      return "base64 text";
    case LDNS_RDF_TYPE_NSEC:
      return "types such as A AAAA NS";
    case LDNS_RDF_TYPE_ALG:
      return "a DNSSEC algorithm such as 13 or ECDSAP256SHA256";
    case LDNS_RDF_TYPE_CERT_ALG:
      return "a certificate type such as 1 or PKIX";
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
      return "a certificate usage such as 3 or DANE-EE";
    case LDNS_RDF_TYPE_SELECTOR:
      return "a selector such as 1 or SPKI";
    case LDNS_RDF_TYPE_MATCHING_TYPE:
      return "a matching type such as 1 or SHA2-256";
    case LDNS_RDF_TYPE_LOC:
      return "a location such as 52 14 5.1 N 0 8 50 E 10m";
    case LDNS_RDF_TYPE_APL:
      return "a prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32";
    case LDNS_RDF_TYPE_WKS:
      return "a protocol and its services, such as TCP smtp domain";
    case LDNS_RDF_TYPE_IPSECKEY:
    case LDNS_RDF_TYPE_HIP:
      return "a number from 0 to 255";
    case LDNS_RDF_TYPE_ILNP64:
      return "four hexadecimal numbers such as 2001:db8:0:1";
    case LDNS_RDF_TYPE_EUI48:
      return "an address such as 00-00-5e-00-53-2a";
    case LDNS_RDF_TYPE_EUI64:
      return "an address such as 00-00-5e-ef-10-00-00-2a";
    default:
      return "data in the form \\# LENGTH HEX (RFC 3597)";
  }
}

/// Turns the fields of one record into its wire form. For one use.
class RdataParser {
 public:
  RdataParser(std::uint16_t type, std::span<const MasterFileField> fields, const dns::Name& origin)
      : type_(type), fields_(fields), origin_(origin), descriptor_(descriptor_of(type)) {}

  tl::expected<Octets, std::string> parse() && {
    const bool is_generic = has_field() && !fields_[0].is_quoted && fields_[0].text == "\\#";
    if (!(is_generic ? put_generic() : put_fields())) {
      return tl::unexpected<std::string>(std::move(error_));
    }
    if (wire_.size() > kMaxRdataSize) {
      return tl::unexpected<std::string>("the data has more than 65535 octets; shorten it");
    }
    return std::move(wire_);
  }

 private:
  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  bool fail_expected(const std::string& wanted) {
    if (!has_field()) return fail(wanted + " is missing at the end; add it");
    return fail("expected " + wanted + ", not " + quote(fields_[at_].text));
  }

  bool has_field() const { return at_ < fields_.size(); }
  std::string_view text() const { return has_field() ? fields_[at_].text : std::string_view(); }

  /// What is left, without the blanks between; ends the fields.
  std::string take_rest(std::string_view separator) {
    std::string rest;
    for (; has_field(); ++at_) {
      if (!rest.empty()) rest += separator;
      rest += fields_[at_].text;
    }
    return rest;
  }

  void put_octets(std::span<const std::uint8_t> octets) {
    wire_.insert(wire_.end(), octets.begin(), octets.end());
  }
  void put_uint(std::uint64_t value, std::size_t size) {
    for (std::size_t i = size; i > 0; --i) {
      wire_.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
    }
  }

  bool put_fields() {
    if (descriptor_ == nullptr) return fail_expected(describe(LDNS_RDF_TYPE_UNKNOWN));
    const std::size_t minimum = ldns_rr_descriptor_minimum(descriptor_);
    const std::size_t maximum = ldns_rr_descriptor_maximum(descriptor_);
    for (std::size_t i = 0; i < maximum && (has_field() || i < minimum); ++i) {
      const bool is_last = i + 1 == maximum;
      if (!put_field(ldns_rr_descriptor_field_type(descriptor_, i), is_last)) return false;
    }
    if (!has_field()) return true;
    return fail("nothing is expected behind the data, but there is " + quote(text()) +
                "; remove it, or quote a text with blanks");
  }

  bool put_field(ldns_rdf_type kind, bool is_last) {
    // Their values may be absent.
    if (kind == LDNS_RDF_TYPE_SVCPARAMS) return put_svc_params();
    if (!has_field()) return fail_expected(describe(kind));
    switch (kind) {
      case LDNS_RDF_TYPE_DNAME:
        return put_name();
      case LDNS_RDF_TYPE_INT8:
        return put_number(kind, 1);
      case LDNS_RDF_TYPE_INT16:
        return put_number(kind, 2);
      case LDNS_RDF_TYPE_INT32:
        return put_number(kind, 4);
      case LDNS_RDF_TYPE_PERIOD:
        return put_period();
      case LDNS_RDF_TYPE_A:
      case LDNS_RDF_TYPE_AAAA:
        return put_address(kind);
      case LDNS_RDF_TYPE_STR:
        return put_string(255, true);
      case LDNS_RDF_TYPE_LONG_STR:
        return put_string(kMaxRdataSize, false);
      case LDNS_RDF_TYPE_TAG:
        return put_tag();
      case LDNS_RDF_TYPE_HEX:
      case LDNS_RDF_TYPE_B64:
        return put_encoded(kind, is_last);
      case LDNS_RDF_TYPE_NSEC:
        return put_type_bitmap();
      case LDNS_RDF_TYPE_CERT_ALG:
        return put_mnemonic(kind, 2);
      case LDNS_RDF_TYPE_ALG:
      case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
      case LDNS_RDF_TYPE_SELECTOR:
      case LDNS_RDF_TYPE_MATCHING_TYPE:
        return put_mnemonic(kind, 1);
      case LDNS_RDF_TYPE_IPSECKEY:
        return put_ipseckey();
      case LDNS_RDF_TYPE_HIP:
        return put_hip();
      case LDNS_RDF_TYPE_EUI48:
        return put_groups(kind, 6, '-', 1);
      case LDNS_RDF_TYPE_EUI64:
        return put_groups(kind, 8, '-', 1);
      case LDNS_RDF_TYPE_ILNP64:
        return put_groups(kind, 4, ':', 2);
      case LDNS_RDF_TYPE_NSAP:
        return put_nsap();
      case LDNS_RDF_TYPE_APL:
        return put_address_prefix();
      case LDNS_RDF_TYPE_LOC:
        return put_location();
      case LDNS_RDF_TYPE_WKS:
        return put_services();
      default:
        return fail_expected(describe(LDNS_RDF_TYPE_UNKNOWN));
    }
  }

  bool put_number(ldns_rdf_type kind, std::size_t size) {
    const auto limit = static_cast<std::uint32_t>((std::uint64_t{1} << (8 * size)) - 1);
    const auto number = parse_number(text(), limit);
    if (!number) return fail_expected(describe(kind));
    put_uint(*number, size);
    ++at_;
    return true;
  }

  bool put_period() {
    const auto seconds = parse_period(text());
    if (!seconds || *seconds > 0xFFFFFFFFU) return fail_expected(describe(LDNS_RDF_TYPE_PERIOD));
    put_uint(*seconds, 4);
    ++at_;
    return true;
  }

  bool put_name() {
    if (!has_field()) return fail_expected(describe(LDNS_RDF_TYPE_DNAME));
    const auto name = resolve_name(fields_[at_], origin_);
    if (!name) return fail("the name " + quote(text()) + ": " + name.error() + "; correct it");
    put_octets(name->wire());
    ++at_;
    return true;
  }

  bool put_address(ldns_rdf_type kind) {
    const auto address = base::parse_ip_address(text());
    if (!address || address->is_v4() != (kind == LDNS_RDF_TYPE_A)) {
      return fail_expected(describe(kind));
    }
    put_octets(address->bytes());
    ++at_;
    return true;
  }

  bool put_string(std::size_t longest, bool has_length_octet) {
    const auto octets = decode_escapes(text());
    if (!octets) return fail("the text " + quote(text()) + " " + octets.error() + "; correct it");
    if (octets->size() > longest) {
      return fail("the text " + quote(text()) + " has " + std::to_string(octets->size()) +
                  " octets, the most are " + std::to_string(longest) +
                  (type_ == LDNS_RR_TYPE_TXT ? "; split it into several texts" : "; shorten it"));
    }
    if (has_length_octet) wire_.push_back(static_cast<std::uint8_t>(octets->size()));
    wire_.insert(wire_.end(), octets->begin(), octets->end());
    ++at_;
    return true;
  }

  /// RFC 8659 §4.1
  bool put_tag() {
    const auto is_alphanumeric = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    if (text().empty() || text().size() > 255 ||
        !std::all_of(text().begin(), text().end(), is_alphanumeric)) {
      return fail_expected(describe(LDNS_RDF_TYPE_TAG));
    }
    return put_string(255, true);
  }

  /// Hexadecimal or base64 text; as the last field it may be split by blanks.
  bool put_encoded(ldns_rdf_type kind, bool is_last) {
    const std::size_t first = at_;
    const std::string encoded = is_last ? take_rest("") : std::string(fields_[at_++].text);
    const auto octets = kind == LDNS_RDF_TYPE_HEX ? decode_hex(encoded) : decode_base64(encoded);
    if (!octets || octets->empty()) {
      at_ = first;
      return fail_expected(describe(kind));
    }
    put_octets(*octets);
    return true;
  }

  /// RFC 4034 §4.1.2
  bool put_type_bitmap() {
    std::set<std::uint16_t> types;
    for (; has_field(); ++at_) {
      const auto type = parse_type(text());
      if (!type) return fail_expected(describe(LDNS_RDF_TYPE_NSEC));
      types.insert(*type);
    }
    for (auto type = types.begin(); type != types.end();) {
      const int window = *type >> 8;
      Octets bits;
      for (; type != types.end() && *type >> 8 == window; ++type) {
        const std::size_t octet = (*type & 0xFFU) / 8;
        bits.resize(octet + 1);
        bits[octet] = static_cast<std::uint8_t>(bits[octet] | 0x80U >> (*type & 7U));
      }
      put_uint(static_cast<std::uint64_t>(window), 1);
      put_uint(bits.size(), 1);
      put_octets(bits);
    }
    return true;
  }

  /// A number, or a name that ldns knows for one.
  bool put_mnemonic(ldns_rdf_type kind, std::size_t size) {
    const auto limit = static_cast<std::uint32_t>((std::uint64_t{1} << (8 * size)) - 1);
    if (const auto number = parse_number(text(), limit)) {
      put_uint(*number, size);
      ++at_;
      return true;
    }
    // ldns would cut what is a number but too large, or has a sign.
    const bool is_word =
        !text().empty() && ((text()[0] | 0x20) >= 'a' && (text()[0] | 0x20) <= 'z');
    if (!is_word || !put_by_ldns(kind, std::string(text()))) return fail_expected(describe(kind));
    ++at_;
    return true;
  }

  /// The address or name behind a number that says which: IPSECKEY (RFC 4025 §2.5).
  bool put_gateway(std::uint8_t kind) {
    if (kind == 1) return put_address_at(LDNS_RDF_TYPE_A);
    if (kind == 2) return put_address_at(LDNS_RDF_TYPE_AAAA);
    if (kind == 3) return put_name();
    if (!has_field() || text() != ".") return fail_expected("the gateway \".\" for none");
    ++at_;
    return true;
  }
  bool put_address_at(ldns_rdf_type kind) {
    return has_field() ? put_address(kind) : fail_expected(describe(kind));
  }

  bool put_ipseckey() {
    if (!put_number(LDNS_RDF_TYPE_INT8, 1)) return false;
    const auto gateway = parse_number(text(), 3);
    if (!gateway) return fail_expected("a gateway type from 0 to 3");
    ++at_;
    wire_.push_back(static_cast<std::uint8_t>(*gateway));
    if (!put_number(LDNS_RDF_TYPE_INT8, 1)) return false;
    const bool has_key = wire_.back() != 0;
    if (!put_gateway(static_cast<std::uint8_t>(*gateway))) return false;
    if (!has_key) return true;
    return has_field() ? put_encoded(LDNS_RDF_TYPE_B64, true)
                       : fail_expected(describe(LDNS_RDF_TYPE_B64));
  }

  /// RFC 8005 §5 and §6; the names of rendezvous servers follow.
  bool put_hip() {
    const auto algorithm = parse_number(text(), 255);
    if (!algorithm) return fail_expected(describe(LDNS_RDF_TYPE_INT8));
    ++at_;
    const auto tag = decode_hex(text());
    if (!tag || tag->empty() || tag->size() > 255) {
      return fail_expected(describe(LDNS_RDF_TYPE_HEX));
    }
    ++at_;
    const auto key = decode_base64(text());
    if (!key || key->empty()) return fail_expected(describe(LDNS_RDF_TYPE_B64));
    if (key->size() > kMaxRdataSize) return fail("the key has more than 65535 octets; shorten it");
    ++at_;
    put_uint(tag->size(), 1);
    put_uint(*algorithm, 1);
    put_uint(key->size(), 2);
    put_octets(*tag);
    put_octets(*key);
    return true;
  }

  /// Numbers of `size` octets in hexadecimal. With one octet, both digits must be there.
  bool put_groups(ldns_rdf_type kind, std::size_t count, char separator, std::size_t size) {
    std::string_view rest = text();
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_last = i + 1 == count;
      const std::size_t end = is_last ? rest.size() : rest.find(separator);
      if (end == std::string_view::npos || end == 0 || end > 2 * size || (size == 1 && end != 2)) {
        return fail_expected(describe(kind));
      }
      const auto octets = decode_hex(std::string(2 * size - end, '0').append(rest.substr(0, end)));
      if (!octets) return fail_expected(describe(kind));
      put_octets(*octets);
      if (!is_last) rest.remove_prefix(end + 1);
    }
    ++at_;
    return true;
  }

  /// RFC 1706 §7: "0x", then digits with dots anywhere between.
  bool put_nsap() {
    std::string digits(text());
    std::erase(digits, '.');
    const bool has_prefix = digits.starts_with("0x") || digits.starts_with("0X");
    const auto octets = has_prefix ? decode_hex(std::string_view(digits).substr(2)) : std::nullopt;
    if (!octets || octets->empty()) return fail_expected("0x and hexadecimal digits in pairs");
    put_octets(*octets);
    ++at_;
    return true;
  }

  /// RFC 3123 §4: [!]afi:address/prefix
  bool put_address_prefix() {
    std::string_view rest = text();
    const bool is_negated = rest.starts_with('!');
    if (is_negated) rest.remove_prefix(1);
    const std::size_t slash = std::min(rest.rfind('/'), rest.size());
    const bool is_v4 = rest.starts_with("1:");
    const auto address = base::parse_ip_address(
        rest.substr(std::min<std::size_t>(2, slash), slash - std::min<std::size_t>(2, slash)));
    const auto prefix =
        slash < rest.size() ? parse_number(rest.substr(slash + 1), is_v4 ? 32 : 128) : std::nullopt;
    if (!(is_v4 || rest.starts_with("2:")) || !prefix || !address || address->is_v4() != is_v4) {
      return fail_expected(describe(LDNS_RDF_TYPE_APL));
    }
    std::span<const std::uint8_t> octets = address->bytes();
    while (!octets.empty() && octets.back() == 0) octets = octets.first(octets.size() - 1);
    put_uint(is_v4 ? 1 : 2, 2);
    put_uint(*prefix, 1);
    put_uint(octets.size() | (is_negated ? 0x80U : 0U), 1);
    put_octets(octets);
    ++at_;
    return true;
  }

  bool put_svc_params() {
    const auto params = parse_svc_params(fields_.subspan(at_));
    if (!params) return fail(params.error());
    put_octets(*params);
    at_ = fields_.size();
    return true;
  }

  /// What is left, with minutes and seconds written out: where they are left out, ldns takes those
  /// of the latitude for the longitude.
  std::string take_location() {
    std::string location;
    std::size_t numbers = 0;
    for (; has_field(); ++at_) {
      if (text() == "N" || text() == "S" || text() == "E" || text() == "W") {
        for (; numbers < 3; ++numbers) location += "0 ";
        numbers = 0;
      } else {
        ++numbers;
      }
      (location += text()) += ' ';
    }
    if (!location.empty()) location.pop_back();
    return location;
  }

  /// RFC 1876 §3. ldns does not check the ranges.
  bool put_location() {
    const std::size_t first = at_;
    const std::string location = take_location();
    constexpr std::uint32_t kEquator = 1U << 31U;
    constexpr std::uint32_t kDegree = 3600 * 1000;
    const auto is_within = [&](std::size_t offset, std::uint32_t degrees) {
      const std::uint32_t angle = static_cast<std::uint32_t>(wire_[offset]) << 24U |
                                  static_cast<std::uint32_t>(wire_[offset + 1]) << 16U |
                                  static_cast<std::uint32_t>(wire_[offset + 2]) << 8U |
                                  static_cast<std::uint32_t>(wire_[offset + 3]);
      return angle >= kEquator - degrees * kDegree && angle <= kEquator + degrees * kDegree;
    };
    const bool is_plain = location.size() <= 100 &&
                          location.find_first_not_of("0123456789.- mNSEW") == std::string::npos;
    if (is_plain && put_by_ldns(LDNS_RDF_TYPE_LOC, location) && wire_.size() == 16 &&
        is_within(4, 90) && is_within(8, 180)) {
      return true;
    }
    at_ = first;
    return fail_expected(describe(LDNS_RDF_TYPE_LOC));
  }

  /// RFC 1035 §3.4.2. ldns takes unknown protocols and services for 0.
  bool put_services() {
    const std::size_t first = at_;
    const std::size_t start = wire_.size();
    const auto zero =
        std::any_of(fields_.begin() + static_cast<std::ptrdiff_t>(first), fields_.end(),
                    [](const auto& field) { return field.text == "0"; });
    const std::string services = take_rest(" ");
    if (services.size() <= 1000 && put_by_ldns(LDNS_RDF_TYPE_WKS, services) &&
        wire_.size() >= start + 2 &&
        (zero || (wire_[start] != 0 && (wire_[start + 1] & 0x80U) == 0))) {
      return true;
    }
    at_ = first;
    return fail_expected(describe(LDNS_RDF_TYPE_WKS));
  }

  bool put_by_ldns(ldns_rdf_type kind, const std::string& presentation) {
    const std::unique_ptr<ldns_rdf, RdfFree> rdf(ldns_rdf_new_frm_str(kind, presentation.c_str()));
    if (!rdf) return false;
    put_octets({ldns_rdf_data(rdf.get()), ldns_rdf_size(rdf.get())});
    return true;
  }

  /// RFC 3597 §5
  bool put_generic() {
    ++at_;
    const auto length = parse_number(text(), kMaxRdataSize);
    if (!length) return fail_expected("the length of the data behind \\#, from 0 to 65535");
    ++at_;
    const std::size_t first = at_;
    const auto octets = decode_hex(take_rest(""));
    if (!octets) {
      at_ = first;
      return fail_expected(describe(LDNS_RDF_TYPE_HEX));
    }
    if (octets->size() != *length) {
      return fail("\\# announces " + std::to_string(*length) + " octets, but " +
                  std::to_string(octets->size()) + " follow; correct the length or the data");
    }
    wire_ = *octets;
    return check_wire();
  }

  /// RFC 3597 §5: for a known type the data must be what that type has.
  bool check_wire() {
    if (descriptor_ == nullptr || type_ == LDNS_RR_TYPE_NULL) return true;
    Octets framed;
    framed.reserve(wire_.size() + 2);
    framed.push_back(static_cast<std::uint8_t>(wire_.size() >> 8U));
    framed.push_back(static_cast<std::uint8_t>(wire_.size()));
    framed.insert(framed.end(), wire_.begin(), wire_.end());
    const std::unique_ptr<ldns_rr, RrFree> rr(ldns_rr_new());
    if (!rr) return fail("there is not enough memory");
    ldns_rr_set_type(rr.get(), static_cast<ldns_rr_type>(type_));
    std::size_t at = 0;
    const ldns_status status = ldns_wire2rdf(rr.get(), framed.data(), framed.size(), &at);
    if (status != LDNS_STATUS_OK || !matches(*rr)) {
      return fail("the octets behind \\# are no data of this type; correct them");
    }
    return check_svc_params(*rr);
  }

  /// Compressed names and what is left over show as a difference.
  bool matches(const ldns_rr& rr) const {
    Octets again;
    for (std::size_t i = 0; i < ldns_rr_rd_count(&rr); ++i) {
      const ldns_rdf* rdf = ldns_rr_rdf(&rr, i);
      const std::uint8_t* data = ldns_rdf_data(rdf);
      again.insert(again.end(), data, data + ldns_rdf_size(rdf));
    }
    return again == wire_ && ldns_rr_rd_count(&rr) >= ldns_rr_descriptor_minimum(descriptor_);
  }

  bool check_svc_params(const ldns_rr& rr) {
    if (type_ != LDNS_RR_TYPE_SVCB && type_ != LDNS_RR_TYPE_HTTPS) return true;
    const std::size_t start = 2 + ldns_rdf_size(ldns_rr_rdf(&rr, 1));
    std::string problem = find_svc_params_problem(std::span(wire_).subspan(start));
    return problem.empty() || fail(std::move(problem));
  }

  std::uint16_t type_;
  std::span<const MasterFileField> fields_;
  const dns::Name& origin_;
  const ldns_rr_descriptor* descriptor_;
  std::size_t at_ = 0;
  Octets wire_;
  std::string error_;
};

}  // namespace

std::optional<std::uint16_t> parse_type(std::string_view text) {
  const std::string upper = to_upper(text.substr(0, 32));
  const auto& types = types_by_name();
  if (const auto known = types.find(upper); known != types.end() && text.size() <= 32) {
    return known->second;
  }
  if (!upper.starts_with("TYPE")) return std::nullopt;
  const auto number = parse_number(text.substr(4), 65535);
  return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

std::string type_name(std::uint16_t type) {
  const ldns_rr_descriptor* descriptor = descriptor_of(type);
  return descriptor != nullptr && type != 0 ? descriptor->_name : "TYPE" + std::to_string(type);
}

tl::expected<std::vector<std::uint8_t>, std::string> parse_rdata(
    std::uint16_t type, std::span<const MasterFileField> fields, const dns::Name& origin) {
  return RdataParser(type, fields, origin).parse();
}

}  // namespace gslb::zones

#include "zones/master_file.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/file.h"
#include "dns/wire.h"
#include "zones/ldns_rdata.h"
#include "zones/master_file_text.h"

namespace gslb::zones {
namespace {

using Fields = std::span<const MasterFileField>;

constexpr std::uint64_t kMaxTtl = 0x7FFFFFFF;  // RFC 2181 §8
constexpr std::size_t kMaxFiles = 1000;
constexpr const char* kTooLarge = "the zone's files are larger than 256 MiB; give smaller ones";

/// Made by signing (RFC 4034, RFC 5155, RFC 7344), or what they have replaced (RFC 3755).
bool is_made_by_signing(std::uint16_t type) {
  constexpr std::uint16_t kSig = 24, kNxt = 30, kRrsig = 46, kNsec = 47, kDnskey = 48, kNsec3 = 50,
                          kNsec3Param = 51, kCds = 59, kCdnskey = 60;
  switch (type) {
    case kSig:
    case kNxt:
    case kRrsig:
    case kNsec:
    case kDnskey:
    case kNsec3:
    case kNsec3Param:
    case kCds:
    case kCdnskey:
      return true;
    default:
      return false;
  }
}

/// RFC 6895 §3.1: types that only occur in queries and messages.
bool is_meta(std::uint16_t type) {
  return type == 0 || type == dns::type::kOpt || (type >= 128 && type <= 255);
}

bool is_query_only(std::string_view text) {
  for (const char* name : {"ANY", "AXFR", "IXFR", "MAILA", "MAILB", "*"}) {
    if (equals_ignoring_case(text, name)) return true;
  }
  return false;
}

bool is_in(std::string_view text) {
  return equals_ignoring_case(text, "IN") || equals_ignoring_case(text, "CLASS1");
}

bool is_other_class(std::string_view text) {
  for (const char* name : {"CH", "CHAOS", "HS", "HESIOD", "CS", "NONE"}) {
    if (equals_ignoring_case(text, name)) return true;
  }
  return text.size() > 5 && equals_ignoring_case(text.substr(0, 5), "CLASS");
}

class MasterFileReader {
 public:
  MasterFileReader(const dns::Name& origin, std::chrono::seconds default_ttl)
      : default_ttl_(default_ttl) {
    scope_.origin = origin;
  }

  void read_file(const std::filesystem::path& file) {
    auto text = base::read_file(file, kMaxMasterFileSize, kTooLarge);
    if (!text) {
      result_.files.push_back(file.string());
      result_.errors.push_back({file.string(), 0, text.error()});
      return;
    }
    open_.push_back(text->identity);
    read_text_of(text->text, file);
    open_.pop_back();
  }

  void read_text_of(std::string_view text, const std::filesystem::path& file) {
    size_ += text.size();
    scope_.file = file;
    scope_.index = static_cast<std::uint32_t>(result_.files.size());
    result_.files.push_back(file.string());
    MasterFileEntryReader entries(text);
    MasterFileEntry entry;
    while (!has_stopped_ && entries.next(entry)) {
      line_ = entry.line;
      if (!entry.problem.empty()) {
        add_error(entry.problem_line, entry.problem);
        // The owner of what follows may have been in it.
        if (!entry.starts_blank) scope_.owner = Owner::kUnreadable;
      } else if (is_directive(entry)) {
        read_directive(entry.fields);
      } else {
        read_record(entry);
      }
    }
  }

  MasterFile take() && { return std::move(result_); }

 private:
  enum class Owner : std::uint8_t { kNone, kUnreadable, kKnown };

  /// What an included file starts with, and what it cannot change for the file that includes it.
  struct Scope {
    std::filesystem::path file;
    std::uint32_t index = 0;
    dns::Name origin;
    Owner owner = Owner::kNone;
    dns::Name owner_name;
    std::optional<std::uint32_t> ttl_directive;
    std::optional<std::uint32_t> last_ttl;
  };

  void add_error(std::size_t line, std::string message) {
    if (has_stopped_) return;
    MasterFileError error{scope_.file.string(), line, std::move(message)};
    // A file that is included twice has its errors once.
    const auto same = std::find(result_.errors.begin(), result_.errors.end(), error);
    if (same != result_.errors.end()) return;
    result_.errors.push_back(std::move(error));
    if (result_.errors.size() < kMaxMasterFileErrors) return;
    has_stopped_ = true;
    result_.errors.push_back(
        {scope_.file.string(), line, "reading stops after 1000 errors; correct these first"});
  }
  void add_error(std::string message) { add_error(line_, std::move(message)); }

  static bool is_directive(const MasterFileEntry& entry) {
    return !entry.starts_blank && !entry.fields[0].is_quoted && entry.fields[0].text[0] == '$';
  }

  void read_directive(Fields fields) {
    const std::string_view name = fields[0].text;
    if (equals_ignoring_case(name, "$ORIGIN")) {
      read_origin(fields);
    } else if (equals_ignoring_case(name, "$TTL")) {
      read_ttl(fields);
    } else if (equals_ignoring_case(name, "$INCLUDE")) {
      read_include(fields);
    } else if (equals_ignoring_case(name, "$GENERATE")) {
      add_error("$GENERATE is not supported; write its records out");
    } else {
      add_error(quote(name) +
                " is no directive; use $ORIGIN, $TTL or $INCLUDE, or write \"\\$\" for a name");
    }
  }

  void read_origin(Fields fields) {
    if (fields.size() != 2) return add_error("$ORIGIN takes one name; write $ORIGIN NAME");
    const auto name = resolve_name(fields[1], scope_.origin);
    if (!name) {
      return add_error("$ORIGIN: the name " + quote(fields[1].text) + ": " + name.error() +
                       "; correct it");
    }
    scope_.origin = *name;
  }

  void read_ttl(Fields fields) {
    if (fields.size() != 2) return add_error("$TTL takes one time; write one such as $TTL 1h");
    if (const auto ttl = parse_ttl("$TTL", fields[1].text)) scope_.ttl_directive = ttl;
  }

  void read_include(Fields fields) {
    if (fields.size() != 2 && fields.size() != 3) {
      return add_error("$INCLUDE takes a file and perhaps an origin; write $INCLUDE FILE [ORIGIN]");
    }
    dns::Name origin = scope_.origin;
    if (fields.size() == 3) {
      auto name = resolve_name(fields[2], scope_.origin);
      if (!name) {
        return add_error("$INCLUDE: the origin " + quote(fields[2].text) + ": " + name.error() +
                         "; correct it");
      }
      origin = std::move(*name);
    }
    const auto path = decode_escapes(fields[1].text);
    if (!path || path->empty() || path->find('\0') != std::string::npos) {
      return add_error("$INCLUDE: " + quote(fields[1].text) + " is no path of a file; correct it");
    }
    include(*path, std::move(origin));
  }

  void include(const std::string& path, dns::Name origin) {
    const std::string what = "$INCLUDE " + quote(path) + ": ";
    if (depth_ == kMaxIncludeDepth) {
      return add_error(what + "files are included more than 8 deep; put them side by side");
    }
    if (result_.files.size() >= kMaxFiles) {
      return add_error(what + "more than 1000 files are included; join them");
    }
    const std::filesystem::path file = scope_.file.parent_path() / path;
    const auto text =
        base::read_file(file, kMaxMasterFileSize - std::min(size_, kMaxMasterFileSize), kTooLarge);
    if (!text) return add_error(what + text.error());
    for (const base::FileIdentity& open : open_) {
      if (open == text->identity) {
        return add_error(what + "the file includes itself; remove one $INCLUDE of the circle");
      }
    }

    const Scope outer = scope_;
    const std::size_t outer_line = line_;
    scope_.origin = std::move(origin);
    open_.push_back(text->identity);
    ++depth_;
    read_text_of(text->text, file);
    --depth_;
    open_.pop_back();
    scope_ = outer;
    line_ = outer_line;
  }

  void read_record(const MasterFileEntry& entry) {
    Fields fields = entry.fields;
    if (entry.starts_blank && !fields[0].is_quoted && fields[0].text[0] == '$') {
      return add_error("blanks before the directive " + quote(fields[0].text) + "; remove them");
    }
    if (!entry.starts_blank) {
      read_owner(fields[0]);
      fields = fields.subspan(1);
    } else if (scope_.owner == Owner::kNone) {
      add_error(
          "the line begins with a blank, but there is no record before it to take the name "
          "from; begin it with a name or with \"@\"");
      scope_.owner = Owner::kUnreadable;
    }

    MasterFileRecord record;
    if (!read_ttl_and_class(fields, record) || !read_type(fields, record)) return;
    auto rdata = parse_rdata(record.type, fields, scope_.origin);
    if (!rdata) return add_error(type_name(record.type) + ": " + rdata.error());
    if (scope_.owner != Owner::kKnown) return;
    record.owner = scope_.owner_name;
    record.rdata = std::move(*rdata);
    record.file = scope_.index;
    record.line = static_cast<std::uint32_t>(line_);
    result_.records.push_back(std::move(record));
  }

  void read_owner(const MasterFileField& field) {
    auto name = resolve_name(field, scope_.origin);
    if (name) {
      scope_.owner = Owner::kKnown;
      scope_.owner_name = std::move(*name);
    } else {
      scope_.owner = Owner::kUnreadable;
      add_error("the name " + quote(field.text) + ": " + name.error() + "; correct it");
    }
  }

  /// Both are optional, in either order. Leaves `fields` at the type.
  bool read_ttl_and_class(Fields& fields, MasterFileRecord& record) {
    std::optional<std::uint32_t> ttl;
    bool has_class = false;
    for (; !fields.empty(); fields = fields.subspan(1)) {
      const std::string_view text = fields[0].text;
      if (!ttl && !text.empty() && text[0] >= '0' && text[0] <= '9') {
        ttl = parse_ttl("the TTL", text);
        if (!ttl) return false;
      } else if (!has_class && is_in(text)) {
        has_class = true;
      } else if (is_other_class(text)) {
        add_error("the class " + quote(text) + " is not served; write IN or leave it out");
        return false;
      } else {
        break;
      }
    }
    if (ttl) scope_.last_ttl = ttl;
    // RFC 2308 §4; without $TTL the last TTL holds (RFC 1035 §5.1).
    if (!ttl) ttl = scope_.ttl_directive ? scope_.ttl_directive : scope_.last_ttl;
    record.ttl = ttl ? std::chrono::seconds(*ttl) : default_ttl_;
    return true;
  }

  std::optional<std::uint32_t> parse_ttl(const std::string& what, std::string_view text) {
    const auto seconds = parse_period(text);
    if (!seconds) {
      add_error(what + " " + quote(text) + " is no time; write seconds, or units such as 1h30m");
      return std::nullopt;
    }
    if (*seconds > kMaxTtl) {
      add_error(what + " " + quote(text) + " is above 2147483647 seconds; write a smaller one");
      return std::nullopt;
    }
    return static_cast<std::uint32_t>(*seconds);
  }

  bool read_type(Fields& fields, MasterFileRecord& record) {
    if (fields.empty()) {
      add_error("the record ends before its type; write NAME [TTL] [IN] TYPE DATA");
      return false;
    }
    const std::string_view text = fields[0].text;
    const auto type = parse_type(text);
    if (!type && !is_query_only(text)) {
      add_error(quote(text) +
                " is no type of record; correct it, or write TYPE and its number (RFC 3597)");
      return false;
    }
    if (!type || is_meta(*type)) {
      add_error(quote(text) + " occurs only in queries and messages; remove the record");
      return false;
    }
    if (is_made_by_signing(*type)) {
      add_error(type_name(*type) + ": gslbd signs the zone itself; remove the record");
      return false;
    }
    record.type = *type;
    fields = fields.subspan(1);
    return true;
  }

  std::chrono::seconds default_ttl_;
  MasterFile result_;
  Scope scope_;
  std::size_t line_ = 0;  ///< Where the current entry begins.
  std::size_t depth_ = 0;
  std::size_t size_ = 0;  ///< Of all texts so far.
  std::vector<base::FileIdentity> open_;
  bool has_stopped_ = false;
};

}  // namespace

std::string MasterFileError::to_string() const {
  return file + ":" + (line > 0 ? std::to_string(line) + ":" : "") + " " + message;
}

MasterFile read_master_file(const std::filesystem::path& file, const dns::Name& origin,
                            std::chrono::seconds default_ttl) {
  MasterFileReader reader(origin, default_ttl);
  reader.read_file(file);
  return std::move(reader).take();
}

MasterFile parse_master_file(std::string_view text, const std::string& name,
                             const dns::Name& origin, std::chrono::seconds default_ttl) {
  MasterFileReader reader(origin, default_ttl);
  reader.read_text_of(text, name);
  return std::move(reader).take();
}

}  // namespace gslb::zones

#include "zones/master_file_text.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace gslb::zones {
namespace {

/// Looking for the end of a parenthesis that has none costs a walk to the end of the file.
constexpr std::size_t kMaxOpenParentheses = 16;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool ends_unquoted_field(char c) noexcept {
  return is_blank(c) || c == '\n' || c == ';' || c == '(' || c == ')';
}

std::uint64_t seconds_of_unit(char unit) noexcept {
  switch (to_lower(unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 604800;
    default:
      return 0;
  }
}

std::string three_digits(unsigned char octet) {
  std::string digits(3, '0');
  digits[0] = static_cast<char>('0' + octet / 100);
  digits[1] = static_cast<char>('0' + octet / 10 % 10);
  digits[2] = static_cast<char>('0' + octet % 10);
  return digits;
}

int value_of_hex(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int value_of_base64(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/// True where the dot at the end of `text` is none of an escape.
bool is_absolute(std::string_view text) noexcept {
  if (text.empty() || text.back() != '.') return false;
  std::size_t backslashes = 0;
  while (backslashes + 1 < text.size() && text[text.size() - 2 - backslashes] == '\\') {
    ++backslashes;
  }
  return backslashes % 2 == 0;
}

}  // namespace

MasterFileEntryReader::MasterFileEntryReader(std::string_view text) : text_(text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
}

bool MasterFileEntryReader::next(MasterFileEntry& entry) {
  while (place_.at < text_.size()) {
    entry.line = place_.line;
    entry.starts_blank = is_blank(text_[place_.at]);
    entry.fields.clear();
    entry.problem.clear();
    read_entry(entry);
    if (!entry.fields.empty() || !entry.problem.empty()) return true;
  }
  return false;
}

void MasterFileEntryReader::read_entry(MasterFileEntry& entry) {
  std::size_t depth = 0;
  Place opened;
  while (place_.at < text_.size()) {
    const char c = text_[place_.at];
    if (c == '\n') {
      ++place_.at;
      ++place_.line;
      if (depth == 0) return;
    } else if (is_blank(c)) {
      ++place_.at;
    } else if (c == ';') {
      skip_line();
    } else if (c == '(') {
      if (depth++ == 0) opened = place_;
      ++place_.at;
    } else if (c == ')') {
      if (depth == 0) {
        set_problem(entry, place_.line,
                    "a \")\" without a \"(\" before it; remove it, or write \"\\)\"");
      } else {
        --depth;
      }
      ++place_.at;
    } else {
      c == '"' ? read_quoted(entry) : read_unquoted(entry);
    }
  }
  if (depth > 0) recover_from_open_parenthesis(entry, opened);
}

void MasterFileEntryReader::read_unquoted(MasterFileEntry& entry) {
  const std::size_t start = place_.at;
  while (place_.at < text_.size()) {
    const char c = text_[place_.at];
    if (ends_unquoted_field(c)) break;
    if (c == '"') {
      // KEY="VALUE" of SVCB (RFC 9460 §2.1) is one field; elsewhere a quote begins the next one.
      if (text_[place_.at - 1] != '=') break;
      if (!skip_quoted()) {
        set_problem(entry, place_.line,
                    "a quoted text is not closed on its line: " +
                        quote(text_.substr(start, place_.at - start)) + "; close it with '\"'");
        return;
      }
      continue;
    }
    const bool escapes = c == '\\' && place_.at + 1 < text_.size() && text_[place_.at + 1] != '\n';
    place_.at += escapes ? 2 : 1;
  }
  add_field(entry, text_.substr(start, place_.at - start), false);
}

void MasterFileEntryReader::read_quoted(MasterFileEntry& entry) {
  const std::size_t start = place_.at + 1;
  if (skip_quoted()) {
    add_field(entry, text_.substr(start, place_.at - 1 - start), true);
  } else {
    set_problem(entry, place_.line,
                "a quoted text is not closed on its line: " +
                    quote(text_.substr(start, place_.at - start)) + "; close it with '\"'");
  }
}

/// From an opening quote to behind the closing one, or to the end of the line where there is none.
bool MasterFileEntryReader::skip_quoted() {
  ++place_.at;
  while (place_.at < text_.size() && text_[place_.at] != '\n') {
    const char c = text_[place_.at];
    const bool escapes = c == '\\' && place_.at + 1 < text_.size() && text_[place_.at + 1] != '\n';
    place_.at += escapes ? 2 : 1;
    if (c == '"') return true;
  }
  return false;
}

void MasterFileEntryReader::skip_line() {
  place_.at = std::min(text_.find('\n', place_.at), text_.size());
}

void MasterFileEntryReader::add_field(MasterFileEntry& entry, std::string_view text,
                                      bool is_quoted) {
  if (text.find('\0') != std::string_view::npos) {
    set_problem(
        entry, place_.line,
        "a NUL octet in " + quote(text) + "; this is no text file, or write it as \"\\000\"");
    return;
  }
  entry.fields.push_back({text, is_quoted});
}

/// Keeps the first problem of an entry: what follows is often a consequence.
void MasterFileEntryReader::set_problem(MasterFileEntry& entry, std::size_t line,
                                        std::string problem) {
  if (!entry.problem.empty()) return;
  entry.problem = std::move(problem);
  entry.problem_line = line;
}

/// Goes on behind the line of the parenthesis, where a line seems to begin an entry of its own.
void MasterFileEntryReader::recover_from_open_parenthesis(MasterFileEntry& entry, Place opened) {
  std::string problem = "a \"(\" is never closed; write \")\" behind the last field of the record";
  const bool is_last = ++open_parentheses_ == kMaxOpenParentheses;
  if (is_last) problem += " (reading stops here: too many of them)";
  set_problem(entry, opened.line, std::move(problem));
  if (is_last) return;

  place_ = opened;
  do {
    skip_line();
    if (place_.at == text_.size()) return;
    ++place_.at;
    ++place_.line;
  } while (place_.at < text_.size() &&
           (text_[place_.at] == '\n' || ends_unquoted_field(text_[place_.at])));
}

tl::expected<std::string, std::string> decode_escapes(std::string_view text) {
  std::string octets;
  octets.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      octets += text[at];
      continue;
    }
    const std::string_view digits = text.substr(at + 1, 3);
    if (digits.empty()) return tl::unexpected<std::string>("ends in a lone backslash");
    if (!is_digit(digits[0])) {
      octets += digits[0];
      ++at;
      continue;
    }
    if (digits.size() < 3 || !is_digit(digits[1]) || !is_digit(digits[2])) {
      return tl::unexpected<std::string>(
          "has a backslash and a digit without two more digits behind them");
    }
    const int value = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    if (value > 255) return tl::unexpected<std::string>("has an escape \\DDD above \\255");
    octets += static_cast<char>(value);
    at += 3;
  }
  return octets;
}

tl::expected<dns::Name, std::string> resolve_name(const MasterFileField& field,
                                                  const dns::Name& origin) {
  if (field.text == "@" && !field.is_quoted) return origin;
  auto name = dns::parse_name(field.text);
  if (!name || is_absolute(field.text)) return name;

  const std::span<const std::uint8_t> labels = name->wire().first(name->length() - 1);
  std::vector<std::uint8_t> wire(labels.begin(), labels.end());
  wire.insert(wire.end(), origin.wire().begin(), origin.wire().end());
  if (wire.size() > dns::kMaxNameLength) {
    return tl::unexpected<std::string>("is longer than 255 octets together with the origin " +
                                       quote(origin.to_string()));
  }
  return dns::Name::from_wire(wire);
}

std::optional<std::uint64_t> parse_period(std::string_view text) {
  constexpr std::uint64_t kCut = std::uint64_t{1} << 32U;
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t number = 0;
    const std::size_t start = at;
    for (; at < text.size() && is_digit(text[at]); ++at) {
      number = std::min(number * 10 + static_cast<std::uint64_t>(text[at] - '0'), kCut);
    }
    if (at == start) return std::nullopt;
    if (at == text.size()) return start == 0 ? std::optional(number) : std::nullopt;
    const std::uint64_t unit = seconds_of_unit(text[at++]);
    if (unit == 0) return std::nullopt;
    total = std::min(total + number * unit, kCut);
  }
  return total;
}

std::optional<std::vector<std::uint8_t>> decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> octets;
  octets.reserve(text.size() / 2);
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const int high = value_of_hex(text[at]);
    const int low = value_of_hex(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    octets.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return octets;
}

std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::vector<std::uint8_t> octets;
  octets.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = value_of_base64(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6U | static_cast<std::uint32_t>(value)) & 0xFFFFU;
    count += 6;
    if (count >= 8) {
      count -= 8;
      octets.push_back(static_cast<std::uint8_t>(bits >> count));
    }
  }
  return octets;
}

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t limit) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number > limit) return std::nullopt;
  return number;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string quoted = "\"";
  for (const char c : text.substr(0, kLongest)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < ' ' || octet >= 127) {
      quoted += '\\' + three_digits(octet);
    } else {
      quoted += c;
    }
  }
  return quoted + (text.size() > kLongest ? "...\"" : "\"");
}

}  // namespace gslb::zones

#include "app/config_text.h"

#include <algorithm>
#include <cstdint>

namespace gslb::app::loading {
namespace {

constexpr bool is_bare_key_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

constexpr bool is_utf8_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// What people mix up without noticing: upper and lower case, '-' and '_'.
std::string fold(std::string_view word) {
  std::string folded(word);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return folded;
}

/// One typing error in every three letters, three at most.
std::size_t tolerated_distance(std::string_view word) {
  return std::min<std::size_t>(word.size() / 3, 3);
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_length) {
  const bool is_long = text.size() > max_length;
  if (is_long) {
    std::size_t length = max_length;
    while (length > 0 && is_utf8_continuation(text[length])) --length;
    text = text.substr(0, length);
  }
  std::string result;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < ' ' || octet == 127) {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      result += "\\u00";
      result += kHex[octet >> 4U];
      result += kHex[octet & 15U];
    } else {
      result += c;
    }
  }
  return is_long ? result + "..." : result;
}

std::string quote(std::string_view text) { return "\"" + printable(text) + "\""; }

std::string key_path(std::string_view parent, std::string_view key) {
  std::string path(parent);
  if (!path.empty()) path += '.';
  const bool is_bare = !key.empty() && std::all_of(key.begin(), key.end(), is_bare_key_character);
  return path + (is_bare ? printable(key) : quote(key));
}

std::string join_or(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows i-2, i-1 and i of the table of distances between the first i octets of `a` and the first
  // j octets of `b`.
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;

  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replacement = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + replacement});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kMaxWordLength = 255;
  if (word.size() > kMaxWordLength) return std::nullopt;
  const std::string folded = fold(word);
  std::optional<std::string_view> best;
  std::size_t best_distance = tolerated_distance(word) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), word.size());
    const std::size_t shorter = std::min(candidate.size(), word.size());
    if (longer - shorter >= best_distance) continue;
    const std::size_t distance = edit_distance(folded, fold(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace gslb::app::loading

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The words of diagnostics: quoting what the administrator typed, lists of choices, hints.
namespace gslb::app::loading {

inline constexpr std::size_t kMaxQuotedLength = 80;

/// On one line whatever `text` holds: control characters are escaped, and a text of more than
/// `max_length` octets is cut and ends in "...".
std::string printable(std::string_view text, std::size_t max_length = kMaxQuotedLength);

/// The same in double quotes.
std::string quote(std::string_view text);

/// `parent` + "." + `key`, with `key` quoted where TOML asks for it: zone."example.com".
std::string key_path(std::string_view parent, std::string_view key);

/// "a", "a or b", "a, b or c".
std::string join_or(const std::vector<std::string_view>& words);

/// The candidate that `word` was probably meant to be: the nearest by edit distance, when it is
/// near enough to be a typing error.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

/// The number of insertions, deletions, replacements and swaps of neighbours that turn `a` into
/// `b` (F. Damerau, "A technique for computer detection and correction of spelling errors",
/// CACM 7(3), 1964; the variant that edits no substring twice).
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace gslb::app::loading

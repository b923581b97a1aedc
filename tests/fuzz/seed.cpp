#include "tests/fuzz/seed.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace gslb::fuzz {
namespace {

namespace fs = std::filesystem;

class SeedParser {
 public:
  explicit SeedParser(std::string_view text) : text_(text) {}

  std::vector<std::uint8_t> parse() {
    parse_items();
    if (at_ < text_.size()) fail("')' without '('");
    return std::move(bytes_);
  }

 private:
  /// Up to the end or a ')'.
  void parse_items() {
    while (at_ < text_.size() && text_[at_] != ')') {
      const char c = text_[at_];
      if (c == ' ' || c == '\n') {
        ++at_;
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '"') {
        append(delimited('"'));
      } else if (c == '<') {
        append_name(delimited('>'));
      } else if (c == '(') {
        parse_counted();
      } else if (c == '*') {
        parse_repetition();
      } else {
        bytes_.push_back(number<std::uint8_t>(2, 16));
      }
    }
  }

  void parse_counted() {
    ++at_;
    const std::size_t start = bytes_.size();
    bytes_.resize(start + 2);
    parse_items();
    if (at_ >= text_.size()) fail("'(' without ')'");
    ++at_;
    const std::size_t length = bytes_.size() - start - 2;
    bytes_[start] = static_cast<std::uint8_t>(length >> 8);
    bytes_[start + 1] = static_cast<std::uint8_t>(length);
  }

  void parse_repetition() {
    ++at_;
    constexpr std::size_t kMaxDigits = 5;
    const std::size_t end = std::min(text_.find_first_not_of("0123456789", at_), text_.size());
    const auto count = number<std::size_t>(std::min(end - at_, kMaxDigits), 10);
    if (bytes_.empty() || count == 0) fail("nothing to repeat");
    bytes_.insert(bytes_.end(), count - 1, std::uint8_t{bytes_.back()});
  }

  /// The text up to the delimiter, which is skipped.
  std::string_view delimited(char end) {
    const std::size_t start = at_ + 1;
    const std::size_t stop = text_.find(end, start);
    if (stop == std::string_view::npos) fail("no end of a text or name");
    at_ = stop + 1;
    return text_.substr(start, stop - start);
  }

  void append(std::string_view octets) {
    bytes_.insert(bytes_.end(), octets.begin(), octets.end());
  }

  void append_name(std::string_view name) {
    while (!name.empty()) {
      const std::string_view label = name.substr(0, name.find('.'));
      bytes_.push_back(static_cast<std::uint8_t>(label.size()));
      append(label);
      name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    bytes_.push_back(0);
  }

  template <typename T>
  T number(std::size_t digits, int base) {
    T value{};
    const char* first = text_.data() + at_;
    const char* last = first + std::min(digits, text_.size() - at_);
    const auto [end, error] = std::from_chars(first, last, value, base);
    if (error != std::errc() || end != first + digits) fail("not a number");
    at_ += digits;
    return value;
  }

  [[noreturn]] void fail(const std::string& what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<long>(at_), '\n');
    throw std::runtime_error("line " + std::to_string(line) + ": " + what);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::uint8_t> bytes_;
};

Seed read_seed(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)),
                         std::istreambuf_iterator<char>());
  if (!stream) throw std::runtime_error(file.string() + ": cannot be read");
  if (file.extension() != ".hex") return {file, {text.begin(), text.end()}};
  try {
    return {file, parse_seed(text)};
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
}

}  // namespace

std::vector<std::uint8_t> parse_seed(std::string_view text) { return SeedParser(text).parse(); }

std::vector<Seed> read_seeds(const fs::path& path) {
  std::vector<fs::path> files;
  if (fs::is_directory(path)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  } else {
    files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  std::vector<Seed> seeds;
  for (const fs::path& file : files) seeds.push_back(read_seed(file));
  return seeds;
}

}  // namespace gslb::fuzz

#include "routing/multivalue.h"

#include <algorithm>

#include "routing/random.h"

namespace gslb::routing {
namespace {

constexpr unsigned kCircles = 8;

/// R. A. Fisher, F. Yates 1938; R. Durstenfeld, "Algorithm 235: Random permutation",
/// Communications of the ACM 7(7), 1964.
void shuffle(std::vector<base::IpAddress>& items, Rng& rng) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng() % i]);
}

}  // namespace

std::vector<std::vector<base::IpAddress>> multivalue_answers(
    std::span<const base::IpAddress> addresses, unsigned max_answers) {
  std::vector<base::IpAddress> circle(addresses.begin(), addresses.end());
  const std::size_t size = circle.size();
  const std::size_t length = std::min<std::size_t>(size, max_answers);
  // Of one or two addresses a single circle has all orders.
  const unsigned circles = size <= 2 ? 1 : kCircles;
  Rng rng(size);
  std::vector<std::vector<base::IpAddress>> answers;
  for (unsigned round = 0; round < circles; ++round) {
    shuffle(circle, rng);
    for (std::size_t start = 0; start < size; ++start) {
      std::vector<base::IpAddress>& answer = answers.emplace_back();
      for (std::size_t i = 0; i < length; ++i) answer.push_back(circle[(start + i) % size]);
    }
  }
  return answers;
}

}  // namespace gslb::routing

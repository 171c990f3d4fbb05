#include "engine/runtime/ranking.hpp"

#include <algorithm>
#include <numeric>

namespace intvit {

std::vector<int> top_classes(std::span<const std::int32_t> logits, std::size_t count) {
  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](int a, int b) {
    const std::int32_t left = logits[static_cast<std::size_t>(a)];
    const std::int32_t right = logits[static_cast<std::size_t>(b)];
    return left > right || (left == right && a < b);
  });
  order.erase(end, order.end());
  return order;
}

} // namespace intvit

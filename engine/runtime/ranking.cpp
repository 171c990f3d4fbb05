#include "engine/runtime/ranking.hpp"

#include <algorithm>

namespace intvit {

std::vector<int> top_classes(std::span<const std::int32_t> logits, std::size_t count) {
  std::vector<int> classes(std::min(count, logits.size()));
  top_classes(logits, classes);
  return classes;
}

void top_classes(std::span<const std::int32_t> logits, std::span<int> classes) {
  const auto precedes = [&](int a, int b) {
    const std::int32_t left = logits[static_cast<std::size_t>(a)];
    const std::int32_t right = logits[static_cast<std::size_t>(b)];
    return left > right || (left == right && a < b);
  };
  const auto count = static_cast<int>(logits.size());
  // A heap whose front is the least likely of the classes kept so far.
  for (int i = 0; i < static_cast<int>(classes.size()); ++i)
    classes[static_cast<std::size_t>(i)] = i;
  std::make_heap(classes.begin(), classes.end(), precedes);
  for (int i = static_cast<int>(classes.size()); i < count && !classes.empty(); ++i) {
    if (!precedes(i, classes.front()))
      continue;
    std::pop_heap(classes.begin(), classes.end(), precedes);
    classes.back() = i;
    std::push_heap(classes.begin(), classes.end(), precedes);
  }
  std::sort_heap(classes.begin(), classes.end(), precedes);
}

} // namespace intvit

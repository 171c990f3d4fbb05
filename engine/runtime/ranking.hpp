// Which classes a model finds most likely.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intvit {

// The `count` classes with the largest logits, or all if there are not more: the largest logit first, of equal ones the
// lower class first.
std::vector<int> top_classes(std::span<const std::int32_t> logits, std::size_t count);

// Likewise the classes.size() most likely ones, in memory of the caller's. Requires classes.size() <= logits.size().
void top_classes(std::span<const std::int32_t> logits, std::span<int> classes);

} // namespace intvit

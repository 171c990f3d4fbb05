// Where each value of a program lives in the arena. Every place is aligned to buffer_alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "engine/status.hpp"

namespace intvit {

// A value exists from the step that writes it to the last step that reads it, both included.
struct Lifetime {
  std::size_t bytes = 0;
  int first_step = 0;
  int last_step = 0;
};

// What one process may hope to get. Sizes are computed in 64 bits and compared with it, because a well-formed model or
// a large batch can ask for more than a 32-bit processor can address.
inline constexpr std::uint64_t max_planned_bytes = std::numeric_limits<std::size_t>::max() / 2;

// The failure of an arena of more than that.
Status beyond_memory(std::uint64_t bytes);

struct ArenaPlan {
  std::vector<std::size_t> offsets; // one a value
  std::size_t bytes = 0;
};

// Gives values that exist at the same time disjoint places: largest first, each at the lowest place that is free for
// its whole lifetime.
ArenaPlan plan_arena(std::span<const Lifetime> lifetimes);

} // namespace intvit

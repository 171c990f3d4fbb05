// Where each value of a program lives in the arena. Every place is aligned to buffer_alignment.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace intvit {

// A value exists from the step that writes it to the last step that reads it, both included.
struct Lifetime {
  std::size_t bytes = 0;
  int first_step = 0;
  int last_step = 0;
};

struct ArenaPlan {
  std::vector<std::size_t> offsets; // one a value
  std::size_t bytes = 0;
};

// Gives values that exist at the same time disjoint places: largest first, each at the lowest place that is free for
// its whole lifetime.
ArenaPlan plan_arena(std::span<const Lifetime> lifetimes);

} // namespace intvit

// Random models: every operation with every option, in any order that the format allows, in odd sizes, with typical
// constants and with those at the ends of what the loader's proofs allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/image/image.hpp"
#include "tests/fuzz/choices.hpp"

namespace intvit::fuzz {

struct RandomGraph {
  std::vector<std::byte> file; // a whole model file, which must load
  std::vector<Image> images;   // of its size, at least three
};

// No operation takes many more multiplications than so many, but for those of a single output; an evaluation of the
// default in 128-bit integers takes a moment.
RandomGraph random_graph(Choices &choices, std::int64_t multiplications = 60'000);

} // namespace intvit::fuzz

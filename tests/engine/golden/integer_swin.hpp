// A Swin Transformer with integers from a generator, as integer_model.hpp.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/residual.hpp"
#include "kernels/softmax.hpp"

namespace intvit::test {

struct IntegerSwin {
  kernels::ElementType stream = kernels::ElementType::int8;
  kernels::Softmax softmax = kernels::Softmax::lis4;
  // Norms behind the branches, cosine attention, and windows of 5 and 4, which divide neither grid: the first is rolled
  // before it is padded.
  bool v2 = false;
};

inline constexpr int integer_swin_width = 72; // pixels
inline constexpr int integer_swin_height = 48;

// A whole model file: patches of 4 on a grid of 18 by 12, 24 channels in two heads, a block with windows of 6 and one
// with the same windows shifted by 3; merged to a grid of 9 by 6, 48 channels in four heads, windows of 3, then shifted
// by 1; the mean of all patches, 37 classes.
std::vector<std::byte> integer_swin(const IntegerSwin &options);

} // namespace intvit::test

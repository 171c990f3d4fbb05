// A model whose constants are integers from a generator, not quantized real numbers: the same bytes on every machine,
// with every compiler, whatever becomes of the quantizer.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/residual.hpp"
#include "kernels/softmax.hpp"

namespace intvit::test {

struct IntegerModel {
  kernels::CodeType stream = kernels::CodeType::int8; // int8: with alpha and zero point
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
};

inline constexpr int integer_model_width = 48; // pixels
inline constexpr int integer_model_height = 40;

// A whole model file: patches of 8, 60 channels, three blocks of three heads, 37 classes; no size is a multiple of a
// vector's. The constants spread codes over their range as trained ones do.
std::vector<std::byte> integer_model(const IntegerModel &options);

} // namespace intvit::test

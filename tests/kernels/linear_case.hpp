// A matrix product with random operands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernel_table.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/four_bits_case.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

struct LinearShape {
  int rows;
  int in_features;
  int out_features;
};

// Operands of a product whose sums of magnitudes stay below what the loader admits.
struct LinearCase {
  LinearShape shape;
  kernels::Epilogue epilogue = kernels::Epilogue::requantize;
  kernels::ElementType stream_type = kernels::ElementType::int8; // residual: of the stream that is read
  kernels::ElementType output_type = kernels::ElementType::int8; // residual: of the stream that is written
  std::size_t input_stride = 0;
  std::size_t stream_stride = 0;
  std::size_t output_stride = 0;
  std::vector<std::int8_t> input;
  std::vector<std::int8_t> weights; // of any format, as int8
  kernels::WeightFormat weight_format = kernels::WeightFormat::int8;
  FourBitCase four_bits; // of that format
  Constants constants;
  int gelu_fraction_bits = 8;
  kernels::GeluFunction gelu_function = kernels::GeluFunction::gelu;
  std::vector<std::int16_t> gelu_multiplier;
  std::vector<std::int8_t> gelu_zero_point;
  std::vector<std::int8_t> stream8;
  std::vector<std::int16_t> stream16;
  std::vector<std::int32_t> residual_multiplier;
  int residual_shift = 0;

  // Of an element of the output, in bytes.
  std::size_t element_size() const;
  std::int64_t stream_code(std::size_t row, std::size_t column) const;
  const kernels::PackedFormat &format(const kernels::LinearKernel &kernel) const {
    return kernel.formats[weight_format];
  }
  kernels::WeightsView weights_view() const;
  kernels::LinearArgs args(const std::byte *packed, std::byte *output, std::byte *scratch) const;
};

// All formats of weights.
inline std::vector<kernels::WeightFormat> weight_formats() {
  std::vector<kernels::WeightFormat> all;
  for (std::size_t i = 0; i < kernels::weight_format_count; ++i)
    all.push_back(static_cast<kernels::WeightFormat>(i));
  return all;
}

// Fits the loader's bounds for every input, as long as in_features is at most 2^12.
LinearCase make_linear(Random &random, LinearShape shape, kernels::Epilogue epilogue,
                       kernels::WeightFormat format = kernels::WeightFormat::int8);

} // namespace intvit::test

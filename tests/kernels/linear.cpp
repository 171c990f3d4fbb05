// The matrix product and its epilogues against 128-bit arithmetic.
#include "kernels/linear.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "kernels/gelu.hpp"
#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/linear_case.hpp"
#include "tests/kernels/random.hpp"
#include "tests/support/sanitizers.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

std::int64_t exact_output(const LinearCase &linear, std::size_t row, std::size_t n) {
  const auto in = static_cast<std::size_t>(linear.shape.in_features);
  Int128 accumulator = 0;
  for (std::size_t k = 0; k < in; ++k)
    accumulator += Int128{linear.input[row * linear.input_stride + k]} * linear.weights[n * in + k];
  switch (linear.epilogue) {
  case Epilogue::requantize:
    return clamped(linear.constants.exact(accumulator, n), -128, 127);
  case Epilogue::requantize16:
    return clamped(linear.constants.exact(accumulator, n), -32767, 32767);
  case Epilogue::gelu: {
    const auto x = static_cast<std::int16_t>(clamped(linear.constants.exact(accumulator, n), -32767, 32767));
    const Int128 g = gelu(x, linear.gelu_fraction_bits, linear.gelu_function); // tests/kernels/gelu.cpp
    return clamped(linear.gelu_zero_point[n] + round_div(g * linear.gelu_multiplier[n], power_of_two(15)), -128, 127);
  }
  case Epilogue::residual: {
    const Int128 stream = linear.stream_code(row, n) * power_of_two(linear.residual_shift);
    const Int128 sum = linear.constants.exact(accumulator, n, stream * linear.residual_multiplier[n]);
    return linear.output_type == ElementType::int8 ? clamped(sum, -128, 127) : clamped(sum, -32767, 32767);
  }
  case Epilogue::logits:
    return static_cast<std::int64_t>(linear.constants.exact(accumulator, n));
  }
  return 0;
}

void write(std::vector<std::byte> &bytes, std::size_t index, std::size_t size, std::int64_t value) {
  for (std::size_t i = 0; i < size; ++i) // little-endian
    bytes[index * size + i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
}

// Compares every byte of the output, those between rows and outside the ranges included.
void check(const KernelTable &kernels, const LinearCase &linear, Range rows, Range columns) {
  const LinearKernel &kernel = kernels.linear;
  const auto [row_count, in_features, out_features] = linear.shape;
  const PackedFormat &format = linear.format(kernel);
  AlignedBytes packed(format.packed_bytes(linear.weights_view()));
  format.pack(linear.weights_view(), linear.constants.view(), packed.data());
  AlignedBytes scratch(format.scratch_bytes(in_features));
  const std::size_t size = linear.element_size();
  std::vector<std::byte> output((static_cast<std::size_t>(row_count) * linear.output_stride + 16) * size,
                                std::byte{0x5a});
  std::vector<std::byte> expected = output;
  for (auto row = static_cast<std::size_t>(rows.begin); row < static_cast<std::size_t>(rows.end); ++row)
    for (auto n = static_cast<std::size_t>(columns.begin); n < static_cast<std::size_t>(columns.end); ++n)
      write(expected, row * linear.output_stride + n, size, exact_output(linear, row, n));
  kernel.run(linear.args(packed.data(), output.data(), scratch.data()), rows, columns);
  if (output != expected)
    FAIL(kernels.name << ": rows " << row_count << ", in " << in_features << ", out " << out_features << ", epilogue "
                      << static_cast<int>(linear.epilogue) << ", weights " << static_cast<int>(linear.weight_format));
}

void check_all(const LinearCase &linear) {
  for (const KernelTable &kernels : available_kernels())
    check(kernels, linear, {0, linear.shape.rows}, {0, linear.shape.out_features});
}

const std::vector<WeightFormat> formats = weight_formats();
constexpr Epilogue epilogues[] = {Epilogue::requantize, Epilogue::requantize16, Epilogue::gelu, Epilogue::residual,
                                  Epilogue::logits};

// A multiple of `tile` in 0 .. limit.
int tile_border(Random &random, int tile, int limit) {
  return random.between(0, limit / tile) * tile;
}

} // namespace

TEST_CASE("linear: random shapes, every epilogue and format of weights") {
  Random random(1);
  for (const Epilogue epilogue : epilogues)
    for (const WeightFormat format : formats)
      for (int round = 0; round < 150 / one_in; ++round)
        check_all(make_linear(random, {random.between(1, 40), random.between(1, 150), random.between(1, 150)}, epilogue,
                              format));
}

TEST_CASE("linear: one row, one input feature, one output feature, and sides just beside tiles") {
  Random random(2);
  for (const Epilogue epilogue : epilogues)
    for (const int rows : {1, 6, 7})
      for (const int in_features : {1, 3, 4, 63, 64, 65})
        for (const int out_features : {1, 15, 16, 17, 64, 65})
          for (const WeightFormat format : formats)
            check_all(make_linear(random, {rows, in_features, out_features}, epilogue, format));
}

TEST_CASE("linear: part of the rows and columns leaves everything else alone") {
  Random random(3);
  for (const KernelTable &kernels : available_kernels())
    for (const Epilogue epilogue : epilogues)
      for (std::size_t round = 0; round < 100; ++round) {
        const LinearShape shape{random.between(1, 40), random.between(1, 40), random.between(1, 140)};
        const int row = tile_border(random, kernels.linear.tile_rows, shape.rows);
        const int column = tile_border(random, kernels.linear.tile_columns, shape.out_features);
        check(kernels, make_linear(random, shape, epilogue, formats[round % formats.size()]),
              {row, random.between(row, shape.rows)}, {column, random.between(column, shape.out_features)});
      }
}

TEST_CASE("linear: extreme bytes") {
  Random random(4);
  for (const Epilogue epilogue : epilogues)
    for (const int input : {-128, 127})
      for (const int weight : {-128, -127, 127}) {
        LinearCase linear = make_linear(random, {3, 200, 20}, epilogue);
        std::fill(linear.input.begin(), linear.input.end(), static_cast<std::int8_t>(input));
        std::fill(linear.weights.begin(), linear.weights.end(), static_cast<std::int8_t>(weight));
        check_all(linear);
      }
}

TEST_CASE("linear: eight weights at and beyond what 16 bits hold, inputs at their ends") {
  // Of either sign: two, three or four weights of 255 * 128 and of one more, in one lane and spread over two; and the
  // largest that there are.
  constexpr int patterns[][8] = {
      {64, 64, 0, 0, 0, 0, 0, 0},       {64, 0, 0, 0, 64, 0, 0, 0},         {32, 32, 0, 0, 32, 32, 0, 0},
      {64, 65, 0, 0, 0, 0, 0, 0},       {64, 0, 0, 0, 65, 0, 0, 0},         {32, 32, 0, 0, 32, 33, 0, 0},
      {127, 1, 0, 0, 0, 0, 0, 0},       {127, 2, 0, 0, 0, 0, 0, 0},         {127, 0, 0, 0, 0, 2, 0, 0},
      {127, 127, 0, 0, 0, 0, 0, 0},     {127, 0, 0, 0, 127, 0, 0, 0},       {127, 127, 127, 127, 127, 127, 127, 127},
      {64, 64, 64, 64, 0, 0, 0, 0},     {64, 64, 64, 64, 64, 64, 64, 64},   {128, 0, 0, 0, 0, 0, 0, 0},
      {128, 0, 128, 0, 128, 0, 128, 0}, {127, -127, 0, 0, 127, -127, 0, 0}, {64, -64, 0, 0, 64, -64, 0, 0},
      {0, 64, 64, 0, 0, 64, 64, 0},     {1, 127, 0, 0, 1, 0, 0, 0},         {0, 0, 0, 127, 0, 0, 0, 127},
  };
  Random random(7);
  for (const auto &pattern : patterns)
    for (const int sign : {-1, 1})
      for (const bool against : {false, true}) {
        LinearCase linear = make_linear(random, {5, 100, 20}, Epilogue::logits);
        for (std::int8_t &weight : linear.weights)
          weight = static_cast<std::int8_t>(random.between(-8, 8));
        // In another step of every column, and twice the last, which 100 inputs leave incomplete.
        for (std::size_t n = 0; n < 20; ++n)
          for (const std::size_t step : {n % 13, std::size_t{12}})
            for (std::size_t i = 0; i < 8 && step * 8 + i < 100; ++i) {
              const int weight = std::max(-128, std::min(127, sign * pattern[i]));
              linear.weights[n * 100 + step * 8 + i] = static_cast<std::int8_t>(weight);
            }
        // Each input makes its product as large as it gets, all of one sign, or of the other.
        for (std::size_t row = 0; row < 5; ++row)
          for (std::size_t k = 0; k < 100; ++k)
            linear.input[row * linear.input_stride + k] =
                (linear.weights[row * 100 + k] > 0) != against ? std::int8_t{127} : std::int8_t{-128};
        check_all(linear);
      }
}

TEST_CASE("linear: accumulators and sums at the edge of what the loader admits") {
  // 128 * 128 * 131071 = 2^31 - 2^14, and a sum of magnitudes of 2^63 - 1.
  Random random(5);
  for (const Epilogue epilogue : epilogues)
    for (const int input : {-128, 127})
      for (const int sign : {-1, 1}) {
        if (one_in > 1 && (input > 0) != (sign > 0))
          continue;
        LinearCase linear = make_linear(random, {1, 131'071, 2}, epilogue);
        std::fill(linear.input.begin(), linear.input.end(), static_cast<std::int8_t>(input));
        std::fill(linear.weights.begin(), linear.weights.end(), std::int8_t{-128});
        const Int128 bound = power_of_two(31) - power_of_two(14);
        for (std::size_t n = 0; n < 2; ++n) {
          Int128 used = 0;
          if (epilogue == Epilogue::residual) {
            linear.residual_shift = max_residual_shift(linear.stream_type);
            linear.residual_multiplier[n] = sign * 2147483647;
            used = power_of_two(30) * 2147483647;
          }
          linear.constants.multiplier[n] = n == 0 ? 2147483647 : -2147483647;
          used += bound * 2147483647;
          linear.constants.offset[n] = sign * static_cast<std::int64_t>(power_of_two(63) - 1 - used);
        }
        for (const int shift : {min_shift, 46, max_shift}) {
          linear.constants.shift = shift;
          check_all(linear);
        }
      }
}

// L2 normalization against 128-bit arithmetic, and against real lengths.
#include "kernels/l2_normalize.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "engine/ops/bounds.hpp"
#include "kernels/dispatch.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

// The normalized values of a row with 16 fraction bits, as docs/numerics.md has them.
std::vector<Int128> normalized_row(const std::int32_t *row, std::size_t channels) {
  Int128 largest = 0;
  for (std::size_t c = 0; c < channels; ++c)
    largest = std::max(largest, absolute(row[c]));
  Int128 unit = 1;
  while (largest >= power_of_two(l2_bits) * unit)
    unit *= 2;
  Int128 square = 0;
  for (std::size_t c = 0; c < channels; ++c)
    square += floor_div(row[c], unit) * floor_div(row[c], unit);
  REQUIRE(square <= power_of_two(60));
  square = std::max<Int128>(square, 1);
  int left = 0;
  for (; square < power_of_two(60); left += 2)
    square *= 4;
  const Int128 factor = power_of_two(60) / floor_sqrt(square);
  std::vector<Int128> normalized;
  for (std::size_t c = 0; c < channels; ++c)
    normalized.push_back(round_div(floor_div(row[c], unit) * factor, power_of_two(44 - left / 2)));
  return normalized;
}

void check(const std::vector<std::int32_t> &input, std::size_t channels, Random &random) {
  const std::size_t rows = input.size() / channels;
  const auto bound = static_cast<std::int64_t>(intvit::unit_bound);
  for (const ElementType type : {ElementType::int8, ElementType::int16, ElementType::int32}) {
    const Constants constants = random_constants(random, channels, bound, spread_beyond(type));
    const std::vector<std::byte> untouched(input.size() * element_size(type), std::byte{99});
    std::vector<std::int64_t> expected = read_codes(untouched, type);
    for (std::size_t row = 1; row < rows; ++row) {
      const std::vector<Int128> values = normalized_row(input.data() + row * channels, channels);
      for (std::size_t c = 0; c < channels; ++c) {
        if (absolute(values[c]) > bound)
          FAIL("channel " << c << " of " << channels << " is above the bound that the loader assumes");
        expected[row * channels + c] = stored(constants.exact(values[c], c), type);
      }
    }
    for (const KernelTable &kernels : available_kernels()) {
      std::vector<std::byte> output = untouched;
      kernels.l2_normalize({.input = input.data(),
                            .channels = static_cast<int>(channels),
                            .requantization = constants.view(),
                            .output = output.data(),
                            .output_type = type},
                           {1, static_cast<int>(rows)});
      if (read_codes(output, type) != expected)
        FAIL(kernels.name << ": " << channels << " channels, output type " << static_cast<int>(type));
    }
  }
}

} // namespace

TEST_CASE("l2_normalize: exactly as defined, and only the rows it is asked for") {
  Random random(1);
  for (const std::size_t channels : {1U, 2U, 3U, 16U, 512U, 768U, 1152U, 1U << 14}) {
    std::vector<std::int32_t> input;
    for (int row = 0; row < 5; ++row) {
      const std::int64_t limit = row == 1 ? 1 << 12 : row == 2 ? (1 << 23) + 3 : INT32_MAX;
      for (std::size_t c = 0; c < channels; ++c)
        input.push_back(static_cast<std::int32_t>(row == 4 ? random.any_magnitude(limit)
                                                           : random.between<std::int64_t>(-limit - 1, limit)));
    }
    check(input, channels, random);
  }
}

TEST_CASE("l2_normalize: rows of equal numbers, of one number alone and of zeros") {
  Random random(2);
  for (const std::size_t channels : {1U, 7U, 1U << 14})
    for (const std::int32_t value : {0, 1, -1, (1 << 23) - 1, 1 << 23, -(1 << 23), INT32_MAX, INT32_MIN}) {
      std::vector<std::int32_t> input(3 * channels, value);
      std::fill(input.begin() + static_cast<std::ptrdiff_t>(2 * channels), input.end() - 1, 0);
      check(input, channels, random);
    }
}

TEST_CASE("l2_normalize: rows become as long as 1") {
  Random random(3);
  for (const int bits : {6, 12, 24, 31})
    for (const std::size_t channels : {3U, 64U, 512U, 1024U}) {
      const auto input = random.values<std::int32_t>(channels, -((1 << (bits - 1)) - 1), (1 << (bits - 1)) - 1);
      // 16 fraction bits, as they come.
      const Constants constants = constants_for(std::vector<double>(channels, 0.25), std::vector<double>(channels, 0));
      std::vector<std::int32_t> output(channels);
      reference_kernels().l2_normalize({.input = input.data(),
                                        .channels = static_cast<int>(channels),
                                        .requantization = constants.view(),
                                        .output = output.data(),
                                        .output_type = ElementType::int32},
                                       {0, 1});
      long double squares = 0;
      for (const std::int32_t x : input)
        squares += static_cast<long double>(x) * x;
      const long double length = std::sqrt(squares);
      for (std::size_t c = 0; c < channels; ++c) {
        const long double exact = static_cast<long double>(input[c]) / length;
        CHECK(std::abs(output[c] / 16384.0L - exact) < 0.63L / 16384); // of which 0.5 is the last rounding
      }
    }
}

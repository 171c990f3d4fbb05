// The two passes of a resize against sums in 64 bits.
#include "kernels/reference/resample.hpp"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"

using namespace intvit;
using intvit::test::Lcg;

namespace {

std::uint8_t expected_byte(std::int64_t sum) {
  // floor(sum / 2^22 + 1/2)
  const std::int64_t numerator = sum + (1 << 21);
  const std::int64_t quotient = numerator / (1 << 22) - (numerator % (1 << 22) < 0 ? 1 : 0);
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(quotient, 0, 255));
}

// Weights whose positive and negative parts sum to at most the kernels' bound.
std::vector<std::int32_t> random_weights(Lcg &lcg, std::size_t count) {
  const auto limit = static_cast<int>(kernels::max_resample_weight_sum / static_cast<std::int32_t>(count));
  std::vector<std::int32_t> weights(count);
  for (std::int32_t &weight : weights)
    weight = lcg.between(-limit, limit);
  return weights;
}

} // namespace

TEST_CASE("resample_row: weighted sums, rounded and clamped") {
  Lcg lcg(1);
  for (int round = 0; round < 200; ++round) {
    const int input_pixels = lcg.between(1, 40);
    const auto output_pixels = static_cast<std::size_t>(lcg.between(1, 40));
    const auto stride = static_cast<std::size_t>(lcg.between(input_pixels, 45));
    std::vector<std::uint8_t> source(static_cast<std::size_t>(input_pixels) * 3);
    std::generate(source.begin(), source.end(), [&] { return lcg.byte(); });
    std::vector<kernels::ResampleWindow> windows(output_pixels);
    std::vector<std::int32_t> weights;
    std::vector<std::uint8_t> expected;
    for (kernels::ResampleWindow &window : windows) {
      window.first = lcg.between(0, input_pixels - 1);
      window.count = lcg.between(1, input_pixels - window.first);
      const std::vector<std::int32_t> row = random_weights(lcg, stride);
      for (std::size_t channel = 0; channel < 3; ++channel) {
        std::int64_t sum = 0;
        for (int i = 0; i < window.count; ++i)
          sum += std::int64_t{row[static_cast<std::size_t>(i)]} *
                 source[static_cast<std::size_t>(window.first + i) * 3 + channel];
        expected.push_back(expected_byte(sum));
      }
      weights.insert(weights.end(), row.begin(), row.end());
    }
    std::vector<std::uint8_t> output(expected.size());
    kernels::reference::resample_row(source.data(), windows.data(), weights.data(), stride, output_pixels,
                                     output.data());
    REQUIRE(output == expected);
  }
}

TEST_CASE("resample_column: weighted sums, rounded and clamped") {
  Lcg lcg(2);
  for (int round = 0; round < 200; ++round) {
    const auto rows = static_cast<std::size_t>(lcg.between(1, 12));
    const auto bytes = static_cast<std::size_t>(lcg.between(1, 200));
    const std::size_t stride = bytes + static_cast<std::size_t>(lcg.between(0, 5));
    std::vector<std::uint8_t> source(stride * rows);
    std::generate(source.begin(), source.end(), [&] { return lcg.byte(); });
    const std::vector<std::int32_t> weights = random_weights(lcg, rows);
    std::vector<std::uint8_t> expected;
    for (std::size_t x = 0; x < bytes; ++x) {
      std::int64_t sum = 0;
      for (std::size_t y = 0; y < rows; ++y)
        sum += std::int64_t{weights[y]} * source[y * stride + x];
      expected.push_back(expected_byte(sum));
    }
    std::vector<std::uint8_t> output(bytes);
    kernels::reference::resample_column(source.data(), stride, weights.data(), rows, bytes, output.data());
    REQUIRE(output == expected);
  }
}

TEST_CASE("resample: sums at the bound neither overflow nor wrap") {
  const std::vector<std::uint8_t> white(6, 255);
  const kernels::ResampleWindow both = {0, 2};
  const std::int32_t bound = kernels::max_resample_weight_sum;
  for (const auto &[weights, expected] : {std::pair(std::vector<std::int32_t>{bound, 0}, 255),
                                          {{bound, -bound}, 0},
                                          {{-bound, 0}, 0},
                                          {{-bound, bound}, 0}}) {
    std::vector<std::uint8_t> output(3);
    kernels::reference::resample_row(white.data(), &both, weights.data(), 2, 1, output.data());
    CHECK(output == std::vector<std::uint8_t>(3, static_cast<std::uint8_t>(expected)));
    kernels::reference::resample_column(white.data(), 3, weights.data(), 2, 3, output.data());
    CHECK(output == std::vector<std::uint8_t>(3, static_cast<std::uint8_t>(expected)));
  }
}

TEST_CASE("resample: halves round up") {
  const std::int32_t half = 1 << 21;
  const std::vector<std::uint8_t> source = {1, 3, 255};
  std::vector<std::uint8_t> output(3);
  kernels::reference::resample_column(source.data(), 3, &half, 1, 3, output.data());
  CHECK(output == std::vector<std::uint8_t>{1, 2, 128});
}

// The two passes of a resize against sums in 64 bits.
#include "kernels/resample.hpp"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

std::uint8_t expected_byte(std::int64_t sum) {
  // floor(sum / 2^22 + 1/2)
  const std::int64_t numerator = sum + (1 << 21);
  const std::int64_t quotient = numerator / (1 << 22) - (numerator % (1 << 22) < 0 ? 1 : 0);
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(quotient, 0, 255));
}

// Outputs along an axis, made of its inputs in windows anywhere.
struct Axis {
  std::vector<ResampleWindow> windows;
  std::vector<std::int32_t> weights; // positive and negative parts sum to at most the kernels' bound
  int weight_stride = 1;

  Axis(Random &random, int inputs, int outputs) : weight_stride(random.between(inputs, inputs + 5)) {
    for (int i = 0; i < outputs; ++i) {
      const int first = random.between(0, inputs - 1);
      windows.push_back({first, random.between(1, inputs - first)});
      const std::int32_t limit = max_resample_weight_sum / weight_stride;
      const auto row = random.values<std::int32_t>(static_cast<std::size_t>(weight_stride), -limit, limit);
      weights.insert(weights.end(), row.begin(), row.end());
    }
  }

  // Output `i` of the inputs that begin at `from` and lie `step` bytes apart.
  std::uint8_t expected(int i, const std::uint8_t *from, std::ptrdiff_t step) const {
    const ResampleWindow window = windows[static_cast<std::size_t>(i)];
    std::int64_t sum = 0;
    for (int j = 0; j < window.count; ++j)
      sum += std::int64_t{weights[static_cast<std::size_t>(i * weight_stride + j)]} * from[(window.first + j) * step];
    return expected_byte(sum);
  }
};

constexpr std::uint8_t untouched = 77;

// Both passes of every instruction set over one window of two white pixels.
void check_white(std::vector<std::int32_t> weights, int expected) {
  const std::vector<std::uint8_t> white(6, 255);
  const ResampleWindow both{0, 2};
  for (const KernelTable &kernels : available_kernels()) {
    INFO(kernels.name << ", weights " << weights[0] << " and " << weights[1]);
    ResampleArgs args{.input = white.data(),
                      .input_stride = 6,
                      .input_width = 2,
                      .windows = &both,
                      .weights = weights.data(),
                      .weight_stride = 2,
                      .output_stride = 3,
                      .output_width = 1};
    std::vector<std::uint8_t> output(3, untouched);
    args.output = output.data();
    kernels.resample.horizontal(args, {0, 1});
    CHECK(output == std::vector<std::uint8_t>(3, static_cast<std::uint8_t>(expected)));

    std::fill(output.begin(), output.end(), untouched);
    args.input_stride = 3;
    args.input_width = 1;
    kernels.resample.vertical(args, {0, 1});
    CHECK(output == std::vector<std::uint8_t>(3, static_cast<std::uint8_t>(expected)));
  }
}

} // namespace

TEST_CASE("resample: the horizontal pass gives weighted sums, rounded and clamped, of the rows asked for") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const int input_width = random.between(1, 40);
    const int output_width = random.between(1, 40);
    const int rows = random.between(1, 10);
    const int input_stride = input_width * 3 + random.between(0, 4);
    const int output_stride = output_width * 3 + random.between(0, 4);
    const Axis axis(random, input_width, output_width);
    const auto input = random.values<std::uint8_t>(static_cast<std::size_t>(rows * input_stride), 0, 255);
    const int begin = random.between(0, rows - 1);
    const Range range{begin, random.between(begin, rows)};

    std::vector<std::uint8_t> expected(static_cast<std::size_t>(rows * output_stride), untouched);
    for (int y = range.begin; y < range.end; ++y)
      for (int x = 0; x < output_width; ++x)
        for (int channel = 0; channel < 3; ++channel)
          expected[static_cast<std::size_t>(y * output_stride + x * 3 + channel)] =
              axis.expected(x, input.data() + y * input_stride + channel, 3);
    for (const KernelTable &kernels : available_kernels()) {
      std::vector<std::uint8_t> output(expected.size(), untouched);
      kernels.resample.horizontal({.input = input.data(),
                                   .input_stride = input_stride,
                                   .input_width = input_width,
                                   .windows = axis.windows.data(),
                                   .weights = axis.weights.data(),
                                   .weight_stride = axis.weight_stride,
                                   .output = output.data(),
                                   .output_stride = output_stride,
                                   .output_width = output_width},
                                  range);
      if (output != expected)
        FAIL(kernels.name << ": " << input_width << " to " << output_width << " pixels, rows " << range.begin << ".."
                          << range.end);
    }
  }
}

TEST_CASE("resample: the vertical pass gives weighted sums, rounded and clamped, of the rows asked for") {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    const int input_rows = random.between(1, 20);
    const int output_rows = random.between(1, 10);
    const int width = random.between(1, 90);
    const int input_stride = width * 3 + random.between(0, 4);
    const int output_stride = width * 3 + random.between(0, 4);
    const Axis axis(random, input_rows, output_rows);
    const auto input = random.values<std::uint8_t>(static_cast<std::size_t>(input_rows * input_stride), 0, 255);
    const int begin = random.between(0, output_rows - 1);
    const Range range{begin, random.between(begin, output_rows)};

    std::vector<std::uint8_t> expected(static_cast<std::size_t>(output_rows * output_stride), untouched);
    for (int y = range.begin; y < range.end; ++y)
      for (int i = 0; i < width * 3; ++i)
        expected[static_cast<std::size_t>(y * output_stride + i)] = axis.expected(y, input.data() + i, input_stride);
    for (const KernelTable &kernels : available_kernels()) {
      std::vector<std::uint8_t> output(expected.size(), untouched);
      kernels.resample.vertical({.input = input.data(),
                                 .input_stride = input_stride,
                                 .input_width = width,
                                 .windows = axis.windows.data(),
                                 .weights = axis.weights.data(),
                                 .weight_stride = axis.weight_stride,
                                 .output = output.data(),
                                 .output_stride = output_stride,
                                 .output_width = width},
                                range);
      if (output != expected)
        FAIL(kernels.name << ": " << input_rows << " to " << output_rows << " rows of " << width << " pixels, rows "
                          << range.begin << ".." << range.end);
    }
  }
}

TEST_CASE("resample: sums at the bound neither overflow nor wrap") {
  constexpr std::int32_t bound = max_resample_weight_sum;
  check_white({bound, 0}, 255);
  check_white({bound, -bound}, 0);
  check_white({-bound, 0}, 0);
  check_white({-bound, bound}, 0);
}

TEST_CASE("resample: halves round up") {
  const std::int32_t half = 1 << 21;
  const ResampleWindow one{0, 1};
  const std::vector<std::uint8_t> input = {1, 3, 255};
  for (const KernelTable &kernels : available_kernels())
    for (const auto pass : {kernels.resample.horizontal, kernels.resample.vertical}) {
      INFO(kernels.name);
      std::vector<std::uint8_t> output(3);
      pass({.input = input.data(),
            .input_stride = 3,
            .input_width = 1,
            .windows = &one,
            .weights = &half,
            .weight_stride = 1,
            .output = output.data(),
            .output_stride = 3,
            .output_width = 1},
           {0, 1});
      CHECK(output == std::vector<std::uint8_t>{1, 2, 128});
    }
}

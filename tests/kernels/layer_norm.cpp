// LayerNorm against a 128-bit transcription of docs/numerics.md, and against LayerNorm in long double.
#include "kernels/layer_norm.hpp"

#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include "engine/ops/bounds.hpp"
#include "kernels/dispatch.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/layer_norm_case.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

// The normalized values of a row with 16 fraction bits.
std::vector<Int128> normalized_row(const Stream &stream, std::size_t row, std::int64_t epsilon) {
  const auto channels = static_cast<Int128>(stream.channels);
  Int128 sum = 0;
  Int128 squares = 0;
  for (std::size_t c = 0; c < stream.channels; ++c) {
    sum += stream.value(row, c);
    squares += Int128{stream.value(row, c)} * stream.value(row, c);
  }
  if (!stream.centred)
    sum = 0;
  Int128 square = std::max<Int128>(channels * squares - sum * sum + epsilon, 1);
  REQUIRE(square < power_of_two(62));
  int left = 0;
  for (; square < power_of_two(60); left += 2)
    square *= 4;
  const Int128 factor = power_of_two(60) / floor_sqrt(square);
  std::vector<Int128> normalized;
  for (std::size_t c = 0; c < stream.channels; ++c)
    normalized.push_back(round_div((channels * stream.value(row, c) - sum) * factor, power_of_two(44 - left / 2)));
  return normalized;
}

constexpr std::size_t channel_counts[] = {1, 2, 3, 64, 192, 384, 768, 1024, max_layer_norm_channels};

} // namespace

TEST_CASE("layer_norm: exactly as defined, and only the rows it is asked for") {
  Random random(1);
  for (const ElementType type : {ElementType::int8, ElementType::int16})
    for (const std::size_t channels : channel_counts)
      for (const Pattern pattern : patterns)
        for (const std::int64_t epsilon :
             {std::int64_t{0}, std::int64_t{1}, random.between<std::int64_t>(0, 1 << 30), max_layer_norm_epsilon}) {
          Stream stream = make_stream(random, type, channels, pattern);
          stream.centred = random.between(0, 2) != 0;
          const auto bound = static_cast<std::int64_t>(intvit::normalized_bound(static_cast<int>(channels)));
          const std::vector<Int128> normalized[] = {normalized_row(stream, 1, epsilon),
                                                    normalized_row(stream, 2, epsilon)};
          for (const ElementType output_type : {ElementType::int8, ElementType::int16, ElementType::int32}) {
            const Constants constants = random_constants(random, channels, bound, spread_beyond(output_type));
            const std::vector<std::byte> untouched(stream.rows * channels * element_size(output_type), std::byte{99});
            std::vector<std::int64_t> expected = read_codes(untouched, output_type);
            for (std::size_t row = 1; row < 3; ++row)
              for (std::size_t c = 0; c < channels; ++c) {
                const Int128 value = normalized[row - 1][c];
                if (absolute(value) > bound)
                  FAIL("channel " << c << " of " << channels << " is above the bound that the loader assumes");
                expected[row * channels + c] = stored(constants.exact(value, c), output_type);
              }
            for (const KernelTable &kernels : available_kernels()) {
              std::vector<std::byte> output = untouched;
              kernels.layer_norm(stream.args(epsilon, constants, output.data(), output_type), {1, 3});
              if (read_codes(output, output_type) != expected)
                FAIL(kernels.name << ": channels " << channels << ", pattern " << static_cast<int>(pattern)
                                  << ", epsilon " << epsilon << ", output type " << static_cast<int>(output_type));
            }
          }
        }
}

TEST_CASE("layer_norm: one outlier comes close to the bound on normalized values") {
  Random random(2);
  for (const std::size_t channels : {192U, 768U, 1U << 14}) {
    const Stream stream = make_stream(random, ElementType::int16, channels, Pattern::outlier);
    Int128 largest = 0;
    for (const Int128 value : normalized_row(stream, 0, 0))
      largest = std::max(largest, absolute(value));
    const double reached = std::ldexp(static_cast<double>(largest), -16);
    CHECK(reached == Approx(std::sqrt(static_cast<double>(channels - 1))).epsilon(1e-6));
  }
}

TEST_CASE("layer_norm: all channels alike and no epsilon give the addend") {
  Random random(3);
  for (const std::size_t channels : channel_counts)
    for (const ElementType type : {ElementType::int8, ElementType::int16}) {
      const Stream stream = make_stream(random, type, channels, Pattern::equal);
      std::vector<double> addend(channels);
      for (double &value : addend)
        value = random.between(-100, 100) + 0.25;
      const Constants constants = constants_for(std::vector<double>(channels, 1e-4), addend);
      std::vector<std::int8_t> output(stream.rows * channels);
      reference_kernels().layer_norm(stream.args(0, constants, output.data()), {0, static_cast<int>(stream.rows)});
      for (std::size_t i = 0; i < output.size(); ++i)
        if (output[i] != std::floor(addend[i % channels]))
          FAIL("channel " << i % channels << " of " << channels);
    }
}

TEST_CASE("layer_norm: within half a code of the real LayerNorm") {
  Random random(4);
  std::size_t count = 0;
  std::size_t off_by_one = 0;
  long double sum = 0;
  long double worst = 0;
  for (const std::size_t channels : channel_counts)
    for (const ElementType type : {ElementType::int8, ElementType::int16})
      for (const Pattern pattern : {Pattern::random, Pattern::narrow, Pattern::outlier}) {
        const Stream stream = make_stream(random, type, channels, pattern);
        const long double scale = 0.003L;
        const long double epsilon = 1e-6L;
        std::vector<double> gain(channels); // output codes per unit of the normalized value
        std::vector<double> factor(channels);
        std::vector<double> addend(channels);
        for (std::size_t c = 0; c < channels; ++c) {
          gain[c] = random.between(-60'000, 60'000) / 1000.0;
          factor[c] = std::ldexp(gain[c], -16);
          addend[c] = random.between(-50'000, 50'000) / 1000.0;
        }
        const Constants constants = constants_for(factor, addend);
        const auto whole = static_cast<std::int64_t>(
            std::llround(static_cast<long double>(channels * channels) * epsilon / (scale * scale)));
        std::vector<std::int8_t> output(stream.rows * channels);
        reference_kernels().layer_norm(stream.args(whole, constants, output.data()),
                                       {0, static_cast<int>(stream.rows)});
        for (std::size_t row = 0; row < stream.rows; ++row) {
          long double mean = 0;
          long double variance = 0;
          for (std::size_t c = 0; c < channels; ++c)
            mean += scale * static_cast<long double>(stream.value(row, c)) / static_cast<long double>(channels);
          for (std::size_t c = 0; c < channels; ++c) {
            const long double x = scale * static_cast<long double>(stream.value(row, c)) - mean;
            variance += x * x / static_cast<long double>(channels);
          }
          for (std::size_t c = 0; c < channels; ++c) {
            const long double x = scale * static_cast<long double>(stream.value(row, c)) - mean;
            const long double real = std::clamp(static_cast<long double>(gain[c]) * x / std::sqrt(variance + epsilon) +
                                                    static_cast<long double>(addend[c]),
                                                -128.0L, 127.0L);
            const auto code = static_cast<long double>(output[row * channels + c]);
            ++count;
            if (code != std::floor(real + 0.5L))
              ++off_by_one;
            sum += std::abs(code - real);
            worst = std::max(worst, std::abs(code - real));
          }
        }
      }
  const auto share = static_cast<double>(off_by_one) / static_cast<double>(count);
  CAPTURE(count, off_by_one, worst, sum / static_cast<long double>(count));
  CHECK(worst < 0.501); // rounding alone is 0.5
  CHECK(share < 0.001);
}

// The weights of a resize against their definition, evaluated with the machine's own binary64.
#include "engine/image/resample_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"
#include "tests/support/sanitizers.hpp"

using namespace intvit;
using intvit::test::Lcg;

namespace {

constexpr std::array<ResizeFilter, 4> all_filters = {ResizeFilter::box, ResizeFilter::bilinear, ResizeFilter::bicubic,
                                                     ResizeFilter::lanczos};

double support(ResizeFilter filter) {
  return std::array<double, 4>{0.5, 1.0, 2.0, 3.0}[static_cast<std::size_t>(filter)];
}

double sinc(double x) {
  const double scaled = x * 3.14159265358979323846;
  return x == 0.0 ? 1.0 : std::sin(scaled) / scaled;
}

double value(ResizeFilter filter, double x) {
  const double distance = std::abs(x);
  switch (filter) {
  case ResizeFilter::box:
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
  case ResizeFilter::bilinear:
    return distance < 1.0 ? 1.0 - distance : 0.0;
  case ResizeFilter::bicubic:
    if (distance < 1.0)
      return (1.5 * distance - 2.5) * distance * distance + 1.0;
    return distance < 2.0 ? (((distance - 5.0) * distance + 8.0) * distance - 4.0) * -0.5 : 0.0;
  case ResizeFilter::lanczos:
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
  }
  return 0.0;
}

// Weights of one output over the whole input, unnormalized and as fixed point.
std::vector<std::int32_t> expected_weights(int input_size, int output_size, ResizeFilter filter, int output) {
  const double scale = static_cast<double>(input_size) / output_size;
  const double stretch = std::max(scale, 1.0);
  const double centre = (output + 0.5) * scale;
  const double reach = support(filter) * stretch;
  const int begin = std::max(0, static_cast<int>(centre - reach + 0.5));
  const int end = std::min(input_size, static_cast<int>(centre + reach + 0.5));
  std::vector<double> values(static_cast<std::size_t>(input_size));
  double sum = 0.0;
  for (int i = begin; i < end; ++i) {
    const double weight = value(filter, (i - centre + 0.5) * (1.0 / stretch));
    values[static_cast<std::size_t>(i)] = weight;
    sum += weight;
  }
  std::vector<std::int32_t> weights;
  for (const double weight : values)
    weights.push_back(static_cast<std::int32_t>(std::lround(weight / sum * 4194304.0)));
  return weights;
}

// The same from the table.
std::vector<std::int32_t> table_weights(const ResampleTable &table, int input_size, std::size_t row) {
  std::vector<std::int32_t> weights(static_cast<std::size_t>(input_size));
  const kernels::ResampleWindow window = table.windows[row];
  REQUIRE(window.first >= 0);
  REQUIRE(window.count >= 1);
  REQUIRE(window.first + window.count <= input_size);
  REQUIRE(static_cast<std::size_t>(window.count) <= table.stride);
  const std::int32_t *first = table.weights.data() + row * table.stride;
  std::copy(first, first + window.count, weights.begin() + window.first);
  for (auto i = static_cast<std::size_t>(window.count); i < table.stride; ++i)
    REQUIRE(first[i] == 0);
  return weights;
}

// Positive and negative weights of each row within the bound that keeps the kernels' int32 sums from overflowing.
// Returns the largest sum.
std::int64_t largest_sum(const ResampleTable &table) {
  std::int64_t largest = 0;
  for (std::size_t row = 0; row < table.windows.size(); ++row) {
    std::int64_t positive = 0;
    std::int64_t negative = 0;
    for (std::size_t i = 0; i < table.stride; ++i) {
      const std::int64_t weight = table.weights[row * table.stride + i];
      (weight > 0 ? positive : negative) += weight;
    }
    largest = std::max({largest, positive, -negative});
  }
  return largest;
}

} // namespace

TEST_CASE("resample table: weights follow their definition") {
  Lcg lcg(42);
  for (int round = 0; round < 300; round += test::one_in) {
    const int input_size = round < 150 ? lcg.between(1, 30) : lcg.between(1, 700);
    const int output_size = round < 150 ? lcg.between(1, 30) : lcg.between(1, 700);
    for (const ResizeFilter filter : all_filters) {
      const ResampleTable table = resample_table(input_size, output_size, filter, 0, output_size);
      REQUIRE(table.windows.size() == static_cast<std::size_t>(output_size));
      for (int i = 0; i < output_size; ++i) {
        INFO(name(filter) << " " << input_size << " -> " << output_size << ", output " << i);
        REQUIRE(table_weights(table, input_size, static_cast<std::size_t>(i)) ==
                expected_weights(input_size, output_size, filter, i));
      }
    }
  }
}

TEST_CASE("resample table: weights of the largest sides") {
  for (const auto &[input_size, output_size] : {std::pair(65'535, 1), {65'535, 3}, {1, 65'535}, {65'534, 65'535}})
    for (const ResizeFilter filter : all_filters)
      for (const int i : {0, output_size / 2, output_size - 1}) {
        INFO(name(filter) << " " << input_size << " -> " << output_size << ", output " << i);
        const ResampleTable table = resample_table(input_size, output_size, filter, i, 1);
        CHECK(table_weights(table, input_size, 0) == expected_weights(input_size, output_size, filter, i));
      }
}

TEST_CASE("resample table: a part of the outputs has the weights of the whole") {
  for (const ResizeFilter filter : all_filters) {
    const ResampleTable whole = resample_table(500, 331, filter, 0, 331);
    const ResampleTable part = resample_table(500, 331, filter, 53, 224);
    REQUIRE(part.windows.size() == 224);
    for (std::size_t i = 0; i < 224; ++i)
      REQUIRE(table_weights(part, 500, i) == table_weights(whole, 500, i + 53));
  }
}

TEST_CASE("resample table: no sum of weights can overflow the kernels' accumulators") {
  std::int64_t largest = 0;
  for (const ResizeFilter filter : all_filters) {
    for (int input_size = 1; input_size <= 40; ++input_size)
      for (int output_size = 1; output_size <= 60; ++output_size)
        largest = std::max(largest, largest_sum(resample_table(input_size, output_size, filter, 0, output_size)));
    // A pixel beyond the border of two or three, in every position, and sides between the enlarged and the halved.
    for (const int input_size : {2, 3, 4, 101, 160, 199})
      largest = std::max(largest, largest_sum(resample_table(input_size, 1 + 97 * 16, filter, 0, 1 + 97 * 16)));
    for (int input_size = 100; input_size <= 210; ++input_size)
      largest = std::max(largest, largest_sum(resample_table(input_size, 100, filter, 0, 100)));
    for (const int input_size : {1000, 65'535})
      largest = std::max(largest, largest_sum(resample_table(input_size, 7, filter, 0, 7)));
  }
  INFO("largest sum " << largest);
  CHECK(largest <= kernels::max_resample_weight_sum);
  // Rows sum to 1, so the largest positive sum is at least that.
  CHECK(largest >= std::int64_t{1} << kernels::resample_weight_bits);
}

TEST_CASE("resample table: filters have names") {
  for (const ResizeFilter filter : all_filters)
    CHECK(resize_filter(name(filter)) == filter);
  CHECK(name(ResizeFilter::lanczos) == "lanczos");
  CHECK_FALSE(resize_filter("nearest").has_value());
  CHECK_FALSE(resize_filter("").has_value());
}

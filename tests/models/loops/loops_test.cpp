// Every form of every loop gives the bits of a plain one, whose steps are rounded one by one (volatile).
#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "models/loops/loops.hpp"

namespace intvit {
namespace {

using Doubles = std::vector<double>;

std::vector<float> random_floats(std::ptrdiff_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float &value : values)
    value = static_cast<float>(generator()) / 2147483648.0F - 1.0F;
  return values;
}

Doubles random_doubles(std::ptrdiff_t count, unsigned seed, double scale = 1.0) {
  Doubles values;
  for (const float value : random_floats(count, seed))
    values.push_back(static_cast<double>(value) * scale / 3.0);
  return values;
}

Doubles positive(Doubles values) {
  for (double &value : values)
    value = 0.01 + std::abs(value);
  return values;
}

double at(const Doubles &values, std::ptrdiff_t index) {
  return values[static_cast<std::size_t>(index)];
}

// a b rounded, added to c and rounded again.
double added(double a, double b, double c) {
  const volatile double product = a * b;
  return c + product;
}

} // namespace

TEST_CASE("loops: those of the fastest processors are tested where they run") {
  for (const LoopTable *loops : loop_tables())
    std::cout << "loops tested: " << loops->name << "\n";
  CHECK(&fastest_loops() == loop_tables().back());
}

TEST_CASE("loops: a tile of doubles adds its products in order to what is there, and touches nothing else") {
  for (const LoopTable *loops : loop_tables())
    for (int rows = 1; rows <= tile_rows; ++rows)
      for (const std::ptrdiff_t depth : {0, 1, 7, 64}) {
        CAPTURE(loops->name, rows, depth);
        const std::ptrdiff_t width = loops->double_columns;
        const std::ptrdiff_t a_stride = depth + 3;
        const std::ptrdiff_t out_stride = width + 5;
        const Doubles a = random_doubles(rows * a_stride, 1);
        const Doubles panel = random_doubles(depth * width, 2);
        Doubles out = random_doubles(tile_rows * out_stride, 3);
        Doubles expected = out;
        for (std::ptrdiff_t r = 0; r < rows; ++r)
          for (std::ptrdiff_t n = 0; n < width; ++n)
            for (std::ptrdiff_t k = 0; k < depth; ++k) {
              double &sum = expected[static_cast<std::size_t>(r * out_stride + n)];
              sum = added(at(a, r * a_stride + k), at(panel, k * width + n), sum);
            }
        loops->add_double_tile(a.data(), a_stride, panel.data(), depth, rows, out.data(), out_stride);
        CHECK(out == expected);
      }
}

TEST_CASE("loops: statistics of codes") {
  for (const LoopTable *loops : loop_tables())
    for (const std::ptrdiff_t rows : {0, 1, 50}) {
      CAPTURE(loops->name, rows);
      const Doubles values = random_doubles(rows * code_channels, 4, 100.0);
      const Doubles weights = positive(random_doubles(rows, 3));
      Doubles scale = positive(random_doubles(code_channels, 5)); // some clip
      scale[3] = 1.0;
      Doubles zero = random_doubles(code_channels, 6, 50.0);
      zero[3] = 0.5; // ties, with whole values
      std::vector<Doubles> sums(4, random_doubles(code_channels, 7));
      std::vector<Doubles> expected = sums;
      for (std::ptrdiff_t row = 0; row < rows; ++row)
        for (std::size_t c = 0; c < code_channels; ++c) {
          const double value = values[static_cast<std::size_t>(row) * code_channels + c];
          const double code = std::nearbyint(std::clamp(value / scale[c] + zero[c], -128.0, 127.0)) - zero[c];
          const double error = added(-scale[c], code, value);
          const volatile double squared_error = error * error;
          const volatile double squared_code = code * code;
          const double weight = weights[static_cast<std::size_t>(row)];
          expected[0][c] = added(error, weight, expected[0][c]);
          expected[1][c] = added(squared_error, weight, expected[1][c]);
          expected[2][c] = added(code, weight, expected[2][c]);
          expected[3][c] = added(squared_code, weight, expected[3][c]);
        }
      loops->add_code_sums(values.data(), weights.data(), rows, scale.data(), zero.data(),
                           {sums[0].data(), sums[1].data(), sums[2].data(), sums[3].data()});
      CHECK(sums == expected);
    }
}

TEST_CASE("loops: errors of weights that are rounded to nearest") {
  for (const LoopTable *loops : loop_tables())
    for (const auto &[step, steps] : {std::pair(1.0, 127.0), {1.0, 63.0}, {16.0, 7.0}})
      for (const std::ptrdiff_t depth : {1, 33}) {
        CAPTURE(loops->name, steps, depth);
        const std::ptrdiff_t width = loops->double_columns;
        const std::vector<float> panel = random_floats(depth * width, 8);
        const Doubles input_scale = positive(random_doubles(depth, 9));
        const Doubles variance = positive(random_doubles(depth, 10, 30.0));
        Doubles scale = positive(random_doubles(width, 11, 0.001)); // some weights are clipped
        Doubles largest(static_cast<std::size_t>(width));
        Doubles errors(largest.size());
        loops->largest_magnitudes(panel.data(), depth, input_scale.data(), largest.data());
        loops->nearest_errors(panel.data(), depth, input_scale.data(), variance.data(), scale.data(), step, steps,
                              errors.data());
        for (std::ptrdiff_t n = 0; n < width; ++n) {
          double most = 0;
          double error = 0;
          for (std::ptrdiff_t k = 0; k < depth; ++k) {
            const double weight =
                static_cast<double>(panel[static_cast<std::size_t>(k * width + n)]) * at(input_scale, k);
            most = std::max(most, std::abs(weight));
            const double code = step * std::clamp(std::nearbyint(weight / at(scale, n) / step), -steps, steps);
            const double left = added(-at(scale, n), code, weight);
            const volatile double square = left * left;
            error = added(square, at(variance, k), error);
          }
          CHECK(at(largest, n) == most);
          CHECK(at(errors, n) == error);
        }
      }
}

} // namespace intvit

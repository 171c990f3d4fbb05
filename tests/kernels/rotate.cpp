// Rotation against 128-bit arithmetic, and against real angles.
#include "kernels/rotate.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

struct Case {
  int rows;
  int first;
  int heads;
  int head_dim;
  bool shared; // all heads have the same angles
  std::vector<std::int8_t> input;
  std::vector<std::int16_t> cosine;
  std::vector<std::int16_t> sine;

  std::size_t columns() const { return static_cast<std::size_t>(3 * heads * head_dim); }
  int pairs() const { return head_dim / 2; }
  int table_columns() const { return shared ? pairs() : heads * pairs(); }

  std::vector<std::int8_t> run(const KernelTable &table, Range range) const {
    std::vector<std::int8_t> output(input.size(), 99);
    table.rotate({.input = input.data(),
                  .heads = heads,
                  .head_dim = head_dim,
                  .first = first,
                  .cosine = cosine.data(),
                  .sine = sine.data(),
                  .row_stride = table_columns(),
                  .head_stride = shared ? 0 : pairs(),
                  .output = output.data()},
                 range);
    return output;
  }
};

Case random_case(Random &random, int rows, int first, int heads, int head_dim, bool shared) {
  Case c{rows, first, heads, head_dim, shared, {}, {}, {}};
  c.input = random.values<std::int8_t>(static_cast<std::size_t>(rows) * c.columns(), -128, 127);
  const auto size = static_cast<std::size_t>(rows - first) * static_cast<std::size_t>(c.table_columns());
  c.cosine = random.values<std::int16_t>(size, -16384, 16384);
  c.sine = random.values<std::int16_t>(size, -16384, 16384);
  return c;
}

std::int8_t rounded(Int128 sum) {
  return static_cast<std::int8_t>(std::clamp<Int128>(floor_div(sum + power_of_two(13), power_of_two(14)), -128, 127));
}

// As docs/numerics.md has it.
std::vector<std::int8_t> expected(const Case &c, Range range) {
  std::vector<std::int8_t> output(c.input.size(), 99);
  for (int row = range.begin; row < range.end; ++row)
    for (std::size_t column = 0; column < c.columns(); ++column) {
      const std::size_t at = static_cast<std::size_t>(row) * c.columns() + column;
      const int head = static_cast<int>(column) / c.head_dim;
      const int channel = static_cast<int>(column) % c.head_dim;
      output[at] = c.input[at];
      if (row < c.first || head >= 2 * c.heads)
        continue;
      const auto table = static_cast<std::size_t>((row - c.first) * c.table_columns() +
                                                  (c.shared ? 0 : head % c.heads * c.pairs()) + channel % c.pairs());
      const Int128 cosine = c.cosine[table];
      const Int128 sine = c.sine[table];
      if (channel < c.pairs())
        output[at] = rounded(c.input[at] * cosine - c.input[at + static_cast<std::size_t>(c.pairs())] * sine);
      else
        output[at] = rounded(c.input[at] * cosine + c.input[at - static_cast<std::size_t>(c.pairs())] * sine);
    }
  return output;
}

} // namespace

TEST_CASE("rotate: exactly as defined, and only the rows it is asked for") {
  Random random(1);
  for (const int head_dim : {2, 4, 6, 30, 32, 34, 64, 80, 128})
    for (const int heads : {1, 3})
      for (const bool shared : {true, false})
        for (const int first : {0, 1, 5}) {
          Case c = random_case(random, 8, first, heads, head_dim, shared);
          if (head_dim == 6) { // the largest sums
            std::fill(c.input.begin(), c.input.end(), std::int8_t{-128});
            std::fill(c.cosine.begin(), c.cosine.end(), std::int16_t{16384});
            std::fill(c.sine.begin(), c.sine.end(), shared ? std::int16_t{16384} : std::int16_t{-16384});
          }
          for (const KernelTable &kernels : available_kernels()) {
            CAPTURE(kernels.name, head_dim, heads, shared, first);
            CHECK(c.run(kernels, {0, 8}) == expected(c, {0, 8}));
            CHECK(c.run(kernels, {2, 7}) == expected(c, {2, 7}));
          }
        }
}

TEST_CASE("rotate: points are turned by the angle") {
  Random random(2);
  Case c = random_case(random, 40, 0, 1, 32, true);
  for (std::int8_t &code : c.input) // a point stays inside
    code = static_cast<std::int8_t>(code * 89 / 128);
  std::vector<double> angles;
  for (std::size_t i = 0; i < c.cosine.size(); ++i) {
    angles.push_back(0.37 * static_cast<double>(i));
    c.cosine[i] = static_cast<std::int16_t>(std::lround(16384 * std::cos(angles.back())));
    c.sine[i] = static_cast<std::int16_t>(std::lround(16384 * std::sin(angles.back())));
  }
  const std::vector<std::int8_t> output = c.run(reference_kernels(), {0, 40});
  for (std::size_t row = 0; row < 40; ++row)
    for (std::size_t pair = 0; pair < 16; ++pair) {
      const std::size_t at = row * 96 + pair;
      const double angle = angles[row * 16 + pair];
      CHECK(std::abs(output[at] - (c.input[at] * std::cos(angle) - c.input[at + 16] * std::sin(angle))) < 0.52);
      CHECK(std::abs(output[at + 16] - (c.input[at + 16] * std::cos(angle) + c.input[at] * std::sin(angle))) < 0.52);
    }
}

// Requantization, clamping and residual addition against 128-bit arithmetic, up to the edges of their preconditions.
#include "kernels/requantize.hpp"

#include <array>
#include <limits>

#include <catch2/catch.hpp>

#include "kernels/residual.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

constexpr std::int64_t int32_low = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t int32_high = std::numeric_limits<std::int32_t>::max();

struct Operands {
  std::int32_t accumulator;
  std::int32_t multiplier;
};

std::array<Operands, 9> extreme_operands() {
  constexpr auto low = static_cast<std::int32_t>(int32_low);
  constexpr auto high = static_cast<std::int32_t>(int32_high);
  return {{{high, high}, {high, low}, {low, high}, {low, low}, {-high, -high}, {0, low}, {low, 0}, {1, -1}, {-1, -1}}};
}

void check_requantize(std::int32_t accumulator, std::int32_t multiplier, std::int64_t offset, int shift) {
  const Int128 sum = Int128{accumulator} * multiplier + offset;
  const auto expected = static_cast<std::int64_t>(floor_div(sum, power_of_two(shift)));
  const std::int64_t actual = requantize(accumulator, multiplier, offset, shift);
  if (actual != expected)
    FAIL("requantize(" << accumulator << ", " << multiplier << ", " << offset << ", " << shift << ") = " << actual
                       << ", expected " << expected);
}

// The largest |offset| beside products of these magnitudes: everything adds up to 2^63 - 1.
std::int64_t largest_offset(Int128 products) {
  return static_cast<std::int64_t>(power_of_two(63) - 1 - products);
}

} // namespace

TEST_CASE("requantize: random operands of every magnitude") {
  Random random(1);
  for (int round = 0; round < 2'000'000; ++round) {
    const auto accumulator = static_cast<std::int32_t>(random.any_magnitude(int32_high));
    const auto multiplier = static_cast<std::int32_t>(random.any_magnitude(int32_high));
    const std::int64_t limit = largest_offset(absolute(Int128{accumulator} * multiplier));
    check_requantize(accumulator, multiplier, random.any_magnitude(limit), random.between(min_shift, max_shift));
  }
}

TEST_CASE("requantize: the sum at the very edge of 64 bits") {
  for (const auto [accumulator, multiplier] : extreme_operands()) {
    const std::int64_t limit = largest_offset(absolute(Int128{accumulator} * multiplier));
    for (int shift = min_shift; shift <= max_shift; ++shift)
      for (const std::int64_t less : {0, 1, 2}) {
        check_requantize(accumulator, multiplier, limit - less, shift);
        check_requantize(accumulator, multiplier, less - limit, shift);
      }
  }
  // The largest results of the smallest shift just fit.
  CHECK(requantize(0, 0, std::numeric_limits<std::int64_t>::max(), min_shift) == int32_high);
  CHECK(requantize(0, 0, -std::numeric_limits<std::int64_t>::max(), min_shift) == int32_low);
}

TEST_CASE("requantize: with 2^(shift-1) in the offset it rounds to nearest, ties upward") {
  for (int shift = min_shift; shift <= max_shift; ++shift)
    for (std::int64_t halves = -6; halves <= 6; ++halves) {
      // accumulator * multiplier = halves / 2 * 2^shift: every other one is a tie.
      const Int128 half = power_of_two(shift - 1);
      const std::int64_t accumulator = halves * (std::int64_t{1} << (shift - 31));
      if (absolute(accumulator) > int32_high || absolute(halves * half) + half + 1 >= power_of_two(63))
        continue;
      for (const int beside : {-1, 0, 1}) {
        const auto offset = static_cast<std::int64_t>(half + beside);
        CHECK(requantize(static_cast<std::int32_t>(accumulator), 1 << 30, offset, shift) ==
              round_div(halves * half + beside, 2 * half));
      }
    }
  CHECK(requantize(1 << 30, 2, std::int64_t{1} << 31, 32) == 1);   // 1/2 -> 1
  CHECK(requantize(1 << 30, -2, std::int64_t{1} << 31, 32) == 0);  // -1/2 -> 0
  CHECK(requantize(1 << 30, -6, std::int64_t{1} << 31, 32) == -1); // -3/2 -> -1
}

TEST_CASE("clamps keep what fits and saturate the rest") {
  for (std::int32_t value = -40000; value <= 40000; ++value) {
    if (clamp_to_int8(value) != clamped(value, -128, 127) || clamp_to_int16(value) != clamped(value, -32767, 32767))
      FAIL("clamp of " << value);
  }
  constexpr auto low = static_cast<std::int32_t>(int32_low);
  constexpr auto high = static_cast<std::int32_t>(int32_high);
  CHECK(int{clamp_to_int8(low)} == -128);
  CHECK(int{clamp_to_int8(high)} == 127);
  CHECK(int{clamp_to_int16(low)} == -32767);
  CHECK(int{clamp_to_int16(high)} == 32767);
  CHECK(clamp(5, 5, 5) == 5);
}

namespace {

void check_add(Operands branch, std::int32_t code, int residual_shift, std::int32_t residual_multiplier,
               std::int64_t offset, int shift) {
  const Int128 sum = Int128{branch.accumulator} * branch.multiplier +
                     Int128{code} * power_of_two(residual_shift) * residual_multiplier + offset;
  const auto expected = static_cast<std::int64_t>(floor_div(sum, power_of_two(shift)));
  const std::int64_t actual =
      add_requantize(branch.accumulator, branch.multiplier, code, residual_shift, residual_multiplier, offset, shift);
  if (actual != expected)
    FAIL("add_requantize(" << branch.accumulator << ", " << branch.multiplier << ", " << code << ", " << residual_shift
                           << ", " << residual_multiplier << ", " << offset << ", " << shift << ") = " << actual
                           << ", expected " << expected);
}

Int128 products(Operands branch, std::int32_t code, int residual_shift, std::int32_t residual_multiplier) {
  return absolute(Int128{branch.accumulator} * branch.multiplier) +
         absolute(Int128{code} * power_of_two(residual_shift) * residual_multiplier);
}

// The lowest and the highest code of a stream.
std::array<std::int32_t, 2> code_range(ElementType type) {
  return type == ElementType::int8 ? std::array<std::int32_t, 2>{-128, 127}
                                   : std::array<std::int32_t, 2>{-32768, 32767};
}

} // namespace

TEST_CASE("add_requantize: random operands of every magnitude") {
  Random random(2);
  for (const ElementType type : {ElementType::int8, ElementType::int16})
    for (int round = 0; round < 1'000'000; ++round) {
      const Operands branch{static_cast<std::int32_t>(random.any_magnitude(int32_high)),
                            static_cast<std::int32_t>(random.any_magnitude(int32_high))};
      const auto [low, high] = code_range(type);
      const std::int32_t code = random.between(low, high);
      const int residual_shift = random.between(0, max_residual_shift(type));
      const auto residual_multiplier = static_cast<std::int32_t>(random.any_magnitude(int32_high));
      const std::int64_t limit = largest_offset(products(branch, code, residual_shift, residual_multiplier));
      check_add(branch, code, residual_shift, residual_multiplier, random.any_magnitude(limit),
                random.between(min_shift, max_shift));
    }
}

TEST_CASE("add_requantize: the sum at the very edge of 64 bits") {
  for (const ElementType type : {ElementType::int8, ElementType::int16})
    for (const Operands branch : extreme_operands())
      for (const std::int32_t code : code_range(type))
        for (const auto residual_multiplier : {int32_low, -int32_high, int32_high})
          for (const int shift : {min_shift, 44, max_shift}) {
            const int residual_shift = max_residual_shift(type);
            const auto factor = static_cast<std::int32_t>(residual_multiplier);
            // |accumulator|, |multiplier| <= 2^31 and |code| * 2^shift <= 2^30 leave 2^63 - 2^62 - 2^61 for the offset.
            const std::int64_t limit = largest_offset(products(branch, code, residual_shift, factor));
            REQUIRE(limit >= (std::int64_t{1} << 61) - 1);
            check_add(branch, code, residual_shift, factor, limit, shift);
            check_add(branch, code, residual_shift, factor, -limit, shift);
          }
}

TEST_CASE("add_requantize: a code equal to the zero point that the offset holds adds nothing") {
  Random random(3);
  for (int round = 0; round < 100'000; ++round) {
    const auto accumulator = static_cast<std::int32_t>(random.any_magnitude(int32_high));
    const auto multiplier = static_cast<std::int32_t>(random.any_magnitude(int32_high));
    const int zero_point = random.between(-128, 127);
    const int residual_shift = random.between(0, 23);
    const auto residual_multiplier = static_cast<std::int32_t>(random.any_magnitude(int32_high));
    const std::int64_t bias = random.any_magnitude(std::int64_t{1} << 60);
    const int shift = random.between(min_shift, max_shift);
    const std::int64_t folded = bias - std::int64_t{residual_multiplier} * (std::int64_t{zero_point} << residual_shift);
    if (add_requantize(accumulator, multiplier, zero_point, residual_shift, residual_multiplier, folded, shift) !=
        requantize(accumulator, multiplier, bias, shift))
      FAIL("zero point " << zero_point);
  }
}

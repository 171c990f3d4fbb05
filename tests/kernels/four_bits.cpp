// Words of four bits, and matrices of them.
#include "kernels/four_bits.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "kernels/weights.hpp"
#include "tests/kernels/four_bits_case.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

// LogDequant of the paper, in units of 2^-7.
double dequantize(int code) {
  return code == 0 ? 0 : std::copysign(std::exp2(-std::abs(code)) * 128, code);
}

} // namespace

TEST_CASE("four bits: every word and every pair of words on the log scale") {
  for (int first = -7; first <= 7; ++first) {
    CHECK(one_word_value(WordScale::log, word_of_code(first)) == dequantize(first));
    for (int second = -7; second <= 7; ++second)
      CHECK(two_word_value(WordScale::log, word_of_code(first), word_of_code(second)) ==
            std::clamp(dequantize(first) + dequantize(second), -127.0, 127.0));
  }
  CHECK(word_of_code(-8) == no_word_code);
}

TEST_CASE("four bits: every word and every pair of words on the uniform scale") {
  std::vector<bool> seen(256);
  for (int first = -7; first <= 7; ++first) {
    CHECK(one_word_value(WordScale::uniform, word_of_code(first)) == 16 * first);
    for (int second = -8; second <= 7; ++second) {
      const int value = two_word_value(WordScale::uniform, word_of_code(first), word_of_code(second));
      CHECK(value == 16 * first + second);
      seen[static_cast<std::size_t>(128 + value)] = true;
    }
  }
  for (int value = -128; value < 128; ++value) // each once: there are as many pairs
    CHECK(seen[static_cast<std::size_t>(128 + value)] == (value >= -120 && value <= 119));
}

TEST_CASE("four bits: the reference decodes what was written word by word") {
  Random random(1);
  for (const WeightFormat format : {WeightFormat::stlq_tiles, WeightFormat::stlq_groups, WeightFormat::int4})
    for (int round = 0; round < 100; ++round) {
      const FourBitCase matrix = make_four_bits(random, format, random.between(1, 200), random.between(1, 70));
      std::vector<std::int8_t> values(matrix.values.size());
      decode_four_bits(matrix.view(), values.data());
      REQUIRE(values == matrix.values);
    }
}

// Words of four bits, and matrices of them.
#include "kernels/four_bits.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

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

TEST_CASE("four bits: every word and every pair of words on the wide scale") {
  std::vector<int> count(256);
  for (int first = -8; first <= 7; ++first) {
    CHECK(one_word_value(WordScale::wide, word_of_code(first)) == 2 * first);
    for (const int second : {-3, -1, 1, 3}) {
      const int value = two_word_value(WordScale::wide, word_of_code(first), word_of_code(second));
      CHECK(value == 2 * first + 16 * second);
      ++count[static_cast<std::size_t>(128 + value)];
    }
    CHECK(two_word_value(WordScale::wide, word_of_code(first), 0) == 2 * first); // outside of a matrix
  }
  for (int value = -128; value < 128; ++value)
    CHECK(count[static_cast<std::size_t>(128 + value)] == (value >= -64 && value <= 62 && value % 2 == 0 ? 1 : 0));
}

TEST_CASE("four bits: the reference decodes what was written word by word") {
  Random random(1);
  for (const auto &[format, second_bits] :
       {std::pair(WeightFormat::stlq_tiles, 4), std::pair(WeightFormat::stlq_groups, 4),
        std::pair(WeightFormat::int4, 4), std::pair(WeightFormat::int4_wide, 4),
        std::pair(WeightFormat::stlq_groups, 2), std::pair(WeightFormat::int4, 2),
        std::pair(WeightFormat::int4_wide, 2)})
    for (int round = 0; round < 100; ++round) {
      const FourBitCase matrix =
          make_four_bits(random, format, random.between(1, 200), random.between(1, 70), second_bits);
      std::vector<std::int8_t> values(matrix.values.size());
      decode_four_bits(matrix.view(), values.data());
      REQUIRE(values == matrix.values);
    }
}

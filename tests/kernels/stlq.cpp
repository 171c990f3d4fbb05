// STLQ words, and matrices of them.
#include "kernels/stlq.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "tests/kernels/stlq_case.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

// LogDequant of the paper, in units of 2^-7.
double dequantize(int code) {
  return code == 0 ? 0 : std::copysign(std::exp2(-std::abs(code)) * 128, code);
}

} // namespace

TEST_CASE("stlq: every word and every pair of words") {
  for (int first = -7; first <= 7; ++first) {
    CHECK(stlq_word_value(stlq_word(first)) == dequantize(first));
    for (int second = -7; second <= 7; ++second)
      CHECK(stlq_value(stlq_word(first), stlq_word(second)) ==
            std::clamp(dequantize(first) + dequantize(second), -127.0, 127.0));
  }
  CHECK(stlq_word(-8) == stlq_no_code);
}

TEST_CASE("stlq: the reference decodes what was written word by word") {
  Random random(1);
  for (int round = 0; round < 100; ++round) {
    const StlqCase matrix = make_stlq(random, random.between(1, 200), random.between(1, 70));
    std::vector<std::int8_t> values(matrix.values.size());
    decode_stlq(matrix.view(), values.data());
    REQUIRE(values == matrix.values);
  }
}

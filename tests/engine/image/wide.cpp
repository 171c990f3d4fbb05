// 128-bit integers in two halves against the compiler's.
#include "engine/image/wide.hpp"

#include <array>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"

#if defined(__SIZEOF_INT128__)

using namespace intvit;

namespace {

WideHalves halves(Wide value) {
  return {static_cast<std::uint64_t>(value >> 64), static_cast<std::uint64_t>(value)};
}

// Few or many bits, so that carries run far and products overflow.
std::vector<Wide> numbers() {
  std::vector<Wide> result = {0, 1, Wide{1} << 63, Wide{1} << 64, ~Wide{0}, ~Wide{0} >> 64};
  test::Lcg lcg(3);
  for (int i = 0; i < 60; ++i) {
    Wide value = 0;
    for (int word = 0; word < 4; ++word)
      value = value << 32 | lcg.word();
    value >>= lcg.byte() % 128;
    result.push_back(i % 2 == 0 ? value : ~value);
  }
  return result;
}

TEST_CASE("wide: halves compute what the compiler's integers do") {
  const std::vector<Wide> values = numbers();
  for (const Wide left : values) {
    CHECK(wide_bit_width(halves(left)) == wide_bit_width(left));
    CHECK(static_cast<std::uint64_t>(halves(left)) == static_cast<std::uint64_t>(left));
    for (int count = 0; count < 128; ++count) {
      CHECK(((halves(left) << count) == halves(left << count)));
      CHECK(((halves(left) >> count) == halves(left >> count)));
    }
    for (const Wide right : values) {
      CHECK((halves(left) + halves(right) == halves(left + right)));
      CHECK((halves(left) - halves(right) == halves(left - right)));
      CHECK((halves(left) * halves(right) == halves(left * right)));
      CHECK((halves(left) & halves(right)) == halves(left & right));
      CHECK((halves(left) | halves(right)) == halves(left | right));
      CHECK((halves(left) < halves(right)) == (left < right));
      CHECK((halves(left) >= halves(right)) == (left >= right));
      CHECK((halves(left) == halves(right)) == (left == right));
      const auto divisor = static_cast<std::uint64_t>(right) >> 1;
      if (divisor != 0)
        CHECK((halves(left) / divisor == halves(left / divisor)));
    }
  }
}

} // namespace

#endif

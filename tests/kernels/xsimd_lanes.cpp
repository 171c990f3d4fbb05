// The lane operations that kernels take from xsimd, on this processor's baseline, against plain arithmetic.
#include "kernels/vector/xsimd_lanes.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/kernels/random.hpp"

using namespace intvit::kernels::vector;
using intvit::test::Random;

namespace {

struct Here {};
#if defined(__aarch64__)
using Baseline = xsimd::neon;
#else
using Baseline = xsimd::sse2;
#endif
using Lanes = XsimdLanes<LocalArch<Baseline, Here>>;
using Values = std::array<std::int32_t, std::size_t{Lanes::lanes}>;

Values values_of(Lanes::Vec vec) {
  Values result;
  Lanes::store(result.data(), vec);
  return result;
}

std::uint32_t bits(std::int32_t value) {
  return static_cast<std::uint32_t>(value);
}

// Lane by lane.
template <typename Operation> Values each(const Operation &operation) {
  Values result;
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<std::int32_t>(operation(i));
  return result;
}

} // namespace

TEST_CASE("xsimd_lanes: every operation is 32-bit arithmetic on every lane") {
  Random random(1);
  constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::int32_t> memory = random.values<std::int32_t>(3 * Lanes::lanes, least, most);
    if (round % 2 == 0)
      for (std::int32_t &value : memory)
        if (random.between(0, 3) == 0)
          value = std::array{least, most, 0, -1}[random.between<std::size_t>(0, 3)];
    const int at = random.between(0, Lanes::lanes); // not aligned
    const std::int32_t *a = memory.data() + at;
    const std::int32_t *b = a + Lanes::lanes;
    const Lanes::Vec x = Lanes::load(a);
    const Lanes::Vec y = Lanes::load(b);

    CHECK(values_of(x) == each([&](std::size_t i) { return a[i]; }));
    CHECK(values_of(Lanes::set(a[0])) == each([&](std::size_t) { return a[0]; }));
    CHECK(values_of(Lanes::add(x, y)) == each([&](std::size_t i) { return bits(a[i]) + bits(b[i]); }));
    CHECK(values_of(Lanes::subtract(x, y)) == each([&](std::size_t i) { return bits(a[i]) - bits(b[i]); }));
    CHECK(values_of(Lanes::multiply(x, y)) == each([&](std::size_t i) { return bits(a[i]) * bits(b[i]); }));
    CHECK(values_of(Lanes::minimum(x, y)) == each([&](std::size_t i) { return std::min(a[i], b[i]); }));
    CHECK(values_of(Lanes::maximum(x, y)) == each([&](std::size_t i) { return std::max(a[i], b[i]); }));
    for (int count = 0; count <= Lanes::lanes; ++count)
      CHECK(values_of(Lanes::keep(x, count)) ==
            each([&](std::size_t i) { return i < static_cast<std::size_t>(count) ? a[i] : 0; }));
#if !defined(__aarch64__) // NEON's class has shifts of its own
    const int count = random.between(0, 31);
    CHECK(values_of(Lanes::shift_left(x, count)) == each([&](std::size_t i) { return bits(a[i]) << count; }));
    CHECK(values_of(Lanes::shift_right_unsigned(x, count)) == each([&](std::size_t i) { return bits(a[i]) >> count; }));
#endif
  }
}

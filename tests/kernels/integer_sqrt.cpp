// The integer square root against its definition: r^2 <= x < (r + 1)^2.
#include <limits>

#include <catch2/catch.hpp>

#include "kernels/reciprocal.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

void check_root(std::uint64_t value) {
  const Int128 root = integer_sqrt(value);
  if (root * root > value || (root + 1) * (root + 1) <= value)
    FAIL("integer_sqrt(" << value << ") = " << integer_sqrt(value));
}

void check_around_square(std::uint64_t root) {
  check_root(root * root);
  check_root(root * root - 1);
  check_root(root * root + 1);
}

} // namespace

TEST_CASE("integer_sqrt: small numbers and the edges of every power of two") {
  for (std::uint64_t value = 0; value < 100'000; ++value)
    check_root(value);
  for (int bit = 0; bit < 64; ++bit)
    for (std::uint64_t below = 0; below <= 2; ++below)
      check_root((std::uint64_t{1} << bit) + 1 - below);
  check_root((std::uint64_t{1} << 62) - 1);
  check_root(std::numeric_limits<std::uint64_t>::max());
  CHECK(integer_sqrt(0) == 0);
  CHECK(integer_sqrt(1) == 1);
  CHECK(integer_sqrt((std::uint64_t{1} << 62) - 1) == (std::uint32_t{1} << 31) - 1);
  CHECK(integer_sqrt(std::numeric_limits<std::uint64_t>::max()) == std::numeric_limits<std::uint32_t>::max());
}

TEST_CASE("integer_sqrt: perfect squares and their neighbours") {
  for (std::uint64_t root = 1; root < 100'000; ++root)
    check_around_square(root);
  for (std::uint64_t root = (std::uint64_t{1} << 32) - 1; root > (std::uint64_t{1} << 32) - 10'000; --root)
    check_around_square(root);
  Random random(1);
  for (int round = 0; round < 200'000; ++round)
    check_around_square(random.between(std::uint64_t{1}, (std::uint64_t{1} << 32) - 1));
}

TEST_CASE("integer_sqrt: random numbers of every length") {
  Random random(2);
  for (int round = 0; round < 500'000; ++round)
    check_root(random.bits() >> random.between(0, 63));
}

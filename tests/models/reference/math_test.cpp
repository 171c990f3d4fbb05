#include "models/reference/math.hpp"

#include <cmath>

#include <catch2/catch.hpp>

namespace intvit {

TEST_CASE("exp keeps its error bound over its whole range") {
  double worst = 0.0;
  for (int i = -870'000; i <= 880'000; ++i) {
    const float x = static_cast<float>(i) * 1e-4F;
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(reference::exp(x)) - exact) / exact);
  }
  CAPTURE(worst);
  CHECK(worst < 2e-7);
  CHECK(worst > 1e-9); // the loop did compare something
}

TEST_CASE("exp of 0 is 1, and arguments beyond its range are taken for the nearer end") {
  CHECK(reference::exp(0.0F) == 1.0F);
  CHECK(reference::exp(-1e30F) == reference::exp(-87.0F));
  CHECK(reference::exp(-INFINITY) == reference::exp(-87.0F));
  CHECK(reference::exp(1e30F) == reference::exp(88.0F));
}

TEST_CASE("gelu keeps its error bound") {
  double worst = 0.0;
  for (int i = -400'000; i <= 400'000; ++i) {
    const float x = static_cast<float>(i) * 5e-5F;
    const double exact = static_cast<double>(x) * 0.5 * std::erfc(-static_cast<double>(x) / std::sqrt(2.0));
    const double error = std::abs(static_cast<double>(reference::gelu(x)) - exact);
    worst = std::max(worst, error / (1.0 + std::abs(static_cast<double>(x))));
  }
  CAPTURE(worst);
  CHECK(worst < 1e-7);
  CHECK(worst > 1e-10);
}

TEST_CASE("gelu far from 0 is the identity or 0") {
  CHECK(reference::gelu(0.0F) == 0.0F);
  CHECK(reference::gelu(20.0F) == 20.0F);
  CHECK(reference::gelu(3e20F) == 3e20F);
  CHECK(std::abs(reference::gelu(-20.0F)) < 1e-30F);
  CHECK(std::abs(reference::gelu(-3e20F)) < 1e-30F);
}

} // namespace intvit

// The quantizer gives the same bytes each time, whatever the number of threads.
#include <catch2/catch.hpp>

#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

TEST_CASE("determinism: quantizing again, or on more threads, gives the same file") {
  for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8, ResidualFormat::ptf8_paper})
    for (const kernels::Softmax softmax : {kernels::Softmax::int8, kernels::Softmax::lis4}) {
      QuantizeOptions options{.residual = residual, .softmax = softmax, .threads = 1};
      const std::vector<std::byte> first = test::tiny_model(options);
      CHECK(test::tiny_model(options) == first);
      for (const int threads : {2, 3, 8}) {
        options.threads = threads;
        CHECK(test::tiny_model(options) == first);
      }
    }
}

TEST_CASE("determinism: another option gives another file") {
  const std::vector<std::byte> first = test::tiny_model();
  CHECK(test::tiny_model({.published = {.observer = RangeObserver::minmax}}) != first);
  CHECK(test::tiny_model({.residual = ResidualFormat::ptf8}) != first);
  CHECK(test::tiny_model({.channel_strength = 1.0}) != first);
}

} // namespace
} // namespace intvit

// The golden hash (tests/engine/golden) of an evaluation of the graph that shares nothing with the engine.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/engine/golden/golden_models.hpp"
#include "tests/engine/runtime/naive_graph.hpp"

namespace intvit {
namespace {

TEST_CASE("golden hash: without the engine") {
  for (const test::Golden &golden : test::all_golden()) {
    const std::vector<Image> images = test::golden_pictures(golden.files.front());
    test::GoldenLogits logits;
    for (const ModelFile &file : golden.files) {
      std::vector<std::vector<std::int32_t>> results;
      for (const Image &image : images) {
        results.push_back(test::naive_logits(file.tensors(), image));
        logits.add(results.back());
      }
      // Every picture has its own logits, and they are neither constant nor at the ends of their range.
      for (std::size_t i = 0; i < results.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j)
          CHECK(results[i] != results[j]);
        const auto [low, high] = std::minmax_element(results[i].begin(), results[i].end());
        CHECK(*high - *low > 100);
        CHECK(*high - *low < 100'000);
      }
    }
    CHECK(logits.hash() == golden.hash);
  }
}

} // namespace
} // namespace intvit

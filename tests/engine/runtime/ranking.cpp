// The most likely classes against a count of those ahead of each.
#include "engine/runtime/ranking.hpp"

#include <algorithm>
#include <limits>

#include <catch2/catch.hpp>

#include "tests/kernels/random.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

// Where class `index` stands: as many as have a larger logit, or an equal one and a lower index.
std::size_t rank(const std::vector<std::int32_t> &logits, std::size_t index) {
  std::size_t ahead = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    ahead += logits[i] > logits[index] || (logits[i] == logits[index] && i < index) ? 1U : 0U;
  return ahead;
}

} // namespace

TEST_CASE("ranking: every class at its rank, for every number of classes asked for") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const auto classes = static_cast<std::size_t>(random.between(1, 50));
    // Few different logits make many ties; all magnitudes reach the ends of the range.
    const std::int32_t limit = round % 2 == 0 ? 3 : std::numeric_limits<std::int32_t>::max();
    const auto logits = random.values<std::int32_t>(classes, -limit, limit);
    for (std::size_t count = 0; count <= classes + 2; ++count) {
      const std::vector<int> top = top_classes(logits, count);
      REQUIRE(top.size() == std::min(count, classes));
      for (std::size_t place = 0; place < top.size(); ++place)
        REQUIRE(rank(logits, static_cast<std::size_t>(top[place])) == place);
    }
  }
}

TEST_CASE("ranking: ties, extremes and nothing") {
  constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  CHECK(top_classes(std::vector<std::int32_t>{7, 7, 7}, 3) == std::vector<int>{0, 1, 2});
  CHECK(top_classes(std::vector<std::int32_t>{least, most, 0, most, least}, 5) == std::vector<int>{1, 3, 2, 0, 4});
  CHECK(top_classes(std::vector<std::int32_t>{least, most}, 1) == std::vector<int>{1});
  CHECK(top_classes(std::vector<std::int32_t>{1, 2}, std::numeric_limits<std::size_t>::max()) ==
        std::vector<int>{1, 0});
  CHECK(top_classes({}, 5).empty());
}

// The arena's plan on random lifetimes: values that exist at the same time never share a byte.
#include "engine/runtime/plan.hpp"

#include <algorithm>
#include <map>
#include <random>

#include <catch2/catch.hpp>

namespace intvit {
namespace {

constexpr std::size_t alignment = 64; // a cache line, and the widest vector

std::size_t rounded(std::size_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

void check_plan(const std::vector<Lifetime> &lifetimes) {
  const ArenaPlan plan = plan_arena(lifetimes);
  REQUIRE(plan.offsets.size() == lifetimes.size());
  std::size_t sum = 0;
  int last_step = 0;
  for (std::size_t i = 0; i < lifetimes.size(); ++i) {
    sum += rounded(lifetimes[i].bytes);
    last_step = std::max(last_step, lifetimes[i].last_step);
    if (plan.offsets[i] % alignment != 0 || plan.offsets[i] + lifetimes[i].bytes > plan.bytes)
      FAIL("value " << i << " is not aligned or not inside the arena");
  }

  // Step by step: who owns each byte range.
  std::size_t most_at_once = 0;
  for (int step = 0; step <= last_step; ++step) {
    std::map<std::size_t, std::size_t> ends; // offset to end
    std::size_t at_once = 0;
    for (std::size_t i = 0; i < lifetimes.size(); ++i) {
      const Lifetime &life = lifetimes[i];
      if (life.bytes == 0 || step < life.first_step || step > life.last_step)
        continue;
      at_once += life.bytes;
      if (!ends.emplace(plan.offsets[i], plan.offsets[i] + life.bytes).second)
        FAIL("two values begin at offset " << plan.offsets[i] << " in step " << step);
    }
    most_at_once = std::max(most_at_once, at_once);
    std::size_t end = 0;
    for (const auto &[offset, value_end] : ends) {
      if (offset < end)
        FAIL("two values share byte " << offset << " in step " << step);
      end = value_end;
    }
  }
  CHECK(plan.bytes >= most_at_once);
  CHECK(plan.bytes <= sum);

  const ArenaPlan again = plan_arena(lifetimes);
  CHECK(again.offsets == plan.offsets);
  CHECK(again.bytes == plan.bytes);
}

TEST_CASE("plan: nothing, one value, values without bytes") {
  CHECK(plan_arena({}).bytes == 0);
  CHECK(plan_arena({}).offsets.empty());
  check_plan({{1, 0, 0}});
  CHECK(plan_arena(std::vector<Lifetime>{{1, 0, 0}}).bytes == 64);
  CHECK(plan_arena(std::vector<Lifetime>{{64, 0, 0}}).bytes == 64);
  CHECK(plan_arena(std::vector<Lifetime>{{65, 0, 0}}).bytes == 128);
  check_plan({{0, 0, 9}, {100, 0, 3}, {0, 2, 2}, {100, 3, 4}});
}

TEST_CASE("plan: a chain needs two values at a time") {
  std::vector<Lifetime> chain;
  for (int step = 0; step < 40; ++step)
    chain.push_back({1000, step, step + 1});
  check_plan(chain);
  CHECK(plan_arena(chain).bytes == 2 * 1024);
}

TEST_CASE("plan: a value that is read by the next step does not share its place with what that step writes") {
  check_plan({{640, 0, 1}, {640, 1, 2}, {640, 2, 3}});
  const ArenaPlan apart = plan_arena(std::vector<Lifetime>{{640, 0, 1}, {640, 2, 3}});
  CHECK(apart.offsets[0] == apart.offsets[1]);
}

TEST_CASE("plan: random lifetimes") {
  std::mt19937 random(11);
  for (int round = 0; round < 400; ++round) {
    const std::size_t count = 1 + random() % 60;
    const std::size_t steps = 1 + random() % 40;
    const std::size_t scale = std::size_t{1} << random() % 16;
    std::vector<Lifetime> lifetimes;
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = static_cast<int>(random() % steps);
      const auto last = std::min(static_cast<int>(steps) - 1, first + static_cast<int>(random() % 8));
      lifetimes.push_back({random() % scale, first, last});
    }
    CAPTURE(round);
    check_plan(lifetimes);
  }
}

} // namespace
} // namespace intvit

#include <catch2/catch.hpp>
#include <cmath>

#include "train/schedule.hpp"

using namespace intvit::train;

TEST_CASE("cosine: a linear rise to the peak, then half a cosine") {
  const Schedule schedule{ScheduleKind::cosine, 0.5, 4, 0, 104};
  CHECK(schedule.rate(0) == Approx(0.125));
  CHECK(schedule.rate(3) == Approx(0.5));
  CHECK(schedule.rate(4) == Approx(0.5));
  CHECK(schedule.rate(29) == Approx(0.5 * (0.5 + std::sqrt(0.5) / 2))); // a quarter of the way
  CHECK(schedule.rate(54) == Approx(0.25));
  CHECK(schedule.rate(103) > 0);
  CHECK(schedule.rate(103) < 0.001);
}

TEST_CASE("wsd: constant until the cool-down, then linear to zero") {
  const Schedule schedule{ScheduleKind::wsd, 2, 10, 20, 100};
  CHECK(schedule.rate(4) == Approx(1));
  CHECK(schedule.cooldown_start() == 80);
  for (const std::uint64_t step : {10U, 50U, 79U, 80U})
    CHECK(schedule.rate(step) == 2);
  CHECK(schedule.rate(90) == Approx(1));
  CHECK(schedule.rate(99) == Approx(0.1));
}

TEST_CASE("wsd runs of different lengths agree until the first cools down") {
  const Schedule shorter{ScheduleKind::wsd, 1, 5, 10, 50};
  const Schedule longer{ScheduleKind::wsd, 1, 5, 30, 400};
  for (std::uint64_t step = 0; step <= shorter.cooldown_start(); ++step)
    CHECK(shorter.rate(step) == longer.rate(step));
  CHECK(shorter.rate(41) < longer.rate(41));
}

// What intvit bench makes of a machine that others use as well.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/benchmark/machine_use.hpp"
#include "cli/benchmark/samples.hpp"
#include "tests/cli/program.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

TEST_CASE("mean, deviation and percentiles of times") {
  const std::vector<double> values{4, 1, 3, 2};
  CHECK(cli::median(values) == 2.5);
  CHECK(cli::median({7}) == 7);
  CHECK(cli::mean(values) == 2.5);
  CHECK(cli::deviation(values) == Approx(std::sqrt((2.25 + 0.25 + 0.25 + 2.25) / 3)));
  CHECK(cli::deviation({7}) == 0);
  CHECK(cli::quantile(values, 0) == 1);
  CHECK(cli::quantile(values, 0.5) == 2);
  CHECK(cli::quantile(values, 0.51) == 3);
  CHECK(cli::quantile(values, 1) == 4);
}

TEST_CASE("the part of the processors' time that others had") {
  CHECK(cli::lost_share({2, 2}, 1) == 0);
  CHECK(cli::lost_share({2, 2.1}, 1) == 0);
  CHECK(cli::lost_share({2, 0.5}, 1) == 0.75);
  CHECK(cli::lost_share({0, 0}, 1) == 0);
  // More threads than processors do not want more time than there is.
  const int processors = cli::processors_allowed();
  CHECK(cli::lost_share({2, 1.0 * processors}, processors + 3) == Approx(0.5));

  CHECK_FALSE(cli::is_disturbed({0.010, 0.0099}, 1, 0));
  CHECK(cli::is_disturbed({0.010, 0.0097}, 1, 0));
  CHECK_FALSE(cli::is_disturbed({100e-6, 85e-6}, 1, 0)); // an interrupt
  CHECK(cli::is_disturbed({100e-6, 70e-6}, 1, 0));
  // What another program has left of the caches matters to short runs.
  CHECK(cli::is_disturbed({0.001, 0.001}, 1, 1));
  CHECK_FALSE(cli::is_disturbed({0.010, 0.010}, 1, 1));
  CHECK(cli::is_disturbed({0.010, 0.010}, 1, 3));
}

TEST_CASE("a run is also disturbed after one during which another program had the processor") {
  const cli::WorkTime run{0.001, 0.001};
  cli::DisturbedRuns runs(1, 7);
  CHECK_FALSE(runs.is_disturbed(run, 7));
  CHECK(runs.is_disturbed(run, 8));
  CHECK(runs.is_disturbed(run, 8)); // its caches were cold
  CHECK_FALSE(runs.is_disturbed(run, 8));
  CHECK(runs.is_disturbed({0.001, 0.0009}, 8)); // time that is missing
  CHECK_FALSE(runs.is_disturbed(run, 8));
  // Threads that are more than the processors are switched for one another.
  cli::DisturbedRuns many(cli::processors_allowed() + 1, 0);
  CHECK_FALSE(many.is_disturbed({0.001, 0.001 * cli::processors_allowed()}, 100));
  // The thread's first: a switch between the two readings is counted by the later one alone.
  const std::int64_t of_thread = cli::involuntary_switches(cli::Counted::this_thread);
  CHECK(cli::involuntary_switches() >= of_thread);
}

TEST_CASE("disturbed runs are put aside where enough others are left") {
  const cli::Run good{10, 10, false};
  const cli::Run bad{40, 10, true};
  cli::Samples samples;
  samples.runs = {good, bad, good, good, bad, good, good};
  samples.settle(5, 1);
  CHECK(samples.milliseconds == std::vector<double>{10, 10, 10, 10, 10});
  CHECK_FALSE(samples.runs[1].counted);
  CHECK_FALSE(samples.disturbed);
  CHECK(samples.lost == Approx(60.0 / 130));

  samples.settle(6, 1);
  CHECK(samples.milliseconds.size() == 7);
  CHECK(samples.runs[1].counted);
  CHECK(samples.disturbed);

  samples.runs.assign(10, good);
  samples.runs[3] = bad; // a tenth of the runs changes no median
  samples.settle(0, 1);
  CHECK(samples.milliseconds.size() == 10);
  CHECK_FALSE(samples.disturbed);
  samples.runs[4] = bad;
  samples.settle(0, 1);
  CHECK(samples.disturbed);
  CHECK(samples.processor_milliseconds() == 10);
}

TEST_CASE("times are unsteady where the median is well above the fastest tenth") {
  cli::Samples samples;
  for (int i = 0; i < 10; ++i)
    samples.runs.push_back({10, 10, false});
  samples.settle(5, 1);
  CHECK_FALSE(samples.unsteady);
  for (std::size_t i = 2; i < 10; ++i)
    samples.runs[i] = {10.3, 10.3, false};
  samples.settle(5, 1);
  CHECK_FALSE(samples.unsteady);
  CHECK(samples.spread() == Approx(0.03));
  for (std::size_t i = 2; i < 10; ++i)
    samples.runs[i] = {10.5, 10.5, false};
  samples.settle(5, 1);
  CHECK(samples.unsteady);
  CHECK(samples.disturbed);
  samples.runs.pop_back(); // too few to tell
  samples.settle(5, 1);
  CHECK_FALSE(samples.unsteady);
  CHECK_FALSE(samples.disturbed);
}

TEST_CASE("a machine's use is counted from the begin") {
  const cli::MachineWatch watch;
  volatile double sum = 0;
  while (watch.elapsed().time.seconds < 0.05)
    sum = sum + 1;
  const cli::MachineUse use = watch.elapsed();
  CHECK(use.time.seconds >= 0.05);
  CHECK(use.time.processor_seconds > 0);
  CHECK(use.involuntary_switches >= 0);
  if (use.others)
    CHECK(*use.others >= 0);
}

TEST_CASE("bench on a machine with other programs says so") {
  // One busy program on each processor; this one gives way to them, and no run is so short that it fits between.
  const std::string busy = "for i in $(seq $(nproc)); do (while :; do :; done) & echo $!; done > " + quoted("busy.txt");
  const Outcome outcome = run_shell("cd \"$(mktemp -d)\" && " + busy +
                                    "; nice -n 10 \"$INTVIT\" bench -t 1 -b 16 --warmup 0 --seconds 0.2 --format json; "
                                    "status=$?; kill $(cat busy.txt); exit $status");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK_THAT(outcome.err, Contains("intvit: disturbed: the result is too slow, because other programs took ") &&
                              Contains(" of the processors' time"));
  const json result = json::parse(outcome.out)["results"][0];
  CHECK(result["disturbed"] == true);
  CHECK(result["lost_share"] > 0.1);
  CHECK(result["machine"]["involuntary_switches"] > 0);
  if (!result["machine"]["others_processors"].is_null())
    CHECK(result["machine"]["others_processors"] > 0.1);
}

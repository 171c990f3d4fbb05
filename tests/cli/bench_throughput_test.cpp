// intvit bench --sessions, and where and how it runs: processors, priority, energy.
#include <filesystem>
#include <string>
#include <vector>

#include <sched.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/benchmark/energy.hpp"
#include "cli/benchmark/rounds.hpp"
#include "cli/benchmark/scheduling.hpp"
#include "cli/benchmark/tables.hpp"
#include "cli/benchmark/throughput.hpp"
#include "models/program/usage_error.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace fs = std::filesystem;

namespace {

// The first processor that this process may use.
int first_processor() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  REQUIRE(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  int first = 0;
  while (!CPU_ISSET(static_cast<std::size_t>(first), &allowed))
    ++first;
  return first;
}

void write_counter(const std::string &folder, const std::string &energy) {
  fs::create_directories(folder);
  write_text(folder + "/energy_uj", energy + "\n");
  write_text(folder + "/max_energy_range_uj", "1000000000\n");
}

} // namespace

TEST_CASE("bench --sessions: images a second of several sessions, and what a run takes meanwhile") {
  const std::vector<std::string> base{"bench", "--sessions", "1,3", "-b", "1,2", "--runs", "4", "--warmup", "1"};
  const Outcome outcome = run_program(words(base, {"--format", "json"}));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const json results = json::parse(outcome.out)["results"];
  REQUIRE(results.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const json &result = results[i];
    CAPTURE(result.dump());
    const int sessions = result["sessions"];
    CHECK(result["batch"] == (i % 2 == 0 ? 1 : 2));
    CHECK(result["threads"] == 1);
    CHECK(result["samples_ms"].size() == static_cast<std::size_t>(4 * sessions));
    CHECK(result["arena_bytes"] == sessions * results[i % 2]["arena_bytes"].get<std::int64_t>());
    // No session is faster than its fastest run, nor slower than its slowest.
    const double images = sessions * result["batch"].get<int>() * 1e3;
    CHECK(result["images_per_s"] <= images / result["min_ms"].get<double>() * (1 + 1e-9));
    CHECK(result["images_per_s"] > 0);
  }
  CHECK(results[0]["sessions"] == 1);
  const Outcome csv = run_program(words(base, {"--format", "csv"}));
  REQUIRE(lines(csv.out).size() == 5);
  CHECK(lines(csv.out)[0] == "model,isa,sessions,threads,batch,runs,images_per_s,median_ms,p90_ms,p99_ms,max_ms,"
                             "arena_bytes,disturbed,lost_share");
  CHECK_THAT(run_program(words(base, {"--format", "md"})).out, Contains("| sessions | threads | batch | images/s |") &&
                                                                   Contains("\n\nMost images a second: ") &&
                                                                   Contains(" with ") && Contains(" 1 thread, batch "));
  CHECK(lines(run_program(words(base, {"--format", "csv", "--samples"})).out).size() == 1 + 2 * (4 + 12));
}

TEST_CASE("the best way to fill the machine is named for each model, and one of the same rate that waits less") {
  const auto result = [](const std::string &name, int sessions, int batch, double images, double milliseconds) {
    cli::ThroughputResult made;
    made.name = name;
    made.isa = "avx2";
    made.sessions = sessions;
    made.batch = batch;
    made.images_per_second = images;
    made.samples.milliseconds = {milliseconds};
    return made;
  };
  using Lines = std::vector<std::string>;
  CHECK(cli::most_images({result("a", 1, 1, 100, 10), result("a", 2, 1, 196, 10.2), result("a", 2, 4, 200, 40)}) ==
        Lines{"Most images a second: 200.0 with 2 sessions, avx2, 1 thread, batch 4.",
              "About as many, and the shortest runs: 196.0 with 2 sessions, avx2, 1 thread, batch 1."});
  CHECK(cli::most_images({result("a", 1, 1, 100, 10), result("b", 1, 1, 50, 20), result("a", 1, 4, 90, 44)}) ==
        Lines{"a:", "Most images a second: 100.0 with 1 session, avx2, 1 thread, batch 1.",
              "b:", "Most images a second: 50.00 with 1 session, avx2, 1 thread, batch 1."});
}

TEST_CASE("runs are enough after their number, or after so many seconds that nobody disturbed") {
  const cli::Effort seconds{.seconds = 1};
  cli::RunCount undisturbed(seconds);
  for (int i = 0; i < 4; ++i)
    undisturbed.add(0.5, false);
  CHECK_FALSE(undisturbed.enough()); // five runs at least
  undisturbed.add(0.5, false);
  CHECK(undisturbed.enough());
  cli::RunCount disturbed(seconds);
  for (int i = 0; i < 19; ++i)
    disturbed.add(0.1, i % 5 != 0); // four that count
  CHECK_FALSE(disturbed.enough());
  disturbed.add(0.1, true);
  CHECK(disturbed.enough()); // twice the time is over
  const cli::Effort runs{.runs = 2};
  cli::RunCount counted(runs);
  counted.add(10, true);
  CHECK_FALSE(counted.enough());
  counted.add(10, true);
  CHECK(counted.enough());
}

TEST_CASE("processors are named by lists and masks") {
  CHECK(cli::processor_list("3") == std::vector<int>{3});
  CHECK(cli::processor_list("0,2-4,3") == std::vector<int>{0, 2, 3, 4});
  CHECK(cli::processor_list("0x2d") == std::vector<int>{0, 2, 3, 5});
  CHECK(cli::processor_list("0xF0") == std::vector<int>{4, 5, 6, 7});
  for (const char *wrong : {"", "x", "1,", "1-", "-1", "4-2", "0x", "0x0", "0xg", "1024", "99999999999"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(cli::processor_list(wrong), UsageError);
  }
}

TEST_CASE("bench --cpu-mask: on these processors alone") {
  const std::string one = std::to_string(first_processor());
  const Outcome outcome =
      run_shell("unset OMP_NUM_THREADS; \"$INTVIT\" bench --cpu-mask " + one + " --runs 1 --delay 0.01 --format json");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(json::parse(outcome.out)["environment"]["threads_available"] == 1);
  check_refused(
      {"bench", "--runs", "1"},
      {{{"--cpu-mask", "1-x"}, 2, "--cpu-mask is \"1-x\", expected processors like 0,2-5 or a mask like 0x2d"},
       {{"--cpu-mask", "1023"}, 1, "--cpu-mask: "},
       {{"--priority", "low"}, 2, "--priority is \"low\", expected one of: normal, high, realtime"},
       {{"--delay", "-1"}, 2, "--delay must be from 0 to 86400"},
       {{"--sessions", "0"}, 2, "--sessions: \"0\" is not an integer from 1"},
       {{"--sessions", "2", "--profile"}, 2, "--profile does not go with --sessions"},
       {{"--sessions", "2", "--shapes", "x"}, 2, "--sessions does not go with --shapes"}});
  // Unprivileged users get a message and no measurement.
  const Outcome priority = run_program({"bench", "--runs", "1", "--priority", "realtime"});
  if (priority.exit_code != 0) {
    CHECK(priority.exit_code == 1);
    CHECK_THAT(priority.err, StartsWith("intvit: --priority realtime: ") && Contains("root"));
  }
}

TEST_CASE("energy is what the counters of all packages say, which begin anew at their range") {
  const std::string root = temporary_file("powercap");
  fs::remove_all(root);
  CHECK_FALSE(cli::EnergyWatch(root).joules());
  write_counter(root + "/intel-rapl:0", "999000000");
  write_counter(root + "/intel-rapl:1", "5000000");
  write_counter(root + "/intel-rapl:0:0", "1"); // a part of a package
  fs::create_directories(root + "/intel-rapl");
  const cli::EnergyWatch watch(root);
  CHECK(watch.joules() == 0.0);
  write_counter(root + "/intel-rapl:0", "2000000"); // 3 J later
  write_counter(root + "/intel-rapl:1", "5500000");
  write_counter(root + "/intel-rapl:0:0", "900000000");
  REQUIRE(watch.joules());
  CHECK(*watch.joules() == Approx(3.5));
  fs::remove(root + "/intel-rapl:1/energy_uj");
  CHECK_FALSE(watch.joules());
}

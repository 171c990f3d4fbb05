// intvit bench --compare and --against: verdicts that know noise.
#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/benchmark/compare.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

const std::vector<std::string> base{"bench", "--runs", "12", "--warmup", "0", "-t", "1"};

// Times of processes: each is off by a deviation of its own.
std::vector<double> times(std::size_t count, double middle, double deviation, std::mt19937 &generator) {
  std::normal_distribution<double> noise(0, deviation);
  std::vector<double> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(middle * std::exp(noise(generator)));
  return result;
}

// A program like this one whose times are `factor` times as long.
std::string scaled_program(const std::string &factor) {
  const std::string path = temporary_file("scaled" + factor);
  write_text(path, "#!/bin/sh\n" + quoted(INTVIT_PROGRAM) +
                       " \"$@\" | awk '/\"median_ms\":/ { split($0, part, \": \"); printf \"%s: %.9f,\\n\", part[1], "
                       "part[2] * " +
                       factor + "; next } { print }'\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

std::string program_that(const std::string &name, const std::string &does) {
  const std::string path = temporary_file(name);
  write_text(path, "#!/bin/sh\n" + does + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

} // namespace

TEST_CASE("the interval of a mean is Student's") {
  // R: qt(0.995, c(1, 4, 30, 100))
  CHECK(cli::mean_uncertainty(1, 2) == Approx(63.657 / std::sqrt(2)));
  CHECK(cli::mean_uncertainty(2, 5) == Approx(2 * 4.604095 / std::sqrt(5)).epsilon(1e-4));
  CHECK(cli::mean_uncertainty(1, 31) == Approx(2.749996 / std::sqrt(31)).epsilon(1e-4));
  CHECK(cli::mean_uncertainty(1, 101) == Approx(2.625891 / std::sqrt(101)).epsilon(1e-3));
}

TEST_CASE("a slow-down of 2 % is found in pairs of noisy times, and none where there is none") {
  std::mt19937 generator(1);
  int false_alarms = 0;
  int missed = 0;
  constexpr int trials = 400;
  for (int trial = 0; trial < trials; ++trial) {
    const std::vector<double> other = times(20, 10, 0.005, generator);
    const std::vector<double> equal = times(20, 10, 0.005, generator);
    const std::vector<double> slower = times(20, 10.2, 0.005, generator);
    false_alarms += cli::verdict(cli::paired_change(equal, other)) != "same";
    missed += cli::verdict(cli::paired_change(slower, other)) != "slower";
    CHECK(cli::verdict(cli::paired_change(other, slower)) != "slower");
  }
  CHECK(false_alarms <= trials / 200);
  CHECK(missed <= trials / 200);
  // A pair that something else disturbed changes nothing.
  std::vector<double> other = times(20, 10, 0.002, generator);
  const std::vector<double> slower = times(20, 10.2, 0.002, generator);
  other[7] = 30;
  CHECK(cli::verdict(cli::paired_change(slower, other)) == "slower");
  const cli::Change change = cli::paired_change({2, 4, 8}, {1, 2, 4}); // without noise
  CHECK(change.value == Approx(1));
  CHECK(change.low == Approx(1));
  CHECK(change.high == Approx(1));
}

TEST_CASE("measurements at different times differ by their drift, too") {
  std::mt19937 generator(1);
  for (int trial = 0; trial < 100; ++trial) {
    const std::vector<double> before = times(200, 10, 0.02, generator);
    CHECK(cli::verdict(cli::unpaired_change(times(200, 10.05, 0.02, generator), before)) == "same");
    CHECK(cli::verdict(cli::unpaired_change(times(200, 10.3, 0.02, generator), before)) == "slower");
    CHECK(cli::verdict(cli::unpaired_change(times(200, 9.7, 0.02, generator), before)) == "faster");
  }
  // A clock that slows down in the middle makes a wide interval, however little the runs spread.
  std::vector<double> drifting(100, 10.0);
  std::fill(drifting.begin() + 50, drifting.end(), 11.0);
  const cli::Change change = cli::unpaired_change(drifting, std::vector<double>(100, 10.4));
  CHECK(change.high - change.low > 0.08);
  CHECK(cli::verdict(change) == "same");
}

TEST_CASE("bench --compare: results beside earlier ones") {
  const std::string old = temporary_file("old.json");
  const Outcome first = run_program(words(base, {"-b", "1,2", "--format", "json"}));
  REQUIRE(first.exit_code == 0);
  const auto verdict_for = [&](double factor, const std::vector<std::string> &more) {
    json before = json::parse(first.out);
    for (json &result : before["results"]) {
      result["disturbed"] = false;
      for (json &sample : result["samples_ms"])
        sample = sample.get<double>() * factor;
    }
    write_text(old, before.dump());
    const Outcome outcome = run_program(words(words(base, {"--compare", old, "--format", "json"}), more));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json after = json::parse(outcome.out);
    REQUIRE(after["comparison"].size() == after["results"].size());
    const json &one = after["comparison"].back();
    if (after["results"].back()["disturbed"] == true && one.contains("change"))
      CHECK(one["verdict"] == "disturbed"); // by other programs on this machine
    else
      return one["verdict"].get<std::string>();
    return std::string(one["change"] > 0.3 ? "slower" : one["change"] < -0.3 ? "faster" : "same");
  };
  CHECK(verdict_for(0.1, {"-b", "1"}) == "slower");
  CHECK(verdict_for(10, {"-b", "2"}) == "faster");
  CHECK(verdict_for(1, {"-b", "3"}) == "not measured before");
  const Outcome text = run_program(words(base, {"--compare", old, "--format", "text"}));
  CHECK_THAT(text.out, Contains("Beside " + old) && Contains("verdict") && Contains("between these the change lies"));
  check_refused(base, {{{"--compare", "/nonexistent"}, 1, "/nonexistent"},
                       {{"--compare", sample_photograph()}, 1, sample_photograph()},
                       {{"--compare", old, "--sessions", "1"}, 2, "--sessions does not go with --compare"},
                       {{"--compare", old, "--format", "csv"}, 2, "comparisons are printed as text, md or json"}});
  write_text(old, "{}");
  check_refused(base, {{{"--compare", old}, 1, old + ": is no result of intvit bench --format json"}});
}

TEST_CASE("bench --against: another build in turns") {
  for (const auto &[factor, expected] : {std::pair<std::string, std::string>{"0.1", "slower"}, {"10", "faster"}}) {
    const std::string program = scaled_program(factor);
    const Outcome outcome = run_program({"bench", "--runs", "3", "--warmup", "0", "-t", "1", "-b", "1,2", "--against",
                                         program, "--pairs", "8", "--format", "json"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json object = json::parse(outcome.out);
    CHECK(object["other"]["program"] == program);
    CHECK_THAT(object["now"].get<std::string>(), Contains(INTVIT_VERSION));
    REQUIRE(object["comparison"].size() == 2);
    for (const json &comparison : object["comparison"]) {
      CAPTURE(comparison.dump());
      const int pairs = comparison.value("pairs", 0);
      CHECK(pairs <= 8);
      if (pairs == 8)
        CHECK(comparison["verdict"] == expected);
      else
        CHECK(comparison["verdict"] == "disturbed"); // by other programs on this machine
    }
  }
  const Outcome text = run_program({"bench", "--runs", "1", "--warmup", "0", "-t", "1", "--against", INTVIT_PROGRAM,
                                    "--pairs", "2", "--format", "text"});
  INFO(text.err);
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out,
             Contains("verdict") && Contains("now:   intvit " INTVIT_VERSION) && Contains(", " INTVIT_PROGRAM));
  for (const std::string &line : lines(text.out))
    if (line.find("safetensors") == std::string::npos && line.find(INTVIT_PROGRAM) == std::string::npos)
      CHECK(line.size() <= 80);

  const std::string failing = program_that("failing", "exit 3");
  const std::string talking = program_that("talking", "echo hello");
  check_refused({"bench", "--runs", "1", "-t", "1"},
                {{{"--against", "/nonexistent"}, 1, "/nonexistent: cannot run: No such file or directory"},
                 {{"--against", failing}, 1, failing + ": did not measure"},
                 {{"--against", talking}, 1, talking + ": does not print the results of intvit bench --format json"},
                 {{"--against", talking, "--profile"}, 2, "--profile does not go with --against"},
                 {{"--pairs", "3"}, 2, "--pairs goes with --against"},
                 {{"--against", talking, "--pairs", "1"}, 2, "--pairs must be an integer from 2"}});
}

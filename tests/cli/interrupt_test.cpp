// SIGINT and SIGTERM in the middle of work: what is done is printed, what was there stays, and the exit code is that of
// the signal.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/running_program.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t many = 20'000;

struct Signal {
  int number;
  int exit_code;
};
constexpr Signal signals[] = {{SIGINT, 130}, {SIGTERM, 143}};

// A folder named after the class, with the one photograph under many names.
std::string many_photographs() {
  const std::string folder = temporary_file("many");
  if (fs::exists(folder))
    return folder;
  fs::create_directories(folder + "/cat");
  const std::string first = folder + "/cat/0.png";
  fs::copy_file(sample_photograph(), first);
  for (std::size_t i = 1; i < many; ++i)
    fs::create_hard_link(first, folder + "/cat/" + std::to_string(i) + ".png");
  return folder;
}

} // namespace

TEST_CASE("interrupted classify: results so far, whole") {
  for (const Signal &signal : signals)
    for (const char *batch : {"1", "7"}) {
      INFO(signal.number << ", batch " << batch);
      RunningProgram program({"classify", "--format", "json", "-k", "1", "-b", batch, many_photographs()});
      program.wait_for_output("\n");
      program.send(signal.number);
      const Outcome outcome = program.finish();
      CHECK(outcome.exit_code == signal.exit_code);
      const std::vector<json> results = json_lines(outcome.out);
      for (const json &result : results)
        REQUIRE(result["top"][0]["label"] == "cat");
      CHECK(outcome.out.back() == '\n');
      CHECK(results.size() < many);
      CHECK_THAT(outcome.err, Contains("intvit: interrupted after " + std::to_string(results.size()) + " of " +
                                       std::to_string(many) + " images"));
    }
}

TEST_CASE("interrupted classify while it waits for standard input") {
  RunningProgram program({"classify", sample_photograph(), "-"});
  program.wait_for_output("cat");
  program.send(SIGINT);
  const Outcome outcome = program.finish();
  CHECK(outcome.exit_code == 130);
  CHECK_THAT(outcome.err, Contains("intvit: interrupted"));
}

TEST_CASE("interrupted eval: the accuracy on the images that were done") {
  for (const Signal &signal : signals)
    for (const char *threads : {"1", "3"}) {
      INFO(signal.number << ", threads " << threads);
      RunningProgram program({"eval", "--data", many_photographs(), "--format", "json", "-t", threads});
      program.wait_for_error("evaluating [");
      program.send(signal.number);
      const Outcome outcome = program.finish();
      CHECK(outcome.exit_code == signal.exit_code);
      const json result = json::parse(outcome.out);
      CHECK(result["images"] >= 1);
      CHECK(result["images"] < many);
      CHECK(result["top1"] == 100.0);
      CHECK_THAT(outcome.err, Contains("intvit: interrupted after " + result["images"].dump() + " of " +
                                       std::to_string(many) + " images"));
    }
}

TEST_CASE("interrupted quantize: the old file stays, and no other") {
  const std::string folder = temporary_file("interrupted");
  fs::create_directories(folder);
  const std::string output = folder + "/m";
  write_text(output, "old");
  for (const Signal &signal : signals) {
    INFO(signal.number);
    RunningProgram program({"quantize", "--weights", weights_folder(), "--calib", many_photographs(), "--calib-count",
                            std::to_string(many), "-o", output});
    program.wait_for_error("reading photographs [");
    program.send(signal.number);
    const Outcome outcome = program.finish();
    CHECK(outcome.exit_code == signal.exit_code);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Contains("intvit: interrupted"));
    CHECK(read_text(output) == "old");
    CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);
  }
}

TEST_CASE("interrupted bench: the measurements that are complete") {
  for (const Signal &signal : signals)
    for (const std::vector<std::string> &what :
         {std::vector<std::string>{"-t", "1", "-b", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20"},
          {"-t", "1", "-b", "20,19,18,17,16,15,14,13,12,11,10,9,8,7,6,5,4,3,2,1", "--profile"}}) {
      INFO(signal.number);
      std::vector<std::string> arguments = {"bench", "--format", "json", "--seconds", "0.2"};
      arguments.insert(arguments.end(), what.begin(), what.end());
      RunningProgram program(arguments);
      program.wait_for_error("measuring ["); // after a second at the earliest
      program.send(signal.number);
      const Outcome outcome = program.finish();
      CHECK(outcome.exit_code == signal.exit_code);
      const json results = json::parse(outcome.out)["results"];
      CHECK(results.size() >= 1);
      CHECK(results.size() < 20);
      CHECK_THAT(outcome.err, Contains("intvit: interrupted after " + std::to_string(results.size()) + " of "));
    }
}

TEST_CASE("interrupted at once: no results, and the exit code tells") {
  for (const Signal &signal : signals)
    for (const std::vector<std::string> &arguments :
         {std::vector<std::string>{"bench", "--seconds", "3600"},
          {"classify", many_photographs()},
          {"eval", "--data", many_photographs()},
          {"quantize", "--weights", weights_folder(), "--calib", many_photographs(), "--calib-count",
           std::to_string(many), "-o", temporary_file("never")}}) {
      INFO(signal.number << " " << arguments[0]);
      RunningProgram program(arguments);
      program.wait_for_handler(signal.number);
      program.send(signal.number);
      const Outcome outcome = program.finish();
      CHECK(outcome.exit_code == signal.exit_code);
      CHECK_THAT(outcome.err, Contains("intvit: interrupted"));
    }
  CHECK_FALSE(fs::exists(temporary_file("never")));
}

TEST_CASE("a second signal ends the program without delay") {
  RunningProgram program({"classify", "-"});
  program.wait_for_handler(SIGINT);
  program.send(SIGINT);
  program.wait_for_handler(SIGINT, false);
  program.send(SIGINT);
  CHECK(program.finish().exit_code == -1);
}

TEST_CASE("a signal that was ignored at the start stays ignored") {
  // Shells start programs in the background like this.
  const Outcome outcome = run_shell("trap '' INT; \"$INTVIT\" classify -k 1 " + quoted(sample_photograph()) +
                                    " & program=$!; kill -INT $program; wait $program");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, Contains("cat"));
}

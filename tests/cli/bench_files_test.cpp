// intvit bench --files: what it prints and what it refuses.
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

TEST_CASE("bench --files: from the bytes of files to classes") {
  const std::string folder = temporary_file("bench_files");
  std::filesystem::create_directories(folder);
  for (int i = 0; i < 9; ++i)
    write_text(folder + "/" + std::to_string(i) + ".png", i == 4 ? "no picture" : read_text(sample_photograph()));
  const std::vector<std::string> base{"bench", "--files", folder, "--runs", "2", "-t", "1,3", "-b", "1,2"};
  const Outcome outcome = run_program(words(base, {"--format", "json"}));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(lines(without_disturbance(outcome.err)).size() == 4); // what cannot be read, once for each result
  CHECK_THAT(outcome.err, Contains(folder + "/4.png: "));
  const json object = json::parse(outcome.out)["results"];
  REQUIRE(object.size() == 4);
  for (const json &result : object) {
    CAPTURE(result.dump());
    CHECK(result["files"] == 8);
    REQUIRE(result["passes_s"].size() == 2);
    const double median = (result["passes_s"][0].get<double>() + result["passes_s"][1].get<double>()) / 2;
    CHECK(result["files_per_s"] == Approx(8 / median));
    double share = 0;
    for (const char *step : {"read", "decode", "resize", "network"}) {
      CHECK(result["ms"][step] > 0);
      share += result["share"][step].get<double>();
    }
    CHECK(share == Approx(1));
  }
  CHECK(object[3]["threads"] == 3);
  CHECK(object[3]["batch"] == 2);

  const Outcome csv = run_program(words(base, {"--format", "csv", "--warmup", "0"}));
  REQUIRE(lines(csv.out).size() == 5);
  CHECK(lines(csv.out)[0] == "model,isa,threads,batch,files,passes,files_per_s,read_ms,decode_ms,resize_ms,network_ms,"
                             "disturbed,lost_share");
  CHECK_THAT(lines(csv.out)[4], Contains(",3,2,8,2,"));
  const Outcome markdown = run_program(words(base, {"--preprocess", "resize=40,crop=32"}));
  CHECK_THAT(markdown.out, Contains("| files/s | read ms | decode ms | resize ms | network ms |") && Contains(" %) |"));

  const std::string empty = temporary_file("bench_no_files");
  std::filesystem::create_directories(empty);
  const Outcome none = run_program({"bench", "--files", empty});
  CHECK(none.exit_code == 1);
  CHECK_THAT(none.err, Contains(empty + ": no image in this folder"));
  write_text(empty + "/bad.png", "no picture");
  const Outcome unread = run_program({"bench", "--files", empty});
  CHECK(unread.exit_code == 1);
  CHECK_THAT(unread.err, Contains("bad.png: ") && Contains("no picture could be read"));
}

// Models that merge tokens, by every command that knows of it.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/image/decode.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

std::vector<std::string> quantize_to(const std::string &output) {
  return {"quantize", "--weights", weights_folder(), "--calib", photographs(), "-o", output};
}

json info(const std::string &model) {
  return json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
}

} // namespace

TEST_CASE("tokens: merged where --tokens says, and the commands tell") {
  const std::string model = temporary_file("merging.safetensors");
  const Outcome outcome = run_program(words(quantize_to(model), {"--tokens", "1"}));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(run_program({"verify", "-m", model}).exit_code == 0);
  const std::string usual = temporary_file("usual.safetensors");
  REQUIRE(run_program(quantize_to(usual)).exit_code == 0);

  const json merging = info(model);
  const json without = info(usual);
  const int tokens = merging["tokens"][0].get<int>();
  CHECK(merging["tokens"] == json::array({tokens, tokens - 1}));
  CHECK(without["tokens"] == json::array());
  CHECK(merging["work"].get<std::int64_t>() < without["work"].get<std::int64_t>());
  CHECK(merging["provenance"]["merging"] == "pairs=1");
  CHECK_FALSE(without["provenance"].contains("merging"));
  CHECK_THAT(run_program({"info", "-m", model}).out,
             Contains("\n  tokens         " + std::to_string(tokens) + " " + std::to_string(tokens - 1) + "\n"));

  for (const std::vector<std::string> &other : {std::vector<std::string>{"--float", weights_folder()}, {usual}}) {
    const Outcome compared = run_program(words({"compare", model, "--data", photographs(), "--format", "json"}, other));
    INFO(compared.err);
    CHECK(compared.exit_code == 0);
  }

  // The yardstick is the float model that merges nothing: what merges is farther from it.
  const auto judged = [](const std::string &file) {
    return json::parse(
        run_program({"eval", "-m", file, "--data", photographs(), "--float", weights_folder(), "--format", "json"})
            .out);
  };
  CHECK(judged(model)["float_top1"] == judged(usual)["float_top1"]);
  CHECK(judged(model)["cosine"].get<double>() < judged(usual)["cosine"].get<double>());

  const std::string picture = temporary_file("tokens.png");
  const Outcome drawn = run_program({"attention", sample_photograph(), "-m", model, "--tokens", "-o", picture});
  INFO(drawn.err);
  REQUIRE(drawn.exit_code == 0);
  CHECK_THAT(drawn.out, Contains(std::to_string(tokens - 1) + " tokens left of " + std::to_string(tokens - 1)));
  REQUIRE(load_image(picture).ok());
  CHECK(run_program({"attention", sample_photograph(), "-m", model, "--rollout", "-o", picture}).exit_code == 0);
  check_refused(
      {"attention", sample_photograph(), "-o", picture, "--tokens"},
      {{{"-m", usual}, 1, usual + ": the model merges no tokens (intvit quantize --speed-up makes one that does)"},
       {{"-m", model, "--rollout"}, 2, "--rollout does not go with --tokens, which draws no attention"}});
}

TEST_CASE("tokens: a search for them") {
  const std::string model = temporary_file("faster.safetensors");
  const Outcome outcome = run_program(words(quantize_to(model), {"--speed-up", "1.03"}));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK_THAT(info(model)["provenance"]["merging"].get<std::string>(), Contains("pairs="));
}

TEST_CASE("tokens: options that cannot be") {
  const std::string model = temporary_file("none.safetensors");
  check_refused(quantize_to(model),
                {{{"--tokens", "1", "--speed-up", "2"}, 2, "--tokens says where tokens are merged"},
                 {{"--speed-up", "1"}, 2, "--speed-up must be above 1 and at most 4"},
                 {{"--tokens", "1,x"}, 2, "--tokens: \"1,x\" is not a list of numbers such as 0,0,0,18,18"},
                 {{"--tokens", "999"}, 1, "block 0: cannot merge 999 pairs"},
                 {{"--speed-up", "4"}, 1, "merging tokens cannot make the model 4.00 times as fast"}});
  check_refused({"bench", "--runs", "1"},
                {{{"--arch", "swin_tiny_patch4_window7_224", "--speed-up", "1.5"},
                  1,
                  "tokens cannot be merged where they attend to one another within windows (Swin)"},
                 {{"--speed-up", "1.5"}, 2, "--speed-up goes with --arch; a model file has its own"}});
}

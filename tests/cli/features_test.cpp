// Models without classes: no command calls their features classes.
#include <cmath>
#include <cstring>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

// Of class tokens, of the mean of patches, and without one matrix product.
std::vector<std::string> models_without_classes() {
  return {random_vit_file("features_token.safetensors", {}, 1, 32, 0),
          random_vit_file("features_mean.safetensors", {}, 0, 32, 0),
          file_without_products("features_norm.safetensors")};
}

} // namespace

TEST_CASE("classify refuses models without classes") {
  for (const std::string &model : models_without_classes())
    for (const std::vector<std::string> &command :
         {std::vector<std::string>{"classify", "-m", model, sample_photograph()},
          {"classify", "-m", model, "--format", "json", "--raw-logits", sample_photograph()},
          {"classify", "-m", model, "--format", "csv", "-k", "1", sample_photograph()}}) {
      CAPTURE(command);
      const Outcome outcome = run_program(command);
      CHECK(outcome.exit_code == 1);
      CHECK(outcome.out.empty());
      CHECK_THAT(outcome.err, Contains(model + ": has no classes: it gives ") && Contains(" features"));
    }
}

TEST_CASE("eval tells how near alike pictures are, where there are no classes") {
  const std::string model = models_without_classes()[0];
  const std::string folder = temporary_file("alike");
  for (const auto &[group, shade] :
       std::vector<std::pair<std::string, int>>{{"cat", 0}, {"cat", 20}, {"dog", 200}, {"dog", 220}}) {
    std::filesystem::create_directories(folder + "/" + group);
    write_text(folder + "/" + group + "/" + std::to_string(shade) + ".ppm", photograph_with_square(shade));
  }
  const json result = json::parse(run_program({"eval", "-m", model, "--data", folder, "--format", "json"}).out);
  CHECK(result["outputs"] == "features");
  CHECK(result["images"] == 4);
  CHECK(result["nearest"] == 100.0);
  CHECK_FALSE(result.contains("cosine"));
  const Outcome text = run_program({"eval", "-m", model, "--data", folder});
  CHECK_THAT(text.out, Contains("images        4\nnearest       100.00 %\nimages/s"));
  check_refused({"eval", "-m", model, "--data", picture_folder(false)},
                {{{}, 1, "of which a single folder of pictures tells nothing: give the float weights with --float"}});
  // Pictures that cannot be read are told of before there are found to be too few.
  const std::string few = temporary_file("few");
  std::filesystem::create_directories(few);
  write_text(few + "/0.ppm", photograph_with_square(0));
  write_text(few + "/1.png", "no picture");
  const Outcome unread = run_program({"eval", "-m", model, "--data", few});
  CHECK(unread.exit_code == 1);
  CHECK_THAT(unread.err, Contains(few + "/1.png: ") && Contains("neighbours of 1 images tell nothing, give more"));
  check_refused({"eval", "-m", model, "--data", folder},
                {{{"--labels", "x.csv"}, 2, "--labels: the model has no classes"},
                 {{"--count", "2"}, 1, "neighbours of 2 images tell nothing"}});
}

TEST_CASE("info tells that there are no classes") {
  for (const std::string &model : models_without_classes()) {
    const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
    CHECK(info["classes"] == 0);
    CHECK(info["features"].get<int>() > 0);
    CHECK_THAT(run_program({"info", "-m", model}).out, Contains("  classes        none\n"));
  }
}

TEST_CASE("compare and inspect tell of features nothing about classes") {
  const std::string one = models_without_classes()[0];
  const std::string other =
      random_vit_file("features_lis.safetensors", {.softmax = intvit::kernels::Softmax::lis4}, 1, 32, 0);
  for (const bool labelled : {false, true}) { // labels.csv is of no use
    const std::string data = picture_folder(labelled);
    const Outcome text = run_program({"compare", one, other, "--data", data});
    CHECK(text.exit_code == 0);
    CHECK_THAT(text.out, Contains("images      3\ncosine ") && Contains("\nneighbours  ") && !Contains("agreement") &&
                             !Contains("top-1") && !Contains("class") && !Contains("differ"));
    const json object = json::parse(run_program({"compare", one, other, "--data", data, "--format", "json"}).out);
    CHECK(object["cosine"].get<double>() > 0.5);
    CHECK(object["neighbours"].get<double>() >= 0);
    for (const char *key : {"agreement", "differences", "first_top1"})
      CHECK_FALSE(object.contains(key));
    const std::vector<std::string> rows =
        lines(run_program({"compare", one, other, "--data", data, "--format", "csv"}).out);
    REQUIRE(rows.size() == 4);
    for (std::size_t i = 1; i < rows.size(); ++i)
      CHECK_THAT(rows[i], Contains(".ppm,,,,,,,,,0.") || Contains(".ppm,,,,,,,,,1"));
    const Outcome inspected = run_program({"inspect", "-m", one, "--data", data, "--format", "json"});
    CHECK(inspected.exit_code == 0);
    CHECK(json::parse(inspected.out)["images"] == 3);
  }
  check_refused({"compare", one, other, "--data", picture_folder(true)},
                {{{"--labels", picture_folder(true) + "/labels.csv"}, 2, "--labels: the model has no classes"}});
}

TEST_CASE("features --tokens gives a vector for each patch") {
  const std::string model = random_vit_file("patch_tokens.safetensors", {.patch_tokens = true}, 1, 32, 0);
  const std::string photograph = sample_photograph();
  const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out)["patch_tokens"];
  const auto rows = info["rows"].get<std::size_t>();
  const auto columns = info["columns"].get<std::size_t>();
  const auto channels = info["channels"].get<std::size_t>();
  CHECK(rows * columns > 1);
  CHECK(channels == 64);
  CHECK_THAT(run_program({"info", "-m", model}).out, Contains("  patch tokens   "));
  const std::vector<std::string> command = {"features", "-m", model, "--tokens"};

  const Outcome plain = run_program(words(command, {photograph}));
  INFO(plain.err);
  REQUIRE(plain.exit_code == 0);
  const json tokens = json::parse(plain.out)["tokens"];
  REQUIRE(tokens.size() == rows);
  for (const json &row : tokens) {
    REQUIRE(row.size() == columns);
    for (const json &token : row)
      REQUIRE(token.size() == channels);
  }
  const std::vector<std::string> table = lines(run_program(words(command, {photograph, "--format", "csv"})).out);
  REQUIRE(table.size() == 1 + rows * columns);
  CHECK_THAT(table[0], StartsWith("image,row,column,token_0,token_1,"));
  CHECK_THAT(table[1 + columns], StartsWith(photograph + ",1,0," + tokens[1][0][0].dump() + ","));

  const std::string array = temporary_file("tokens.npy");
  const Outcome written =
      run_program(words(command, {photograph, photograph, "--normalize", "--format", "npy", "-o", array}));
  INFO(written.err);
  REQUIRE(written.exit_code == 0);
  const std::string shape = "2 x " + std::to_string(rows) + " x " + std::to_string(columns) + " x 64 float32\n";
  CHECK_THAT(written.out, EndsWith(": " + shape));
  const std::string bytes = read_text(array);
  CHECK_THAT(bytes, Contains("'shape': (2, " + std::to_string(rows) + ", " + std::to_string(columns) + ", 64)"));
  std::vector<float> values(2 * rows * columns * channels);
  REQUIRE(bytes.size() == 128 + values.size() * sizeof(float));
  std::memcpy(values.data(), bytes.data() + 128, values.size() * sizeof(float));
  double squares = 0;
  for (std::size_t c = 0; c < channels; ++c)
    squares += std::pow(static_cast<double>(values[c]), 2);
  CHECK(squares == Approx(1).epsilon(1e-5));
  const double ratio = tokens[0][0][0].get<double>() / tokens[0][0][1].get<double>();
  CHECK(static_cast<double>(values[0]) / static_cast<double>(values[1]) == Approx(ratio).epsilon(1e-4));
}

TEST_CASE("features --tokens of models without") {
  const std::string model = models_without_classes()[0];
  CHECK(json::parse(run_program({"info", "-m", model, "--format", "json"}).out)["patch_tokens"].is_null());
  check_refused({"features", "-m", model, sample_photograph()},
                {{{"--tokens"}, 1, "gives no patch tokens: quantize it with --patch-tokens"}});
}

TEST_CASE("quantize --patch-tokens") {
  const std::string model = temporary_file("with_tokens.safetensors");
  const std::vector<std::string> command = {
      "quantize", "--weights", weights_folder(), "--calib", photographs(), "--patch-tokens", "-o", model};
  const Outcome outcome = run_program(command);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(run_program({"verify", "-m", model}).exit_code == 0);
  CHECK(run_program({"features", "-m", model, "--tokens", photographs()}).exit_code == 0);
  CHECK(run_program({"inspect", "-m", model, "--data", photographs()}).exit_code == 0);
  check_refused(command, {{{"--tokens", "1"}, 2, "--tokens merges patches: leave one of them out"},
                          {{"--speed-up", "1.2"}, 2, "--speed-up merges patches: leave one of them out"}});
}

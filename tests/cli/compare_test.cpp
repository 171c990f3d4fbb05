#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

json compare(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "compare");
  arguments.insert(arguments.end(), {"--format", "json"});
  const Outcome outcome = run_program(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return json::parse(outcome.out);
}

// The logits of a folder's images in the order of their names, as classify prints them.
std::vector<std::vector<double>> raw_logits(const std::string &model, const std::string &recipe,
                                            const std::string &folder) {
  const Outcome outcome =
      run_program({"classify", "-m", model, "--preprocess", recipe, "--raw-logits", "--format", "json", folder});
  REQUIRE(outcome.exit_code == 0);
  std::vector<std::vector<double>> logits;
  for (const json &line : json_lines(outcome.out))
    logits.push_back(line["logits"].get<std::vector<double>>());
  return logits;
}

std::ptrdiff_t best(const std::vector<double> &logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

} // namespace

TEST_CASE("compare: a model is like itself in every layer") {
  const json same = compare({shipped_model(), shipped_model(), "--data", picture_folder(false)});
  CHECK(same["first"] == shipped_model());
  CHECK(same["images"] == 3);
  CHECK(same["agreement"] == 100.0);
  CHECK(same["cosine"].get<double>() == Approx(1).margin(1e-12));
  CHECK(same["layers"].size() == 13);
  for (const json &layer : same["layers"])
    CHECK(layer["cosine"].get<double>() == Approx(1).margin(1e-12));
  CHECK(same["differences"].empty());
  CHECK_FALSE(same.contains("first_top1"));
}

TEST_CASE("compare: agreement and cosine are those of the logits that classify prints") {
  const std::string folder = picture_folder(false);
  const std::string recipe = "resize=32,crop=32";
  const std::string stranger = random_vit_file("stranger.safetensors");
  const json result = compare({shipped_model(), stranger, "--preprocess", recipe, "--data", folder});
  const auto first = raw_logits(shipped_model(), recipe, folder);
  const auto second = raw_logits(stranger, recipe, folder);
  REQUIRE(first.size() == 3);
  int same = 0;
  double cosine = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    same += best(first[i]) == best(second[i]);
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (std::size_t c = 0; c < 10; ++c) {
      ab += first[i][c] * second[i][c];
      aa += first[i][c] * first[i][c];
      bb += second[i][c] * second[i][c];
    }
    cosine += ab / std::sqrt(aa * bb) / 3;
  }
  CHECK(result["agreement"].get<double>() == Approx(100.0 * same / 3));
  CHECK(result["cosine"].get<double>() == Approx(cosine));
  CHECK(result["layers"].empty());
  REQUIRE(result["differences"].size() == static_cast<std::size_t>(3 - same));
  for (const json &difference : result["differences"]) {
    const auto image = static_cast<std::size_t>(std::filesystem::path(difference["image"]).stem().string()[0] - '0');
    CHECK(difference["first"]["index"] == best(first[image]));
    CHECK(difference["second"]["index"] == best(second[image]));
    CHECK(difference["first"]["label"] != difference["second"]["label"]);
    CHECK(difference["first"]["probability"].get<double>() > 0.1);
  }
  // A random model and a trained one cannot agree on all of a cat's pictures by chance of this seed.
  CHECK(same < 3);
}

TEST_CASE("compare with the float weights: eval's figures, and every layer") {
  const std::string folder = picture_folder(true);
  const json result = compare({shipped_model(), "--float", shipped_weights(), "--data", folder});
  const Outcome outcome =
      run_program({"eval", "-m", shipped_model(), "--float", shipped_weights(), "--data", folder, "--format", "json"});
  const json eval = json::parse(outcome.out);
  CHECK(result["images"] == eval["images"]);
  CHECK(result["agreement"].get<double>() == Approx(eval["agreement"].get<double>()));
  CHECK(result["cosine"].get<double>() == Approx(eval["cosine"].get<double>()));
  CHECK(result["first_top1"].get<double>() == Approx(eval["top1"].get<double>()));
  CHECK(result["second_top1"].get<double>() == Approx(eval["float_top1"].get<double>()));
  REQUIRE(result["layers"].size() == 13); // the embedding, and two a block
  CHECK(result["layers"][0]["name"] == "patch_embed");
  CHECK(result["layers"][12]["name"] == "blocks.5.mlp.fc2");
  for (const json &layer : result["layers"]) {
    CHECK(layer["cosine"].get<double>() > 0.99);
    CHECK(layer["cosine"].get<double>() < 0.999999);
    CHECK(layer["lowest_cosine"] <= layer["cosine"]);
  }
  CHECK(compare({shipped_model(), "--float", shipped_weights(), "--data", folder, "--count", "2"})["images"] == 2);
}

TEST_CASE("compare: text, CSV, class folders and labels of a file") {
  const std::string stranger = random_vit_file("other_stranger.safetensors");
  const std::string folder = picture_folder(true);
  const Outcome text = run_program({"compare", shipped_model(), stranger, "--data", folder});
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Contains("images      3") && Contains("agreement") && Contains("top-1") &&
                           Contains("no layer can be compared") && Contains("they differ on") &&
                           Contains("(it is airplane)"));
  const Outcome layers = run_program({"compare", shipped_model(), shipped_model(), "--data", folder, "-t", "2"});
  CHECK_THAT(layers.out, Contains("residual stream after") && Contains("blocks.5.mlp.fc2       1.000000  1.000000") &&
                             !Contains("they differ on"));

  const Outcome csv = run_program({"compare", shipped_model(), stranger, "--data", folder, "--format", "csv"});
  std::istringstream lines(csv.out);
  std::string line;
  std::getline(lines, line);
  CHECK_THAT(line, Catch::Matchers::StartsWith("image,label,first_index,first_label,first_probability,second_index"));
  int rows = 0;
  while (std::getline(lines, line)) {
    CHECK(std::count(line.begin(), line.end(), ',') == 9);
    CHECK_THAT(line, Catch::Matchers::StartsWith(folder + "/" + std::to_string(rows) + ".ppm," + std::to_string(rows)));
    ++rows;
  }
  CHECK(rows == 3);

  const std::string classes = temporary_file("class_folders");
  std::filesystem::create_directories(classes + "/cat");
  std::filesystem::create_directories(classes + "/ship");
  for (const char *name : {"cat/a.ppm", "ship/b.ppm"})
    write_text(classes + "/" + name, read_text(folder + "/0.ppm"));
  const json folders = compare({shipped_model(), shipped_model(), "--data", classes});
  CHECK(folders["images"] == 2);
  CHECK(folders["first_top1"].get<double>() <= 50);        // one picture under two names
  std::filesystem::create_directories(classes + "/zebra"); // no class: images without labels
  CHECK_FALSE(compare({shipped_model(), shipped_model(), "--data", classes}).contains("first_top1"));
  const std::string labels = temporary_file("compare_labels.csv");
  write_text(labels, "cat/a.ppm,3\n");
  CHECK(compare({shipped_model(), shipped_model(), "--data", classes, "--labels", labels})["images"] == 1);

  // One bad image is reported, the rest counts.
  write_text(labels, "cat/a.ppm,3\nmissing.ppm,1\n");
  const Outcome missing =
      run_program({"compare", shipped_model(), shipped_model(), "--data", classes, "--labels", labels});
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, Contains("missing.ppm"));
  CHECK_THAT(missing.out, Contains("images      1"));
}

TEST_CASE("compare's bad input") {
  const std::string model = shipped_model();
  const std::string folder = picture_folder(false);
  const std::string larger = random_vit_file("compare_larger.safetensors", {}, 1, 64);
  const std::string classes = random_vit_file("compare_classes.safetensors", {}, 1, 32, 7);
  const std::string empty = temporary_file("empty_folder");
  std::filesystem::create_directories(empty);
  const std::string labels = temporary_file("bad_labels.csv");
  write_text(labels, "0.ppm,77\n");
  const std::vector<Refusal> cases = {
      {{"--data", folder}, 2, "give two models, or one and --float"},
      {{model, "--data", folder}, 2, "give two models, or one and --float"},
      {{model, model, model, "--data", folder}, 2, "give two models, or one and --float"},
      {{model, model, "--float", shipped_weights(), "--data", folder}, 2, "give two models, or one and --float"},
      {{model, model}, 2, "--data is missing"},
      {{model, model, "--data", folder, "--format", "xml"}, 2, "--format"},
      {{model, model, "--data", folder, "--count", "-1"}, 2, "--count"},
      {{model, model, "--data", folder, "--preprocess", "crop=8"}, 2, "--preprocess gives images of 8 x 8"},
      {{model, "/nonexistent", "--data", folder}, 1, "/nonexistent"},
      {{model, "--float", "/nonexistent", "--data", folder}, 1, "/nonexistent"},
      {{model, model, "--data", "/nonexistent"}, 1, "/nonexistent"},
      {{model, model, "--data", empty}, 1, empty + ": no image in this folder"},
      {{model, model, "--data", folder, "--labels", labels}, 1, labels + ":1: class 77"},
      {{model, larger, "--data", folder}, 1, larger + ": the two models take images of other sizes"},
      {{model, classes, "--data", folder}, 1, classes + ": the two models have other numbers of classes"},
  };
  check_refused({"compare"}, cases);
}

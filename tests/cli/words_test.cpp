// Classifiers made of words, from the command line; and features.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include <catch2/catch.hpp>

#include "engine/container/safetensors.hpp"
#include "models/words/npy.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/models/import/clip_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

// quantize with these further words; the model's path.
std::string quantized_words(const std::string &folder, const std::vector<std::string> &further) {
  static int count = 0;
  std::string model = temporary_file("words-" + std::to_string(count++) + ".safetensors");
  const Outcome made =
      run_program(words({"quantize", "--weights", folder, "--calib", photographs(), "-o", model}, further));
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  return model;
}

std::string npy_file(Eigen::Index rows, Eigen::Index columns) {
  std::string path = temporary_file("embeddings-" + std::to_string(rows) + "x" + std::to_string(columns) + ".npy");
  RowMatrix matrix(rows, columns);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>((i * 7) % 11) - 4.5F;
  const std::vector<std::byte> bytes = npy_bytes(matrix);
  write_text(path, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
  return path;
}

// Of a ViT without a head, under timm's names.
std::string weights_alone() {
  const std::string folder = weights_folder();
  Result<SafetensorsFile> file = SafetensorsFile::open(folder + "/model.safetensors");
  REQUIRE(file.ok());
  SafetensorsWriter writer;
  for (const auto &[name, view] : file->tensors())
    if (!name.starts_with("head."))
      REQUIRE(writer.add_tensor(name, view.dtype, view.shape, view.bytes).ok());
  std::string other = temporary_file("alone");
  std::filesystem::create_directories(other);
  REQUIRE(writer.write(other + "/model.safetensors").ok());
  json config = json::parse(read_text(folder + "/config.json"));
  config["num_classes"] = 0;
  config.erase("label_names");
  write_text(other + "/config.json", config.dump());
  return other;
}

std::vector<std::string> labels_of(const std::string &model) {
  const Outcome outcome = run_program({"classify", "-m", model, "--format", "json", "-k", "100", sample_photograph()});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  std::vector<std::string> names;
  const json result = json::parse(outcome.out);
  for (const json &top : result["top"])
    names.push_back(top["label"]);
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace

TEST_CASE("quantize --classes: a classifier of words from a CLIP's folder, and other words for it") {
  const std::string folder = clip_folder();
  const std::string model =
      quantized_words(folder, {"--classes", "cat,dog,big bird", "--prompt", "{}, x", "--prompt", "{}"});
  CHECK(labels_of(model) == std::vector<std::string>{"big bird", "cat", "dog"});
  const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
  CHECK(info["classes"] == 3);
  CHECK(info["features"] == 6);
  CHECK(info["provenance"]["words"] == "{}, x | {}");
  CHECK(run_program({"verify", "-m", model}).exit_code == 0);

  const std::string names = temporary_file("names.txt");
  write_text(names, "ant\nbee\n");
  const std::string other = temporary_file("other.safetensors");
  const Outcome changed = run_program({"classes", "-m", model, "--weights", folder, "--classes", names, "-o", other});
  INFO(changed.err);
  REQUIRE(changed.exit_code == 0);
  CHECK_THAT(changed.out, Contains("other.safetensors: ") && Contains(" bytes, 2 classes\n"));
  CHECK(labels_of(other) == std::vector<std::string>{"ant", "bee"});
  CHECK(run_program({"verify", "-m", other}).exit_code == 0);

  // Texts of another checkpoint have nothing to do with these images.
  TransformersTensors stranger = clip_tensors();
  stranger.all["logit_scale"].values[0] = 2;
  const std::string another = clip_folder(stranger);
  const Outcome refused = run_program({"classes", "-m", model, "--weights", another, "--classes", names, "-o", other});
  CHECK(refused.exit_code == 1);
  CHECK_THAT(refused.err, Contains(another + "/model.safetensors: is not the checkpoint that the model was made of"));

  const Outcome given = run_program({"classes", "-m", model, "--classes", "a,b,c,d", "--text-features", npy_file(4, 6),
                                     "-o", other, "--format", "json"});
  INFO(given.err);
  REQUIRE(given.exit_code == 0);
  CHECK(json::parse(given.out)["classes"] == 4);
  CHECK(labels_of(other).size() == 4);
}

TEST_CASE("quantize --classes: embeddings made elsewhere, with a bias each class has a probability of its own") {
  const std::string folder = transformers_folder(siglip_tensors(), siglip_config(), clip_processor());
  const std::string model = quantized_words(folder, {"--classes", "cat,dog", "--text-features", npy_file(2, 12),
                                                     "--logit-scale", "10", "--logit-bias", "-3"});
  const json result = json::parse(run_program({"classify", "-m", model, "--format", "json", sample_photograph()}).out);
  CHECK(result["outputs"] == "labels");
  CHECK(result["top"].size() == 2);
  const std::string by_itself = quantized_words(folder, {"--classes", "cat,dog", "--text-features", npy_file(2, 12)});
  CHECK(json::parse(run_program({"info", "-m", by_itself, "--format", "json"}).out)["outputs"] == "labels");
  const std::string without =
      quantized_words(weights_alone(), {"--classes", "cat,dog", "--text-features", npy_file(2, 32)});
  const Outcome classified = run_program({"classify", "-m", without, "--format", "json", sample_photograph()});
  CHECK_FALSE(json::parse(classified.out).contains("outputs"));
  const std::string output = temporary_file("never.safetensors");
  check_refused({"classes", "-m", model, "--classes", "a,b", "-o", output},
                {{{}, 2, "--weights is missing"},
                 {{"--text-features", npy_file(2, 5)}, 1, "has features of 12 numbers, but the embeddings 5"},
                 {{"--text-features", npy_file(2, 12), "--max-gmac", "-1"}, 2, "--max-gmac"}});
  // A SigLIP's tower alone tells no scale, and CLIP's would be wrong.
  json tower = siglip_config()["vision_config"];
  tower["architectures"] = {"SiglipVisionModel"};
  tower["model_type"] = "siglip_vision_model";
  TransformersTensors of_images = siglip_tensors();
  std::erase_if(of_images.all, [](const auto &tensor) { return !tensor.first.starts_with("vision_model."); });
  const std::string alone = transformers_folder(of_images, tower, clip_processor());
  check_refused({"quantize", "--weights", alone, "--calib", photographs(), "-o", output, "--classes", "cat,dog",
                 "--text-features", npy_file(2, 12)},
                {{{}, 2, "give --logit-scale and --logit-bias"},
                 {{"--logit-scale", "10"}, 2, "give --logit-scale and --logit-bias"},
                 {{"--logit-bias", "-10"}, 2, "give --logit-scale and --logit-bias"}});
  quantized_words(alone, {"--classes", "cat,dog", "--text-features", npy_file(2, 12), "--logit-scale", "10",
                          "--logit-bias", "-10"});
}

TEST_CASE("quantize --classes and classes: words of a SigLIP, each with a probability of its own") {
  const std::optional<std::string> folder = siglip_folder();
  if (!folder)
    return;
  const std::string model = quantized_words(*folder, {"--classes", "cat,dog,boat"});
  const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
  CHECK(info["outputs"] == "labels");
  CHECK(info["provenance"]["words"] == "This is a photo of {}.");
  CHECK(labels_of(model) == std::vector<std::string>{"boat", "cat", "dog"});
  const std::string other = temporary_file("siglip-words.safetensors");
  const Outcome changed =
      run_program({"classes", "-m", model, "--weights", *folder, "--classes", "bird,bee", "-o", other});
  INFO(changed.err);
  REQUIRE(changed.exit_code == 0);
  CHECK(labels_of(other) == std::vector<std::string>{"bee", "bird"});
  CHECK(run_program({"verify", "-m", other}).exit_code == 0);
  const std::string spiece = *folder + "/spiece.model";
  CHECK(run_program({"classes", "-m", model, "--weights", *folder, "--classes", "bird", "-o", spiece}).exit_code == 1);
}

TEST_CASE("quantize --classes and classes: what is refused, and how") {
  const std::string folder = clip_folder();
  const std::string output = temporary_file("refused.safetensors");
  const std::vector<std::string> command{"quantize", "--weights", folder, "--calib", photographs(), "-o", output};
  check_refused(
      command,
      {{{"--prompt", "{}"}, 2, "--prompt goes with --classes"},
       {{"--text-features", "x.npy"}, 2, "--text-features goes with --classes"},
       {{"--classes", "a", "--logit-scale", "3"}, 2, "--logit-scale goes with --text-features"},
       {{"--classes", "a", "--prompt", "photo"}, 2, "--prompt \"photo\" has no {}"},
       {{"--classes", "a", "--text-features", "x.npy", "--prompt", "{}"},
        2,
        "--prompt does not go with --text-features"},
       {{"--classes", "a", "--labels", "x"}, 2, "--labels does not go with --classes"},
       {{"--classes", "a", "--outputs", "labels"}, 2, "--outputs does not go with --classes"},
       {{"--classes", "a,b", "--text-features", npy_file(2, 6), "--logit-scale", "0"},
        2,
        "scale of scores is 0.000000, must be between 0.000001 and 1000000"},
       {{"--classes", "a,,b"}, 1, "--classes: name 2 is empty"},
       {{"--classes", "a,a"}, 1, "--classes: name 2, \"a\", is there twice"},
       {{"--classes", "a,b", "--text-features", npy_file(3, 6)}, 1, "there are 3 embeddings for 2 names of classes"},
       {{"--classes", "a,b", "--text-features", npy_file(2, 7)},
        1,
        "the embeddings have 7 numbers each, but the model's features 6"}});
  check_refused({"quantize", "--weights", weights_folder(), "--calib", photographs(), "-o", output},
                {{{"--classes", "a,b"}, 1, "describes a model without a text tower"}});
  check_refused({"classes", "-m", shipped_model(), "--weights", folder, "-o", output},
                {{{}, 2, "--classes is missing"}, {{"--classes", "a"}, 1, "does not classify by words"}});
  CHECK_FALSE(std::filesystem::exists(output));
  const Outcome longer = run_program(words(command, {"--classes", "a name of many letters", "--prompt", "{}"}));
  CHECK(longer.exit_code == 0);
  CHECK_THAT(longer.err, Contains("intvit: warning: the model reads 7 tokens of a text, so not the end of \"a name of "
                                  "many letters\"\n"));
}

TEST_CASE("features: as JSON, CSV and NumPy, of models with a head and without, at length 1 or not") {
  const std::string folder = picture_folder(false);
  for (const std::string &model :
       {quantized_words(clip_folder(), {}), quantized_words(clip_folder(), {"--classes", "a,b"}),
        random_vit_file("features_random.safetensors", {}, 1, 32, 0), shipped_model()}) {
    const std::vector<json> lines_of = json_lines(run_program({"features", "-m", model, folder}).out);
    const auto width =
        json::parse(run_program({"info", "-m", model, "--format", "json"}).out)["features"].get<std::size_t>();
    if (width == 0)
      continue; // of an early version
    REQUIRE(lines_of.size() == 3);
    const std::vector<json> unit = json_lines(run_program({"features", "-m", model, "--normalize", folder}).out);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto values = lines_of[i]["features"].get<std::vector<double>>();
      const auto normalized = unit[i]["features"].get<std::vector<double>>();
      REQUIRE(values.size() == width);
      double squares = 0;
      double product = 0;
      double length = 0;
      for (std::size_t c = 0; c < width; ++c) {
        squares += normalized[c] * normalized[c];
        product += normalized[c] * values[c];
        length += values[c] * values[c];
      }
      CHECK(squares == Approx(1));
      CHECK(product == Approx(std::sqrt(length)));
    }
    const std::vector<std::string> csv = lines(run_program({"features", "-m", model, "--format", "csv", folder}).out);
    REQUIRE(csv.size() == 4);
    CHECK(csv[0].rfind("image,feature_0,feature_1,", 0) == 0);
    CHECK_THAT(csv[1], Contains(lines_of[0]["features"][1].dump()));
    const std::string output = temporary_file("features.npy");
    const Outcome outcome = run_program({"features", "-m", model, "--format", "npy", "-o", output, folder});
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.out, Contains("features.npy: 3 x " + std::to_string(width) + " float32\n"));
    const RowMatrix matrix = read_npy(output);
    REQUIRE(matrix.rows() == 3);
    for (Eigen::Index i = 0; i < 3; ++i)
      CHECK(matrix(i, 1) == lines_of[static_cast<std::size_t>(i)]["features"][1].get<float>());
  }
}

TEST_CASE("eval --float: features beside those of the float model") {
  const std::string folder = clip_folder();
  const std::string model = quantized_words(folder, {});
  const std::vector<std::string> command{"eval", "-m", model, "--data", photographs(), "--float", folder};
  const json result = json::parse(run_program(words(command, {"--format", "json"})).out);
  CHECK(result["outputs"] == "features");
  CHECK(result["cosine"].get<double>() > 0.9);
  for (const char *share : {"nearest", "float_nearest", "neighbours"}) {
    CHECK(result[share].get<double>() >= 0);
    CHECK(result[share].get<double>() <= 100);
  }
  CHECK_THAT(run_program(command).out,
             Contains("\nfloat nearest ") && Contains("\nneighbours    ") && Contains("\ncosine  "));
  const std::string classifier = quantized_words(folder, {"--classes", "a,b,c,d,e,f"}); // as many as features
  check_refused({"eval", "-m", classifier, "--data", picture_folder(true), "--float", folder},
                {{{}, 1, "the float model gives features, the integer model classes"}});
}

TEST_CASE("features: pictures that cannot be read, and command lines that make no sense") {
  const std::string model = random_vit_file("features_errors.safetensors", {}, 1, 32, 0);
  const Outcome outcome = run_program({"features", "-m", model, "/no/such.png", sample_photograph()});
  CHECK(outcome.exit_code == 1);
  CHECK(json_lines(outcome.out).size() == 1);
  CHECK_THAT(outcome.err, Contains("/no/such.png"));
  const std::string output = temporary_file("partly.npy");
  CHECK(run_program({"features", "-m", model, "--format", "npy", "-o", output, "/no/such.png", sample_photograph()})
            .exit_code == 1);
  CHECK_THROWS_WITH(read_npy(output), Contains("holds NaN")); // its first row
  check_refused({"features", "-m", model},
                {{{}, 2, "no image is given"},
                 {{"--format", "npy", sample_photograph()}, 2, "--output is missing"},
                 {{"-o", output, sample_photograph()}, 2, "--output goes with --format npy"}});
}

TEST_CASE("features: of standard input") {
  const std::string model = random_vit_file("features_input.safetensors", {}, 1, 32, 0);
  const std::string picture = photograph_with_square(7);
  const std::string file = temporary_file("input.ppm");
  write_text(file, picture);
  const Outcome piped = run_program({"features", "-m", model, "-"}, picture);
  INFO(piped.err);
  CHECK(piped.exit_code == 0);
  const std::vector<json> of_file = json_lines(run_program({"features", "-m", model, file}).out);
  const std::vector<json> of_input = json_lines(piped.out);
  REQUIRE(of_input.size() == 1);
  CHECK(of_input[0]["features"] == of_file[0]["features"]);
}

// Folders of Hugging Face's transformers from the command line.
#include <filesystem>
#include <random>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/models/import/transformers_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

std::string labelled_photographs() {
  std::string folder = temporary_file("transformers-photographs");
  for (const char *label : {"/ant", "/bee"})
    std::filesystem::create_directories(folder + label);
  write_text(folder + "/ant/photograph.png", read_text(sample_photograph()));
  write_text(folder + "/bee/photograph.ppm", photograph_with_square(0));
  return folder;
}

// So many and so different that they show how far values go.
std::string different_pictures() {
  const std::string folder = temporary_file("different-pictures");
  std::filesystem::create_directories(folder);
  std::mt19937 random(3);
  for (unsigned i = 0; i < 16; ++i) {
    std::string file = "P6\n32 24\n255\n";
    for (unsigned byte = 0; byte < 32 * 24 * 3; ++byte)
      file += static_cast<char>(random() % (16 * i + 16)); // from dark to light
    write_text(folder + "/" + std::to_string(i) + ".ppm", file);
  }
  return folder;
}

Outcome quantized_from(const std::string &weights, const std::string &output,
                       const std::vector<std::string> &further = {},
                       const std::string &pictures = labelled_photographs()) {
  std::vector<std::string> arguments{"quantize", "--weights", weights, "--calib", pictures, "-o", output};
  arguments.insert(arguments.end(), further.begin(), further.end());
  return run_program(arguments);
}

} // namespace

TEST_CASE("quantize and eval take a folder of transformers and need nothing else") {
  const TransformersTensors tensors = vit_tensors();
  const json preprocessor = {
      {"image_processor_type", "BitImageProcessor"}, {"size", {{"shortest_edge", 19}}}, {"crop_size", 16}};
  const std::string folder = transformers_folder(tensors, vit_config(), preprocessor);
  const std::string model = temporary_file("transformers.intvit.safetensors");
  const Outcome made = quantized_from(folder, model);
  REQUIRE(made.err == "");
  REQUIRE(made.exit_code == 0);
  CHECK(run_program({"verify", "-m", model}).exit_code == 0);
  const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
  CHECK(info["labels"] == json{"ant", "bee", "cat"});
  CHECK(info["recipe"] == "resize=19,crop=16,filter=bicubic,offset=down");
  CHECK(info["provenance"]["architecture"] == "vit");

  const Outcome eval =
      run_program({"eval", "-m", model, "--data", labelled_photographs(), "--float", folder, "--format", "json"});
  REQUIRE(eval.exit_code == 0);
  const json result = json::parse(eval.out);
  CHECK(result["images"] == 2);
  CHECK(result["agreement"] == 100);
  CHECK(result["cosine"].get<double>() > 0.95);

  // The same weights in shards make the same model, but for the hash of their files.
  write_shards(tensors.all, folder, 3);
  std::filesystem::remove(folder + "/model.safetensors");
  const std::string sharded = temporary_file("sharded.intvit.safetensors");
  REQUIRE(quantized_from(folder, sharded).exit_code == 0);
  const json other = json::parse(run_program({"info", "-m", sharded, "--format", "json"}).out);
  CHECK(other["provenance"]["source_sha256"] != info["provenance"]["source_sha256"]);

  const Outcome reported = quantized_from(folder, sharded, {"--format", "json", "--report"}, different_pictures());
  REQUIRE(reported.exit_code == 0);
  const json summary = json::parse(reported.out);
  CHECK(summary["model"] == sharded);
  CHECK(summary["bytes"] == std::filesystem::file_size(sharded));
  CHECK(summary["calibration_images"] == 16);
  REQUIRE(summary["layers"].size() > 8);
  for (const json &layer : summary["layers"]) {
    CAPTURE(layer.dump());
    CHECK((layer["sqnr_db"].is_null() || layer["sqnr_db"].get<double>() > 0));
  }
  CHECK_FALSE(json::parse(quantized_from(folder, sharded, {"--format", "json"}).out).contains("layers"));

  const std::string larger = temporary_file("larger.intvit.safetensors");
  REQUIRE(quantized_from(folder, larger, {"--image-size", "32"}).exit_code == 0);
  CHECK(json::parse(run_program({"info", "-m", larger, "--format", "json"}).out)["recipe"] ==
        "resize=38,crop=32,filter=bicubic,offset=down");
  const json at_size = json::parse(
      run_program({"eval", "-m", larger, "--data", labelled_photographs(), "--float", folder, "--format", "json"}).out);
  CHECK(at_size["cosine"].get<double>() > 0.95);
}

TEST_CASE("a malformed folder of transformers is an error that names its file") {
  const std::string output = temporary_file("never-written.safetensors");
  const std::string folder = transformers_folder(vit_tensors(), vit_config());
  struct Case {
    std::string file;
    std::string text;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"config.json", "{", "parse error"},
      {"config.json", std::string(1000000, '['), "nested deeper than 32 levels"},
      {"config.json", R"({"model_type": ")" + std::string(100000, 'x') + "\"}", "can be imported: vit, deit"},
      {"config.json", changed(vit_config(), {{"num_hidden_layers", 1e300}}).dump(), "\"num_hidden_layers\" must be"},
      {"config.json", changed(vit_config(), {{"hidden_act", {{"a", 1}}}}).dump(),
       "\"hidden_act\" must be a string, is {\"a\":1}"},
      {"preprocessor_config.json", R"({"size": 4000000000})", "\"size\" must be a positive integer"},
      {"preprocessor_config.json", "null", "must be a JSON object, is null"},
      {"model.safetensors", "12345678", "model.safetensors"},
  };
  for (const Case &wrong : cases) {
    CAPTURE(wrong.file, wrong.text.substr(0, 200));
    const std::string path = folder + "/" + wrong.file;
    const std::string whole = read_text(path);
    write_text(path, wrong.text);
    const Outcome outcome = quantized_from(folder, output);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, StartsWith("intvit: " + path) && Contains(wrong.message));
    CHECK(outcome.err.size() < 1000);
    write_text(path, whole);
  }
  CHECK(quantized_from(folder, output, {"--arch", "vit_tiny_patch16_224"}).exit_code == 1);
  CHECK(quantized_from(folder, output, {"--image-size", "17"}).exit_code == 1);
  CHECK(quantized_from(folder, output, {"--image-size", "x"}).exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(output));
}

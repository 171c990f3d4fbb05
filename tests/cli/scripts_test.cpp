// Names of files in any script. On Windows these are UTF-16, and the words of the command line are, too.
#include <filesystem>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "models/program/paths.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/support/data.hpp"

using intvit::file_path;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace fs = std::filesystem;

TEST_CASE("names of files and folders may be in any script") {
  // A picture, a folder and a model in Russian, Chinese, and a letter beyond the first 65536.
  const std::string folder =
      temporary_file("scripts") + "/\xD0\xBF\xD0\xB0\xD0\xBF\xD0\xBA\xD0\xB0 \xE6\xA8\xA1\xE5\x9E\x8B";
  fs::create_directories(file_path(folder));
  fs::copy(file_path(weights_folder()), file_path(folder + "/\xE6\xA8\xA1\xE5\x9E\x8B"));
  fs::create_directories(file_path(folder + "/\xF0\x9F\x90\x88/cat"));
  const std::string pictures = folder + "/\xF0\x9F\x90\x88";
  const std::string picture = pictures + "/cat/\xD0\xBA\xD0\xBE\xD1\x82.png";
  fs::copy_file(sample_photograph(), file_path(picture));
  const std::string model = folder + "/\xE2\x82\xAC.safetensors";

  const Outcome quantized =
      run_program({"quantize", "--weights", folder + "/\xE6\xA8\xA1\xE5\x9E\x8B", "--calib", pictures, "-o", model});
  INFO(quantized.err);
  REQUIRE(quantized.exit_code == 0);
  CHECK_THAT(quantized.out, Contains(model));
  CHECK(fs::exists(file_path(model)));

  const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
  CHECK(info["labels"][2] == "cat");

  for (const std::string &named : {picture, pictures}) {
    const Outcome classified = run_program({"classify", "-m", model, "--format", "json", named});
    CHECK(classified.err.empty());
    const std::vector<json> results = json_lines(classified.out);
    REQUIRE(results.size() == 1);
    CHECK(results[0]["image"] == picture);
  }
  CHECK_THAT(run_program({"classify", "-m", model, "--format", "csv", picture}).out, Contains("\n" + picture + ","));

  const std::string labels = folder + "/\xD0\xB8\xD0\xBC\xD0\xB5\xD0\xBD\xD0\xB0.csv";
  write_text(labels, "cat/\xD0\xBA\xD0\xBE\xD1\x82.png,cat\n");
  for (const std::vector<std::string> &further : {std::vector<std::string>{}, {"--labels", labels}}) {
    const Outcome evaluated =
        run_program(words({"eval", "-m", model, "--data", pictures, "--format", "json"}, further));
    CHECK(evaluated.err.empty());
    CHECK(evaluated.exit_code == 0);
    CHECK(json::parse(evaluated.out)["images"] == 1);
  }

  const std::string missing = pictures + "/\xD0\xBF\xD1\x91\xD1\x81.png";
  const Outcome none = run_program({"classify", "-m", model, missing});
  CHECK(none.exit_code == 1);
  CHECK(none.err == "intvit: " + missing + ": cannot open: No such file or directory\n");
}

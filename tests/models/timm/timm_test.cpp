// The import and the float reference against outputs that timm computed, see check_timm.py.
#include <cmath>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/container/safetensors.hpp"
#include "models/import/timm.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/timm/golden_weights.hpp"
#include "tests/support/data.hpp"

namespace intvit {

namespace {

using nlohmann::json;

// A folder as timm pushes it, with golden weights.
std::string weights_folder(const json &golden) {
  const std::string folder = test::temporary_file("timm");
  std::filesystem::create_directories(folder);
  SafetensorsWriter writer;
  for (const auto &[name, shape] : golden["tensors"].items()) {
    const test::WeightTensor tensor = test::golden_tensor(name, shape.get<std::vector<std::int64_t>>());
    REQUIRE(writer.add_tensor(name, DType::f32, tensor.shape, std::as_bytes(std::span(tensor.values))).ok());
  }
  REQUIRE(writer.write(folder + "/model.safetensors").ok());
  std::ofstream(folder + "/config.json") << golden["config"].dump();
  return folder;
}

} // namespace

TEST_CASE("small models of every architecture give timm's outputs") {
  int models = 0;
  for (const auto &entry : std::filesystem::directory_iterator(test::source_file("models/timm/goldens"))) {
    CAPTURE(entry.path().string());
    const json golden = json::parse(std::ifstream(entry.path()));
    const FloatModel model = load_timm(weights_folder(golden));
    const ModelConfig &config = common_config(model);
    const std::vector<float> outputs =
        reference::forward(model, test::golden_image(config.image_width, config.image_height));
    const auto expected = golden["outputs"].get<std::vector<double>>();
    REQUIRE(outputs.size() == expected.size());
    double largest = 0;
    for (const double value : expected)
      largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < expected.size(); ++i)
      CHECK(std::abs(static_cast<double>(outputs[i]) - expected[i]) < 2e-5 * largest);
    ++models;
  }
  CHECK(models == 10);
}

} // namespace intvit

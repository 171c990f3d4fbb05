// Folders as Hugging Face's transformers saves them, written by tests.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "models/architectures/weights.hpp"
#include "tests/models/import/weight_folder.hpp"

namespace intvit::test {

// Tensors by transformers' names, with random values.
class TransformersTensors {
public:
  WeightTensors all;

  void add(const std::string &name, std::vector<std::int64_t> shape);
  void add_linear(const std::string &name, std::int64_t outputs, std::int64_t inputs);
  void add_norm(const std::string &name, std::int64_t channels);

  // A tensor as rows; one without the leading 1 of tokens and positions.
  RowMatrix matrix(const std::string &name) const;

private:
  std::mt19937 generator_{11};
};

// 16 x 16 pixels in patches of 8, 6 channels, 2 blocks of 2 heads, 3 classes.
nlohmann::json vit_config();
TransformersTensors vit_tensors(const std::string &prefix = "vit.", std::int64_t prefix_tokens = 1);

// 32 x 32 pixels in patches of 4, windows of 4, stages of 4 and 8 channels.
nlohmann::json swin_config();
TransformersTensors swin_tensors();

// A ViTImageProcessor for 16 x 16 pixels.
nlohmann::json image_processor();

// The path of a folder with these files.
std::string transformers_folder(const TransformersTensors &tensors, const nlohmann::json &config,
                                const nlohmann::json &processor = image_processor());

// `object` with the entries of `patch` in place of its own.
nlohmann::json changed(nlohmann::json object, const nlohmann::json &patch);

} // namespace intvit::test

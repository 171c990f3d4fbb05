#include "tests/models/inspect/models.hpp"

#include <stdexcept>

#include "models/quantize/quantize.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit::test {

FloatModel small_vit(Pool pool, int prefix_tokens) {
  VitConfig config;
  config.architecture = "small";
  config.image_height = config.image_width = 32;
  config.patch = 8;
  config.channels = 32;
  config.depth = 3;
  config.heads = 2;
  config.mlp_hidden = 64;
  config.classes = 5;
  config.pool = pool;
  config.prefix_tokens = prefix_tokens;
  return random_weights(config, 11);
}

FloatModel small_swin() {
  SwinConfig config;
  config.architecture = "small_swin";
  config.image_height = config.image_width = 64;
  config.channels = 16;
  config.depths = {2, 2, 1};
  config.heads = {2, 4, 8};
  config.window = 4;
  config.classes = 20;
  return random_weights(config, 1);
}

std::shared_ptr<const Model> quantized(const FloatModel &model, const QuantizeOptions &options) {
  const ModelConfig &config = common_config(model);
  const std::vector<Image> calibration = random_images(12, config.image_width, config.image_height, 2);
  const std::vector<std::byte> bytes = quantize(
      {.model = model, .calibration = calibration, .recipe = squash_recipe(config.image_width, config.image_height)},
      options);
  const Result<ModelFile> file = ModelFile::parse(bytes, "model");
  if (!file.ok())
    throw std::runtime_error(file.status().message());
  Result<std::shared_ptr<const Model>> result = Model::create(*file);
  if (!result.ok())
    throw std::runtime_error(result.status().message());
  return *result;
}

} // namespace intvit::test

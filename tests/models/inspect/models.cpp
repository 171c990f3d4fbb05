#include "tests/models/inspect/models.hpp"

#include "models/quantize/quantize.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit::test {

FloatModel small_vit(Pool pool, int prefix_tokens) {
  return random_weights(small_vit_config({.height = 32,
                                          .width = 32,
                                          .channels = 32,
                                          .depth = 3,
                                          .hidden = 64,
                                          .prefix_tokens = prefix_tokens,
                                          .pool = pool}),
                        11);
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
  return load_model(parse_model(bytes));
}

} // namespace intvit::test

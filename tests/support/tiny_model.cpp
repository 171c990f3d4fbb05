#include "tests/support/tiny_model.hpp"

#include "models/architectures/vit.hpp"
#include "models/quantize/quantize.hpp"

namespace intvit::test {

std::vector<std::byte> tiny_model(const QuantizeOptions &options) {
  VitConfig config;
  config.architecture = "tiny";
  config.image_height = 16;
  config.image_width = 16;
  config.patch = 8;
  config.channels = 16;
  config.depth = 2;
  config.heads = 2;
  config.mlp_hidden = 32;
  config.classes = 5;
  const FloatModel model = random_weights(config, 1);
  const std::vector<Image> calibration = random_images(8, 16, 16, 2);
  return quantize({.model = model,
                   .calibration = calibration,
                   .recipe = squash_recipe(16, 16),
                   .labels = {"ant", "bee", "cat", "d\"o\\g", "\u00e9l\u00e9phant"},
                   .provenance = {{"architecture", "tiny"}, {"weights", "random"}}},
                  options);
}

} // namespace intvit::test

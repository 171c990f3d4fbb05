#include "tests/support/tiny_model.hpp"

#include "models/quantize/quantize.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit::test {

std::vector<std::byte> tiny_model(const QuantizeOptions &options) {
  const FloatModel model = random_weights(small_vit_config({.architecture = "tiny"}), 1);
  const std::vector<Image> calibration = random_images(8, 16, 16, 2);
  return quantize({.model = model,
                   .calibration = calibration,
                   .recipe = squash_recipe(16, 16),
                   .labels = {"ant", "bee", "cat", "d\"o\\g", "\u00e9l\u00e9phant"},
                   .provenance = {{"architecture", "tiny"}, {"weights", "random"}}},
                  options);
}

} // namespace intvit::test

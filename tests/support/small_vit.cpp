#include "tests/support/small_vit.hpp"

namespace intvit::test {

VitConfig small_vit_config(const SmallVit &vit) {
  VitConfig config;
  config.architecture = vit.architecture;
  config.image_height = vit.height;
  config.image_width = vit.width;
  config.patch = vit.patch;
  config.channels = vit.channels;
  config.depth = vit.depth;
  config.heads = vit.heads;
  config.mlp_hidden = vit.hidden;
  config.classes = vit.classes;
  config.prefix_tokens = vit.prefix_tokens;
  config.pool = vit.pool;
  return config;
}

} // namespace intvit::test

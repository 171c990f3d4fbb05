#include "models/quantize/random_model.hpp"

#include "models/quantize/random_network.hpp"

namespace intvit {

namespace {

std::vector<std::byte> random_integer_vit(const VitConfig &config, const QuantizeOptions &options, std::uint32_t seed) {
  RandomNetwork network(config, options, seed);
  network.patch_embed(config.channels, config.prefix_tokens);
  for (int layer = 0; layer < config.depth; ++layer) {
    // After the last block a head that reads tokens needs no others.
    const bool last = layer + 1 == config.depth && !config.pools_patches();
    network.block("blocks." + std::to_string(layer), config.block(), config.mlp_hidden,
                  last ? config.pooled_rows() : 0);
  }
  if (config.pool == VitPool::mean)
    network.mean_head(config.first_pooled(), config.pooled_rows(), config.classes);
  else if (config.pool == VitPool::normed_mean)
    network.normed_mean_head(config.first_pooled(), config.pooled_rows(), config.classes);
  else
    network.rows_head(config.pooled_rows(), config.classes);
  return network.finish(config.outputs());
}

std::vector<std::byte> random_integer_swin(const SwinConfig &config, const QuantizeOptions &options,
                                           std::uint32_t seed) {
  RandomNetwork network(config, options, seed);
  network.normalized_patch_embed(config.channels);
  for (int stage = 0; stage < config.stages(); ++stage) {
    const std::string name = "layers." + std::to_string(stage);
    if (stage > 0) {
      const Windows from = config.windows(stage - 1, 0);
      network.merge(name + ".downsample", from.grid_height, from.grid_width);
    }
    for (int block = 0; block < config.depths[static_cast<std::size_t>(stage)]; ++block)
      network.block(name + ".blocks." + std::to_string(block), config.block(stage, block),
                    config.stage_mlp_hidden(stage), 0);
  }
  network.normed_mean_head(0, config.windows(config.stages() - 1, 0).tokens(), config.classes);
  return network.finish(config.outputs());
}

} // namespace

std::vector<std::byte> random_model(const ArchitectureConfig &config, const QuantizeOptions &options,
                                    std::uint32_t seed) {
  validate(config);
  if (const auto *vit = std::get_if<VitConfig>(&config))
    return random_integer_vit(*vit, options, seed);
  return random_integer_swin(std::get<SwinConfig>(config), options, seed);
}

} // namespace intvit

#include "models/architectures/vit.hpp"

#include <stdexcept>

namespace intvit {

void validate(const VitConfig &config) {
  validate_common(config);
  validate_dimension("embedding dimension", config.channels, 16384);
  validate_dimension("depth", config.depth, 1024);
  validate_dimension("number of heads", config.heads, 1024);
  validate_multiple("embedding dimension", config.channels, "number of heads", config.heads);
  validate_dimension("MLP hidden dimension", config.mlp_hidden, 65536);
  if (config.prefix_tokens < 0 || config.prefix_tokens > 1024)
    throw std::runtime_error("number of prefix tokens is " + std::to_string(config.prefix_tokens) +
                             ", must be 0 to 1024");
  if (!config.pools_patches() && config.prefix_tokens < config.pooled_rows())
    throw std::runtime_error("the head reads " + std::to_string(config.pooled_rows()) + " prefix tokens of " +
                             std::to_string(config.prefix_tokens));
}

VitWeights::VitWeights(const VitConfig &config)
    : patch_embed(zero_linear(config.channels, config.patch_inputs())),
      prefix(RowMatrix::Zero(config.prefix_tokens, config.channels)),
      position(RowMatrix::Zero(config.patches(), config.channels)),
      blocks(static_cast<std::size_t>(config.depth), zero_block(config.channels, config.mlp_hidden)),
      norm(zero_layer_norm(config.channels)) {
  if (config.classes > 0)
    head = zero_linear(config.classes, config.features());
}

std::vector<NamedTensor> named_tensors(const VitConfig &config, VitWeights &weights) {
  NamedTensors tensors;
  const std::int64_t channels = config.channels;
  tensors.add_linear("patch_embed.proj", {channels, 3, config.patch, config.patch}, weights.patch_embed);
  if (config.prefix_tokens > 0)
    tensors.add("prefix", {config.prefix_tokens, channels}, weights.prefix.data());
  tensors.add("position", {config.patches(), channels}, weights.position.data());
  for (std::size_t i = 0; i < weights.blocks.size(); ++i)
    tensors.add_block("blocks." + std::to_string(i) + ".", channels, config.mlp_hidden, weights.blocks[i]);
  tensors.add_layer_norm("norm", channels, weights.norm);
  if (config.classes > 0)
    tensors.add_linear("head", {config.classes, config.features()}, weights.head);
  return tensors.take();
}

VitModel random_vit(const VitConfig &config, std::uint32_t seed) {
  validate(config);
  VitModel model{config, VitWeights(config), {}};
  randomize(named_tensors(config, model.weights), seed);
  return model;
}

} // namespace intvit

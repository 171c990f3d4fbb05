#include "models/architectures/vit.hpp"

#include <stdexcept>
#include <utility>

#include "kernels/layer_norm.hpp"

namespace intvit {

void validate(const VitConfig &config) {
  validate_common(config);
  validate_dimension("embedding dimension", config.channels, 16384);
  validate_dimension("depth", config.depth, 1024);
  validate_dimension("number of heads", config.heads, 1024);
  validate_multiple("embedding dimension", config.channels, "number of heads", config.heads);
  validate_dimension("MLP hidden dimension", config.mlp_hidden, 65536);
  if (config.embed_norm && config.pre_norm)
    throw std::runtime_error("patches that are normalized before their positions are added cannot be so after that");
  if (config.mlp.gated && config.pool == Pool::attention)
    throw std::runtime_error("attention pooling behind blocks with gated MLPs is not supported");
  if (config.mlp.normed)
    validate_dimension("hidden dimension of an MLP with a norm inside", config.mlp_hidden,
                       kernels::max_layer_norm_channels);
  if (config.rope.grid != Rope::Grid::none)
    validate_multiple("size of a head, which is turned along two axes,", config.head_dim(), "2 pairs", 4);
  if (config.rope.grid == Rope::Grid::index || config.rope.grid == Rope::Grid::centred)
    validate_range("temperature of rotary positions", config.rope.temperature, 1.0, 1e9);
  if (config.prefix_tokens < 0 || config.prefix_tokens > 1024)
    throw std::runtime_error("number of prefix tokens is " + std::to_string(config.prefix_tokens) +
                             ", must be 0 to 1024");
  if (config.pools_tokens() && config.prefix_tokens < config.pooled_rows())
    throw std::runtime_error("the head reads " + std::to_string(config.pooled_rows()) + " prefix tokens of " +
                             std::to_string(config.prefix_tokens));
  if (config.pool == Pool::attention)
    validate_dimension("hidden dimension of the pooling's MLP", config.pool_hidden, 65536);
  if (config.pool_heads != 0)
    validate_multiple("embedding dimension", config.channels, "number of heads of the pooling", config.pool_heads);
  if (config.projection != 0)
    validate_dimension("width of the projection", config.projection, 16384);
  if (config.projection != 0 &&
      (config.pool == Pool::token_pair || config.pool == Pool::normed_mean || config.pool == Pool::token_mean))
    throw std::runtime_error("a projection cannot read a pair of tokens, nor the mean of normalized ones");
  if (config.pool == Pool::token_mean && config.prefix_tokens == 0)
    throw std::runtime_error("the head reads the class token beside the mean of the patches, but there is none");
  if (config.projection != 0 && config.classes != 0 && !config.unit_length)
    throw std::runtime_error("a head cannot read projected features other than at length 1");
}

namespace {

BlockWeights zero_vit_block(const VitConfig &config) {
  BlockWeights block = zero_block(config.channels, config.mlp_hidden, config.mlp);
  if (config.attention_norm)
    block.attention_norm = zero_layer_norm(config.channels);
  if (config.position_bias)
    block.position_bias = RowMatrix::Zero(config.heads, config.block().bias_grid->biases());
  return block;
}

} // namespace

VitWeights::VitWeights(const VitConfig &config)
    : patch_embed(zero_linear(config.channels, config.patch_inputs())),
      prefix(RowMatrix::Zero(config.prefix_tokens, config.channels)),
      position(RowMatrix::Zero(config.patches(), config.channels)),
      blocks(static_cast<std::size_t>(config.depth), zero_vit_block(config)), norm(zero_layer_norm(config.channels)) {
  if (config.classes > 0)
    head = zero_linear(config.classes, config.features());
  if (!config.has_last_norm())
    norm = {};
  if (config.embed_norm)
    embed_norm = zero_layer_norm(config.channels);
  if (config.pre_norm)
    pre_norm = zero_layer_norm(config.channels);
  if (config.pool == Pool::attention)
    attention_pool = zero_attention_pool(config.channels, config.pool_hidden);
  if (config.projection > 0)
    projection = zero_linear(config.projection, config.pooled());
  if (config.rope.grid == Rope::Grid::learned)
    rope_frequencies = RowMatrix::Zero(Eigen::Index{2} * config.depth, config.channels / 2);
}

std::vector<NamedTensor> named_tensors(const VitConfig &config, VitWeights &weights) {
  NamedTensors tensors;
  const std::int64_t channels = config.channels;
  tensors.add_linear("patch_embed.proj", {channels, 3, config.patch, config.patch}, weights.patch_embed);
  if (config.prefix_tokens > 0)
    tensors.add("prefix", {config.prefix_tokens, channels}, weights.prefix.data());
  tensors.add("position", {config.patches(), channels}, weights.position.data());
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    tensors.add_block(block, channels, config.mlp_hidden, weights.blocks[i]);
    if (config.position_bias)
      tensors.add(block + "attn.position_bias", {config.heads, config.block().bias_grid->biases()},
                  weights.blocks[i].position_bias.data());
  }
  if (config.has_last_norm())
    tensors.add_layer_norm("norm", channels, weights.norm);
  if (config.classes > 0)
    tensors.add_linear("head", {config.classes, config.features()}, weights.head);
  if (config.embed_norm)
    tensors.add_layer_norm("patch_embed.norm", channels, weights.embed_norm);
  if (config.pre_norm)
    tensors.add_layer_norm("norm_pre", channels, weights.pre_norm);
  if (config.pool == Pool::attention)
    tensors.add_attention_pool("attn_pool.", channels, config.pool_hidden, weights.attention_pool);
  if (config.projection > 0)
    tensors.add_linear("projection", {config.projection, config.pooled()}, weights.projection);
  if (config.rope.grid == Rope::Grid::learned)
    tensors.add("rope.freqs", {std::int64_t{2} * config.depth, channels / 2}, weights.rope_frequencies.data());
  return tensors.take();
}

void set_image_size(VitModel &model, int height, int width, Resampling resampling) {
  VitConfig config = model.config;
  config.image_height = height;
  config.image_width = width;
  validate(config);
  const bool same =
      config.grid_height() == model.config.grid_height() && config.grid_width() == model.config.grid_width();
  if (!same && config.position_bias)
    throw std::runtime_error("images of " + std::to_string(width) + " x " + std::to_string(height) +
                             " pixels have another grid of patches, and position biases cannot be resampled");
  if (!same)
    model.weights.position =
        resample_positions(model.weights.position, model.config.grid_height(), model.config.grid_width(),
                           config.grid_height(), config.grid_width(), resampling);
  model.config = config;
}

Network network(const VitConfig &config, const VitWeights *weights) {
  Network result;
  result.common = static_cast<const ModelConfig &>(config);
  result.embedding = {.channels = config.channels,
                      .prefix_tokens = config.prefix_tokens,
                      .normed_patches = config.embed_norm,
                      .pre_norm = config.pre_norm};
  std::shared_ptr<const Rotation> shared;
  if (config.rope.grid == Rope::Grid::index || config.rope.grid == Rope::Grid::centred)
    shared = rotation(config.rope, config.grid_height(), config.grid_width(), config.head_dim(), config.prefix_tokens);
  const auto block_config = [&](int index) {
    BlockConfig block = config.block();
    block.rotation = shared;
    if (config.rope.grid == Rope::Grid::learned) {
      const RowMatrix frequencies = weights == nullptr
                                        ? RowMatrix(RowMatrix::Constant(2, config.channels / 2, 0.1F))
                                        : RowMatrix(weights->rope_frequencies.middleRows(Eigen::Index{2} * index, 2));
      block.rotation = rotation(frequencies.data(), config.channels / 2, config.grid_height(), config.grid_width(),
                                config.prefix_tokens);
    }
    return block;
  };
  // After the last block a head that reads tokens needs no others.
  for (int i = 0; i < config.depth; ++i)
    result.body.push_back(
        BlockPart{.name = "blocks." + std::to_string(i),
                  .config = block_config(i),
                  .mlp_hidden = config.mlp_hidden,
                  .kept_rows = i + 1 == config.depth && config.pools_tokens() ? config.pooled_rows() : 0,
                  .weights = weights == nullptr ? nullptr : &weights->blocks[static_cast<std::size_t>(i)]});
  result.end = {.pool = config.end_pool(),
                .first = config.first_pooled(),
                .rows = config.pooled_rows(),
                .patches = config.pool == Pool::token_mean ? config.prefix_tokens : 0,
                .channels = config.channels,
                .projection = config.projection,
                .unit_length = config.unit_length && config.classes > 0,
                .classes = config.classes,
                .pool_block = config.pool_block(),
                .pool_hidden = config.pool_hidden};
  if (weights != nullptr) {
    result.embedding.patch_embed = &weights->patch_embed;
    result.embedding.prefix = &weights->prefix;
    result.embedding.position = &weights->position;
    result.end.norm = config.has_last_norm() ? &weights->norm : nullptr;
    result.end.head = &weights->head;
    if (config.embed_norm)
      result.embedding.norm = &weights->embed_norm;
    if (config.pre_norm)
      result.embedding.norm = &weights->pre_norm;
    if (config.pool == Pool::attention)
      result.end.attention = &weights->attention_pool;
    if (config.projection > 0)
      result.end.projected = &weights->projection;
  }
  return result;
}

} // namespace intvit

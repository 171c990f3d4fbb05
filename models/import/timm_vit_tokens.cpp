// What timm's ViTs make of an image before the first block: patch embedding, tokens, positions.
#include <algorithm>

#include "models/architectures/positions.hpp"
#include "models/import/timm_vit_form.hpp"

namespace intvit::importer {

namespace {

// NaFlexVit's patches are rows of pixels, [y, x, colour].
LinearWeights read_naflex_embedding(TensorReader &tensors, const VitConfig &config) {
  LinearWeights layer = tensors.linear("embeds.proj", {config.channels, config.patch_inputs()});
  const RowMatrix by_pixel = layer.weight;
  const Eigen::Index pixels = Eigen::Index{config.patch} * config.patch;
  for (Eigen::Index colour = 0; colour < 3; ++colour)
    for (Eigen::Index pixel = 0; pixel < pixels; ++pixel)
      layer.weight.col(colour * pixels + pixel) = by_pixel.col(pixel * 3 + colour);
  return layer;
}

// NaFlexVit has positions of a grid of its own, or of its rows and columns alone, and resamples them to that of any
// picture.
RowMatrix read_naflex_positions(TensorReader &tensors, const VitConfig &config) {
  const std::int64_t channels = config.channels;
  const int longer = std::max(config.grid_height(), config.grid_width());
  const int height = config.square_positions ? longer : config.grid_height();
  const int width = config.square_positions ? longer : config.grid_width();
  RowMatrix positions(config.patches(), channels);
  if (tensors.has("embeds.pos_embed_y")) {
    const auto along = [&](const char *name, int length) {
      const int stored = tensors.dimension(name, 1);
      return resample_positions(tensors.matrix(name, {1, stored, channels}, channels), stored, 1, length, 1,
                                Resampling::linear);
    };
    const RowMatrix rows = along("embeds.pos_embed_y", height);
    const RowMatrix columns = along("embeds.pos_embed_x", width);
    for (Eigen::Index i = 0; i < positions.rows(); ++i)
      positions.row(i) = rows.row(i / config.grid_width()) + columns.row(i % config.grid_width());
    return positions;
  }
  const char *name = "embeds.pos_embed";
  const int stored_height = tensors.dimension(name, 1);
  const int stored_width = tensors.dimension(name, 2);
  RowMatrix grid = tensors.matrix(name, {1, stored_height, stored_width, channels}, channels);
  if (stored_height == config.grid_height() && stored_width == config.grid_width())
    return grid;
  grid = resample_positions(grid, stored_height, stored_width, height, width, config.resampling);
  const Eigen::Index kept = config.grid_width();
  for (Eigen::Index y = 0; y < config.grid_height(); ++y)
    positions.middleRows(y * kept, kept) = grid.middleRows(y * width, kept);
  return positions;
}

} // namespace

LinearWeights read_timm_embedding(TensorReader &tensors, const VitConfig &config, const VitForm &form) {
  if (!form.embeds.empty())
    return read_naflex_embedding(tensors, config);
  return tensors.patch_embedding("patch_embed.proj", config.channels, form.colours, config.patch, form.patch_bias);
}

// timm joins class token, distillation token and registers in this order.
void read_timm_tokens(TensorReader &tensors, const VitConfig &config, const VitForm &form, VitWeights &weights) {
  const std::int64_t channels = config.channels;
  weights.prefix.resize(config.prefix_tokens, channels);
  Eigen::Index row = 0;
  const auto append = [&](const char *name, int rows) {
    if (rows > 0)
      weights.prefix.middleRows(row, rows) = tensors.matrix(form.embeds + name, {1, rows, channels}, channels);
    row += rows;
  };
  append("cls_token", static_cast<int>(form.class_token));
  append("dist_token", static_cast<int>(form.distillation_token));
  append("reg_token", form.registers);
  if (!form.embeds.empty()) {
    weights.position = read_naflex_positions(tensors, config);
    return;
  }
  if (!config.positions) {
    weights.position = RowMatrix::Zero(config.patches(), channels);
    return;
  }
  const int positions = config.patches() + (form.prefix_positions ? config.prefix_tokens : 0);
  const RowMatrix position = tensors.matrix("pos_embed", {1, positions, channels}, channels);
  if (form.prefix_positions)
    weights.prefix += position.topRows(config.prefix_tokens);
  weights.position = position.bottomRows(config.patches());
}

} // namespace intvit::importer

#include "models/reference/forward.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "models/reference/layers.hpp"
#include "models/reference/matmul.hpp"

namespace intvit::reference {

namespace {

void report(Observer *observer, int layer, SiteKind kind, const MatrixView &activation, int head = 0) {
  if (observer != nullptr)
    observer->observe({layer, kind, head}, activation);
}

} // namespace

RowMatrix extract_patches(const VitConfig &config, const Image &pixels) {
  if (pixels.width != config.image_width || pixels.height != config.image_height)
    throw std::invalid_argument("image is " + std::to_string(pixels.width) + "x" + std::to_string(pixels.height) +
                                ", the model takes " + std::to_string(config.image_width) + "x" +
                                std::to_string(config.image_height));
  if (pixels.rgb.size() != pixels.row_bytes() * static_cast<std::size_t>(pixels.height))
    throw std::invalid_argument("image holds " + std::to_string(pixels.rgb.size()) +
                                " bytes, not the pixels that its size says");
  RowMatrix patches(config.patches(), config.patch_inputs());
  for (int colour = 0; colour < 3; ++colour) {
    const auto index = static_cast<std::size_t>(colour);
    // (pixel / 255 - mean) / std as one multiplication and one addition.
    const auto scale = static_cast<float>(1.0 / (255.0 * config.std[index]));
    const auto offset = static_cast<float>(-config.mean[index] / config.std[index]);
    for (int y = 0; y < config.image_height; ++y) {
      const std::uint8_t *row = pixels.rgb.data() + static_cast<std::size_t>(y) * pixels.row_bytes();
      for (int x = 0; x < config.image_width; ++x) {
        const int patch = (y / config.patch) * config.grid_width() + x / config.patch;
        const int input = (colour * config.patch + y % config.patch) * config.patch + x % config.patch;
        patches(patch, input) = static_cast<float>(row[x * 3 + colour]) * scale + offset;
      }
    }
  }
  return patches;
}

RowMatrix embed(const VitWeights &weights, const MatrixView &patches) {
  RowMatrix tokens(patches.rows() + 1, weights.cls_token.cols());
  tokens.row(0) = weights.cls_token;
  tokens.bottomRows(patches.rows()) = linear(patches, weights.patch_embed);
  return tokens + weights.pos_embed;
}

RowMatrix attention(const MatrixView &qkv, int heads, int layer, Observer *observer) {
  const Eigen::Index channels = qkv.cols() / 3;
  const Eigen::Index head_dim = channels / heads;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  RowMatrix output(qkv.rows(), channels);
  for (int head = 0; head < heads; ++head) {
    const Eigen::Index column = head * head_dim;
    const MatrixView query = qkv.middleCols(column, head_dim);
    const MatrixView key = qkv.middleCols(channels + column, head_dim);
    const MatrixView value = qkv.middleCols(2 * channels + column, head_dim);
    const RowMatrix scores = matmul_transposed(query, key) * scale;
    report(observer, layer, SiteKind::attention_scores, scores, head);
    const RowMatrix probabilities = softmax(scores);
    report(observer, layer, SiteKind::attention_probabilities, probabilities, head);
    output.middleCols(column, head_dim) = matmul(probabilities, value);
  }
  return output;
}

RowMatrix block_forward(const VitConfig &config, const BlockWeights &block, const MatrixView &stream, int layer,
                        Observer *observer) {
  const auto tap = [&](SiteKind kind, const MatrixView &activation) { report(observer, layer, kind, activation); };

  tap(SiteKind::block_input, stream);
  RowMatrix normalized = normalize(stream, config.layer_norm_eps);
  tap(SiteKind::norm1_normalized, normalized);
  RowMatrix normed = affine(normalized, block.norm1);
  tap(SiteKind::norm1_output, normed);
  const RowMatrix qkv = linear(normed, block.qkv);
  tap(SiteKind::query, qkv.leftCols(config.channels));
  tap(SiteKind::key, qkv.middleCols(config.channels, config.channels));
  tap(SiteKind::value, qkv.rightCols(config.channels));
  const RowMatrix attended = attention(qkv, config.heads, layer, observer);
  tap(SiteKind::attention_output, attended);
  const RowMatrix middle = stream + linear(attended, block.proj);

  tap(SiteKind::block_middle, middle);
  normalized = normalize(middle, config.layer_norm_eps);
  tap(SiteKind::norm2_normalized, normalized);
  normed = affine(normalized, block.norm2);
  tap(SiteKind::norm2_output, normed);
  RowMatrix hidden = linear(normed, block.fc1);
  tap(SiteKind::fc1_output, hidden);
  hidden = gelu(hidden);
  tap(SiteKind::gelu_output, hidden);
  return middle + linear(hidden, block.fc2);
}

RowVector classify(const VitModel &model, const MatrixView &stream, Observer *observer) {
  const auto tap = [&](SiteKind kind, const MatrixView &activation) {
    report(observer, model.config.depth, kind, activation);
  };

  tap(SiteKind::final_input, stream);
  const RowMatrix normalized = normalize(stream.topRows(1), model.config.layer_norm_eps);
  tap(SiteKind::final_normalized, normalized);
  const RowMatrix normed = affine(normalized, model.weights.norm);
  tap(SiteKind::final_output, normed);
  const RowMatrix logits = linear(normed, model.weights.head);
  tap(SiteKind::logits, logits);
  return logits.row(0);
}

std::vector<float> forward(const VitModel &model, const Image &pixels, Observer *observer) {
  RowMatrix stream = embed(model.weights, extract_patches(model.config, pixels));
  for (int layer = 0; layer < model.config.depth; ++layer)
    stream =
        block_forward(model.config, model.weights.blocks[static_cast<std::size_t>(layer)], stream, layer, observer);
  const RowVector logits = classify(model, stream, observer);
  return {logits.data(), logits.data() + logits.size()};
}

} // namespace intvit::reference

#include "models/reference/forward.hpp"

#include <stdexcept>
#include <string>

#include "models/reference/attention.hpp"
#include "models/reference/layers.hpp"

namespace intvit::reference {

RowMatrix extract_patches(const ModelConfig &config, const Image &pixels) {
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

RowMatrix embed(const VitModel &model, const MatrixView &patches) {
  const VitWeights &weights = model.weights;
  RowMatrix tokens(weights.prefix.rows() + patches.rows(), weights.position.cols());
  tokens.topRows(weights.prefix.rows()) = weights.prefix;
  tokens.bottomRows(patches.rows()) = linear(patches, weights.patch_embed) + weights.position;
  return tokens;
}

RowMatrix embed(const SwinModel &model, const MatrixView &patches, Observer *observer) {
  const RowMatrix embedding = linear(patches, model.weights.patch_embed);
  report(observer, 0, SiteKind::embedding, embedding);
  const RowMatrix normalized = normalize(embedding, model.config.layer_norm_eps);
  report(observer, 0, SiteKind::embedding_normalized, normalized);
  return affine(normalized, model.weights.patch_norm);
}

RowMatrix block_forward(const BlockConfig &config, const BlockWeights &block, const MatrixView &stream, int layer,
                        Observer *observer) {
  const auto tap = [&](SiteKind kind, const MatrixView &activation) { report(observer, layer, kind, activation); };

  tap(SiteKind::block_input, stream);
  RowMatrix normalized = normalize(stream, config.layer_norm_eps);
  tap(SiteKind::norm1_normalized, normalized);
  RowMatrix normed = affine(normalized, block.norm1);
  tap(SiteKind::norm1_output, normed);
  const RowMatrix qkv = linear(normed, block.qkv);
  tap(SiteKind::query, qkv.leftCols(stream.cols()));
  tap(SiteKind::key, qkv.middleCols(stream.cols(), stream.cols()));
  tap(SiteKind::value, qkv.rightCols(stream.cols()));
  const RowMatrix attended = attention(config, block.position_bias, qkv, layer, observer);
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

RowMatrix merge_patches(const SwinModel &model, int stage, const MatrixView &stream, int layer, Observer *observer) {
  const SwinStageWeights &weights = model.weights.stages[static_cast<std::size_t>(stage)];
  const Windows to = model.config.windows(stage, 0);
  const Eigen::Index channels = stream.cols();
  report(observer, layer, SiteKind::merge_input, stream);
  RowMatrix merged(to.tokens(), 4 * channels);
  for (int y = 0; y < to.grid_height; ++y)
    for (int x = 0; x < to.grid_width; ++x)
      for (int part = 0; part < 4; ++part) {
        const int from = (2 * y + part % 2) * 2 * to.grid_width + 2 * x + part / 2;
        merged.row(y * to.grid_width + x).segment(part * channels, channels) = stream.row(from);
      }
  const RowMatrix normalized = normalize(merged, model.config.layer_norm_eps);
  report(observer, layer, SiteKind::merge_normalized, normalized);
  return linear(affine(normalized, weights.merge_norm), weights.merge);
}

namespace {

RowMatrix mean_of_rows(const MatrixView &x) {
  RowMatrix mean(1, x.cols());
  for (Eigen::Index column = 0; column < x.cols(); ++column) {
    double sum = 0.0;
    for (Eigen::Index row = 0; row < x.rows(); ++row)
      sum += static_cast<double>(x(row, column));
    mean(0, column) = static_cast<float>(sum / static_cast<double>(x.rows()));
  }
  return mean;
}

// What is left to do after the last block; reports the final sites.
class Classifier {
public:
  Classifier(int layer, double eps, Observer *observer) : layer_(layer), eps_(eps), observer_(observer) {}

  void tap(SiteKind kind, const MatrixView &activation) const { report(observer_, layer_, kind, activation); }

  RowMatrix norm(const MatrixView &rows, const LayerNormWeights &weights) const {
    const RowMatrix normalized = normalize(rows, eps_);
    tap(SiteKind::final_normalized, normalized);
    RowMatrix normed = affine(normalized, weights);
    tap(SiteKind::final_output, normed);
    return normed;
  }

  RowMatrix mean(const MatrixView &rows) const {
    RowMatrix mean = mean_of_rows(rows);
    tap(SiteKind::final_mean, mean);
    return mean;
  }

  // Features pass where there is no head.
  RowVector head(const MatrixView &features, const LinearWeights &weights) const {
    const RowMatrix logits = weights.weight.size() == 0 ? RowMatrix(features) : linear(features, weights);
    tap(SiteKind::logits, logits);
    return logits.row(0);
  }

private:
  int layer_;
  double eps_;
  Observer *observer_;
};

std::vector<float> to_vector(const RowVector &row) {
  return {row.data(), row.data() + row.size()};
}

} // namespace

RowVector classify(const VitModel &model, const MatrixView &stream, Observer *observer) {
  const VitConfig &config = model.config;
  const Classifier classifier(config.depth, config.layer_norm_eps, observer);
  classifier.tap(SiteKind::final_input, stream);
  const Eigen::Index first = stream.rows() == config.tokens() ? config.first_pooled() : 0;
  RowMatrix pooled = stream.middleRows(first, config.pooled_rows());
  if (config.pool == VitPool::mean)
    pooled = classifier.mean(pooled);
  pooled = classifier.norm(pooled, model.weights.norm);
  if (config.pool == VitPool::normed_mean)
    pooled = classifier.mean(pooled);
  // Two tokens side by side: rows lie one behind the other already.
  return classifier.head(Eigen::Map<const RowMatrix>(pooled.data(), 1, config.features()), model.weights.head);
}

RowVector classify(const SwinModel &model, const MatrixView &stream, Observer *observer) {
  const Classifier classifier(model.config.depth(), model.config.layer_norm_eps, observer);
  classifier.tap(SiteKind::final_input, stream);
  return classifier.head(classifier.mean(classifier.norm(stream, model.weights.norm)), model.weights.head);
}

std::vector<float> forward(const VitModel &model, const Image &pixels, Observer *observer) {
  RowMatrix stream = embed(model, extract_patches(model.config, pixels));
  for (int layer = 0; layer < model.config.depth; ++layer)
    stream = block_forward(model.config.block(), model.weights.blocks[static_cast<std::size_t>(layer)], stream, layer,
                           observer);
  return to_vector(classify(model, stream, observer));
}

std::vector<float> forward(const SwinModel &model, const Image &pixels, Observer *observer) {
  RowMatrix stream = embed(model, extract_patches(model.config, pixels), observer);
  int layer = 0;
  for (int stage = 0; stage < model.config.stages(); ++stage) {
    if (stage > 0)
      stream = merge_patches(model, stage, stream, layer, observer);
    int index = 0;
    for (const BlockWeights &block : model.weights.stages[static_cast<std::size_t>(stage)].blocks)
      stream = block_forward(model.config.block(stage, index++), block, stream, layer++, observer);
  }
  return to_vector(classify(model, stream, observer));
}

std::vector<float> forward(const FloatModel &model, const Image &pixels, Observer *observer) {
  return std::visit([&](const auto &m) { return forward(m, pixels, observer); }, model);
}

} // namespace intvit::reference

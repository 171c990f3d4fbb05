#include "models/reference/forward.hpp"

#include <array>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/overloaded.hpp"
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
    for (int y = 0; y < config.grid_height() * config.patch; ++y) {
      const std::uint8_t *row = pixels.rgb.data() + static_cast<std::size_t>(y) * pixels.row_bytes();
      for (int x = 0; x < config.grid_width() * config.patch; ++x) {
        const int patch = (y / config.patch) * config.grid_width() + x / config.patch;
        const int input = (colour * config.patch + y % config.patch) * config.patch + x % config.patch;
        patches(patch, input) = static_cast<float>(row[x * 3 + colour]) * scale + offset;
      }
    }
  }
  return patches;
}

RowMatrix embed(const Network &network, const MatrixView &patches, Observer *observer) {
  const EmbeddingPart &part = network.embedding;
  const RowMatrix projected = linear(patches, *part.patch_embed);
  const auto norm = [&](const MatrixView &rows) {
    report(observer, 0, SiteKind::embedding, rows);
    const RowMatrix normalized = normalize(rows, network.common.layer_norm_eps, network.common.centred_norms);
    report(observer, 0, SiteKind::embedding_normalized, normalized);
    return affine(normalized, *part.norm);
  };
  if (part.normalized)
    return norm(projected);
  RowMatrix tokens(part.prefix->rows() + patches.rows(), part.position->cols());
  tokens.topRows(part.prefix->rows()) = *part.prefix;
  tokens.bottomRows(patches.rows()) = (part.normed_patches ? norm(projected) : projected) + *part.position;
  return part.pre_norm ? norm(tokens) : tokens;
}

namespace {

// What comes of a gated MLP's maps; `hidden` is fc1's output.
template <class Tap>
RowMatrix gated(const BlockConfig &config, const BlockWeights &weights, const RowMatrix &normed, RowMatrix hidden,
                const Tap &tap) {
  const RowMatrix gate = linear(normed, weights.gate);
  tap(SiteKind::gate_output, gate);
  const RowMatrix activated = activate(gate, config.activation);
  tap(SiteKind::gate_activated, activated);
  hidden = hidden.cwiseProduct(activated);
  tap(SiteKind::gated_product, hidden);
  return hidden;
}

// What fc2 reads, where it is normalized first.
template <class Tap>
RowMatrix inner_norm(const BlockConfig &config, const BlockWeights &weights, const RowMatrix &hidden, const Tap &tap) {
  const RowMatrix normalized = normalize(hidden, config.layer_norm_eps, config.centred_norms);
  tap(SiteKind::hidden_normalized, normalized);
  return affine(normalized, weights.mlp_norm);
}

// What a branch's first map reads of the stream, and what is added to it of what its last map gives: a norm stands in
// one of the two places. `kinds`: the sites there, before and after gamma and beta, or the norm.
template <class Tap>
RowMatrix branch_input(const BlockConfig &config, const LayerNormWeights &norm, const RowMatrix &stream,
                       const std::array<SiteKind, 2> &kinds, const Tap &tap) {
  if (config.post_norms)
    return stream;
  const RowMatrix normalized = normalize(stream, config.layer_norm_eps, config.centred_norms);
  tap(kinds[0], normalized);
  RowMatrix normed = affine(normalized, norm);
  tap(kinds[1], normed);
  return normed;
}

template <class Tap>
RowMatrix branch_output(const BlockConfig &config, const LayerNormWeights &norm, RowMatrix branch,
                        const std::array<SiteKind, 2> &kinds, const Tap &tap) {
  if (!config.post_norms)
    return branch;
  tap(kinds[0], branch);
  RowMatrix added = affine(normalize(branch, config.layer_norm_eps, config.centred_norms), norm);
  tap(kinds[1], added);
  return added;
}

// `middle` plus the MLP's branch; of a block or of an attention pooling, which have it under the same names.
template <class Weights, class Tap>
RowMatrix add_mlp(const BlockConfig &config, const Weights &weights, const RowMatrix &middle, const Tap &tap) {
  const RowMatrix normed =
      branch_input(config, weights.norm2, middle, {SiteKind::norm2_normalized, SiteKind::norm2_output}, tap);
  RowMatrix hidden = linear(normed, weights.fc1);
  tap(SiteKind::fc1_output, hidden);
  bool has_gate = false;
  if constexpr (std::is_same_v<Weights, BlockWeights>)
    if ((has_gate = config.mlp.gated))
      hidden = gated(config, weights, normed, std::move(hidden), tap);
  if (!has_gate)
    hidden = activate(hidden, config.activation);
  if constexpr (std::is_same_v<Weights, BlockWeights>)
    if (config.mlp.normed) {
      if (!has_gate)
        tap(SiteKind::gated_product, hidden);
      hidden = inner_norm(config, weights, hidden, tap);
    }
  tap(SiteKind::gelu_output, hidden);
  return middle + branch_output(config, weights.norm2, linear(hidden, weights.fc2),
                                {SiteKind::mlp_branch, SiteKind::mlp_added}, tap);
}

// Attention, on a padded grid where windows do not divide it.
RowMatrix attend(const BlockConfig &config, const BlockWeights &block, const RowMatrix &qkv, int layer,
                 Observer *observer, const std::vector<float> &sizes) {
  if (!config.windows || !config.windows->padded())
    return attention(config, block.position_bias, qkv, layer, observer, sizes);
  BlockConfig padded = config;
  padded.windows = config.windows->on_padded_grid();
  return crop_grid(*config.windows,
                   attention(padded, block.position_bias, pad_grid(*config.windows, qkv, padding_tokens(config, block)),
                             layer, observer));
}

} // namespace

RowMatrix block_forward(const BlockConfig &config, const BlockWeights &block, const MatrixView &stream, int layer,
                        Observer *observer) {
  TokenStream tokens{RowMatrix(stream)};
  block_forward(config, block, TokenMerging{}, tokens, layer, observer);
  return std::move(tokens.rows);
}

void block_forward(const BlockConfig &config, const BlockWeights &block, const TokenMerging &merging,
                   TokenStream &tokens, int layer, Observer *observer) {
  const RowMatrix &stream = tokens.rows;
  const auto tap = [&](SiteKind kind, const MatrixView &activation) { report(observer, layer, kind, activation); };

  tap(SiteKind::block_input, stream);
  RowMatrix qkv = linear(
      branch_input(config, block.norm1, stream, {SiteKind::norm1_normalized, SiteKind::norm1_output}, tap), block.qkv);
  tap(SiteKind::query, qkv.leftCols(stream.cols()));
  tap(SiteKind::key, qkv.middleCols(stream.cols(), stream.cols()));
  tap(SiteKind::value, qkv.rightCols(stream.cols()));
  if (config.rotation) {
    rotate(*config.rotation, config.heads, qkv);
    tap(SiteKind::rotated_query, qkv.leftCols(stream.cols()));
    tap(SiteKind::rotated_key, qkv.middleCols(stream.cols(), stream.cols()));
  }
  if (config.cosine) {
    normalize_heads(block.cosine_scale, qkv);
    tap(SiteKind::unit_query, qkv.leftCols(stream.cols()));
    tap(SiteKind::unit_key, qkv.middleCols(stream.cols(), stream.cols()));
  }
  RowMatrix attended = attend(config, block, qkv, layer, observer, tokens.sizes);
  tap(SiteKind::attention_output, attended);
  if (config.attention_norm) {
    const RowMatrix attended_normalized = normalize(attended, config.layer_norm_eps, config.centred_norms);
    tap(SiteKind::attention_normalized, attended_normalized);
    attended = affine(attended_normalized, block.attention_norm);
  }
  tokens.rows += branch_output(config, block.norm1, linear(attended, block.proj),
                               {SiteKind::attention_branch, SiteKind::attention_added}, tap);
  tap(SiteKind::block_middle, tokens.rows);
  if (merging.pairs > 0)
    merge_tokens(config, merging, qkv, tokens);
  tokens.rows = add_mlp(config, block, tokens.rows, tap);
}

RowMatrix merge_patches(const Network &network, const MergingPart &part, const MatrixView &stream, int layer,
                        Observer *observer) {
  const int height = part.padded_height() / 2;
  const int width = part.padded_width() / 2;
  const Eigen::Index channels = stream.cols();
  report(observer, layer, SiteKind::merge_input, stream);
  RowMatrix merged = RowMatrix::Zero(Eigen::Index{height} * width, 4 * channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int neighbour = 0; neighbour < 4; ++neighbour) {
        const int down = 2 * y + neighbour % 2;
        const int right = 2 * x + neighbour / 2;
        if (down < part.grid_height && right < part.grid_width)
          merged.row(y * width + x).segment(neighbour * channels, channels) =
              stream.row(down * part.grid_width + right);
      }
  if (part.normed_after) {
    report(observer, layer, SiteKind::merged, merged);
    const RowMatrix reduced = linear(merged, *part.reduction);
    report(observer, layer, SiteKind::merge_reduced, reduced);
    return affine(normalize(reduced, network.common.layer_norm_eps, network.common.centred_norms), *part.norm);
  }
  const RowMatrix normalized = normalize(merged, network.common.layer_norm_eps, network.common.centred_norms);
  report(observer, layer, SiteKind::merge_normalized, normalized);
  return linear(affine(normalized, *part.norm), *part.reduction);
}

namespace {

// `sizes`: how often each row counts; none: once.
RowMatrix mean_of_rows(const MatrixView &x, const std::vector<float> &sizes) {
  RowMatrix mean(1, x.cols());
  const double count = sizes.empty() ? static_cast<double>(x.rows()) : std::accumulate(sizes.begin(), sizes.end(), 0.0);
  for (Eigen::Index column = 0; column < x.cols(); ++column) {
    double sum = 0.0;
    for (Eigen::Index row = 0; row < x.rows(); ++row)
      sum += (sizes.empty() ? 1.0 : static_cast<double>(sizes[static_cast<std::size_t>(row)])) *
             static_cast<double>(x(row, column));
    mean(0, column) = static_cast<float>(sum / count);
  }
  return mean;
}

// What is left to do after the last block; reports the final sites.
class Classifier {
public:
  // `sizes` of the rows that the pool reads, or none.
  Classifier(int layer, const ModelConfig &model, std::vector<float> sizes, Observer *observer)
      : layer_(layer), model_(model), sizes_(std::move(sizes)), observer_(observer) {}

  void tap(SiteKind kind, const MatrixView &activation) const { report(observer_, layer_, kind, activation); }

  RowMatrix norm(const MatrixView &rows, const LayerNormWeights &weights) const {
    const RowMatrix normalized = normalize(rows, model_.layer_norm_eps, model_.centred_norms);
    tap(SiteKind::final_normalized, normalized);
    RowMatrix normed = affine(normalized, weights);
    tap(SiteKind::final_output, normed);
    return normed;
  }

  // Of the rows from `first` on.
  RowMatrix mean(const MatrixView &all, Eigen::Index first = 0) const {
    const std::vector<float> sizes(sizes_.begin() + (sizes_.empty() ? 0 : first), sizes_.end());
    RowMatrix mean = mean_of_rows(all.bottomRows(all.rows() - first), sizes);
    tap(SiteKind::final_mean, mean);
    return mean;
  }

  RowMatrix attention(const EndPart &end, const MatrixView &tokens) const {
    const AttentionPoolWeights &weights = *end.attention;
    const RowMatrix key_value = linear(tokens, weights.key_value);
    tap(SiteKind::key, key_value.leftCols(end.channels));
    tap(SiteKind::value, key_value.rightCols(end.channels));
    const RowMatrix attended = query_attention(end.pool_block, weights.query, key_value, sizes_);
    tap(SiteKind::attention_output, attended);
    const RowMatrix middle = linear(attended, weights.proj);
    tap(SiteKind::block_middle, middle);
    RowMatrix pooled = add_mlp(end.pool_block, weights, middle,
                               [this](SiteKind kind, const MatrixView &activation) { tap(kind, activation); });
    tap(SiteKind::pooled, pooled);
    return pooled;
  }

  // The features of a pooled row.
  RowMatrix features(const EndPart &end, const MatrixView &pooled) const {
    if (end.projection == 0)
      return pooled;
    RowMatrix projected = linear(pooled, *end.projected);
    tap(SiteKind::projected, projected);
    return projected;
  }

  // What the head reads of them.
  RowMatrix head_input(const EndPart &end, RowMatrix features) const {
    if (!end.unit_length)
      return features;
    RowMatrix unit = unit_length(features);
    tap(SiteKind::unit_features, unit);
    return unit;
  }

  // Features pass where there is no head.
  RowVector head(const MatrixView &features, const LinearWeights &weights) const {
    const RowMatrix logits = weights.weight.size() == 0 ? RowMatrix(features) : linear(features, weights);
    tap(SiteKind::logits, logits);
    return logits.row(0);
  }

private:
  int layer_;
  const ModelConfig &model_;
  std::vector<float> sizes_;
  Observer *observer_;
};

} // namespace

RowVector classify(const Network &network, const MatrixView &stream, Observer *observer) {
  return classify(network, TokenStream{RowMatrix(stream)}, observer);
}

RowVector classify(const Network &network, const TokenStream &stream, Observer *observer) {
  const EndPart &end = network.end;
  std::vector<float> sizes;
  if (!stream.sizes.empty() && end.merged_from > 0)
    sizes.assign(stream.sizes.begin() + end.first, stream.sizes.begin() + end.first + end.rows);
  const Classifier classifier(network.blocks(), network.common, std::move(sizes), observer);
  classifier.tap(SiteKind::final_input, stream.rows);
  RowMatrix pooled = stream.rows.middleRows(end.first, end.rows);
  if (end.pool == Pool::mean || end.pool == Pool::raw_mean)
    pooled = classifier.mean(pooled);
  if (end.pool != Pool::raw_mean)
    pooled = classifier.norm(pooled, *end.norm);
  if (end.pool == Pool::normed_mean)
    pooled = classifier.mean(pooled);
  if (end.pool == Pool::token_mean) {
    RowMatrix both(1, end.pooled());
    both << pooled.row(0), classifier.mean(pooled, end.patches);
    pooled = std::move(both);
    classifier.tap(SiteKind::token_and_mean, pooled);
  }
  if (end.pool == Pool::attention)
    pooled = classifier.attention(end, pooled);
  // Of two tokens side by side rows lie one behind the other already.
  const RowMatrix features = classifier.features(end, Eigen::Map<const RowMatrix>(pooled.data(), 1, end.pooled()));
  return classifier.head(classifier.head_input(end, features), *end.head);
}

std::vector<float> forward(const Network &network, const Image &pixels, Observer *observer) {
  TokenStream stream{embed(network, extract_patches(network.common, pixels), observer)};
  int layer = 0;
  for (const BodyPart &part : network.body)
    std::visit(Overloaded{[&](const BlockPart &block) {
                            block_forward(block.config, *block.weights, block.merging, stream, layer, observer);
                            ++layer;
                          },
                          [&](const MergingPart &merging) {
                            stream.rows = merge_patches(network, merging, stream.rows, layer, observer);
                          }},
               part);
  const RowVector result = classify(network, stream, observer);
  return {result.data(), result.data() + result.size()};
}

std::vector<float> forward(const FloatModel &model, const Image &pixels, Observer *observer) {
  return forward(network(model), pixels, observer);
}

} // namespace intvit::reference

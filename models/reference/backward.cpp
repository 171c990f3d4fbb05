// In one file above 400 lines: a step back for each step of forward.cpp, in its order, which are read beside one
// another.
#include "models/reference/backward.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "models/overloaded.hpp"
#include "models/reference/attention.hpp"
#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"
#include "models/reference/matmul.hpp"

namespace intvit::reference {

namespace {

// The activations of one part.
class Activations : public Observer {
public:
  void observe(const Site &site, const MatrixView &activation) override {
    if (site.kind != SiteKind::attention_scores) // large, and told by the probabilities
      values_[{site.kind, site.head}] = activation;
  }
  const RowMatrix &operator()(SiteKind kind, int head = 0) const { return values_.at({kind, head}); }

private:
  std::map<std::pair<SiteKind, int>, RowMatrix> values_;
};

// Of linear(): in its input.
RowMatrix back_linear(const RowMatrix &gradient, const LinearWeights &weights) {
  return matmul(gradient, weights.weight);
}

// Of affine(normalize(x)), of which `normalized` is the inner part: in x. With n = (x - mean) / s,
// dn/dx = (1 - 1/C - n n^T / C) / s, without the 1/C where it is not centred.
RowMatrix back_norm(const RowMatrix &gradient, const LayerNormWeights &norm, const MatrixView &x,
                    const RowMatrix &normalized, const ModelConfig &model) {
  RowMatrix result = gradient.array().rowwise() * norm.weight.array();
  const auto columns = static_cast<double>(x.cols());
  for (Eigen::Index row = 0; row < x.rows(); ++row) {
    double mean = 0;
    double along = 0; // the mean of gradient times n
    double sum = 0;
    double squares = 0;
    for (Eigen::Index c = 0; c < x.cols(); ++c) {
      const auto d = static_cast<double>(result(row, c));
      const auto value = static_cast<double>(x(row, c));
      mean += d / columns;
      along += d * static_cast<double>(normalized(row, c)) / columns;
      sum += value / columns;
      squares += value * value / columns;
    }
    if (!model.centred_norms) {
      mean = 0;
      sum = 0;
    }
    const double inverse = 1.0 / std::sqrt(std::max(squares - sum * sum, 0.0) + model.layer_norm_eps);
    for (Eigen::Index c = 0; c < x.cols(); ++c)
      result(row, c) = static_cast<float>(
          (static_cast<double>(result(row, c)) - mean - along * static_cast<double>(normalized(row, c))) * inverse);
  }
  return result;
}

// The activation's slope, as a difference over an interval: its third derivative, below 1 for all of them, is what it
// is wrong by, times h^2 / 6 = 1e-5.
RowMatrix activation_slope(const RowMatrix &x, Activation activation) {
  constexpr float h = 0x1p-7F;
  return (activate(x.array() + h, activation) - activate(x.array() - h, activation)) / (2 * h);
}

// The sum of the products of two rows, in order: Eigen's sums depend on the vectors' width.
double dot(const float *a, const float *b, Eigen::Index count) {
  double sum = 0;
  for (Eigen::Index i = 0; i < count; ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Of softmax(scores): in the scores, with `probabilities` = softmax(scores).
RowMatrix back_softmax(const RowMatrix &gradient, const MatrixView &probabilities) {
  RowMatrix result(gradient.rows(), gradient.cols());
  for (Eigen::Index row = 0; row < gradient.rows(); ++row) {
    const auto mean = static_cast<float>(dot(gradient.row(row).data(), probabilities.row(row).data(), gradient.cols()));
    result.row(row) = (gradient.row(row).array() - mean) * probabilities.row(row).array();
  }
  return result;
}

RowMatrix transposed(const MatrixView &x) {
  return x.transpose();
}

// Of attention(): in the queries, keys and values that it multiplies, which are turned already.
RowMatrix back_attention(const RowMatrix &gradient, const BlockConfig &config, const RowMatrix &qkv,
                         const Activations &values) {
  const Eigen::Index tokens = qkv.rows();
  const Eigen::Index channels = qkv.cols() / 3;
  const Eigen::Index head_dim = channels / config.heads;
  const Eigen::Index window = config.keys();
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  std::vector<int> order(static_cast<std::size_t>(tokens));
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = static_cast<int>(i);
  if (config.windows)
    order = window_order(*config.windows);
  RowMatrix result(tokens, 3 * channels);
  for (int head = 0; head < config.heads; ++head) {
    const RowMatrix &probabilities = values(SiteKind::attention_probabilities, head);
    for (Eigen::Index first = 0; first < tokens; first += window) {
      const std::span<const int> rows(order.data() + first, static_cast<std::size_t>(window));
      const auto gathered = [&](const RowMatrix &from, Eigen::Index index) {
        return RowMatrix(from(rows, Eigen::seqN(index * channels + head * head_dim, head_dim)));
      };
      const auto scatter = [&](Eigen::Index index, const RowMatrix &part) {
        result(rows, Eigen::seqN(index * channels + head * head_dim, head_dim)) = part;
      };
      const RowMatrix of_output = gathered(gradient, 0);
      const MatrixView weights = probabilities.middleRows(first, window);
      scatter(2, matmul(transposed(weights), of_output));
      const RowMatrix of_scores = back_softmax(matmul_transposed(of_output, gathered(qkv, 2)), weights) * scale;
      scatter(0, matmul(of_scores, gathered(qkv, 1)));
      scatter(1, matmul(transposed(of_scores), gathered(qkv, 0)));
    }
  }
  return result;
}

// The same where windows do not divide the grid: what fills it up depends on no token.
RowMatrix back_padded_attention(const RowMatrix &gradient, const BlockConfig &config, const BlockWeights &block,
                                const RowMatrix &qkv, const Activations &values) {
  if (!config.windows || !config.windows->padded())
    return back_attention(gradient, config, qkv, values);
  const Windows &windows = *config.windows;
  BlockConfig padded = config;
  padded.windows = windows.on_padded_grid();
  const RowMatrix of_padded = pad_grid(windows, gradient, RowMatrix::Zero(1, gradient.cols()));
  return crop_grid(windows,
                   back_attention(of_padded, padded, pad_grid(windows, qkv, padding_tokens(config, block)), values));
}

// Of a branch's norm, where it stands behind the branch: from what was added to the stream, in what the last map gave,
// `branch`.
RowMatrix back_branch_output(const RowMatrix &gradient, const BlockConfig &config, const LayerNormWeights &norm,
                             const ModelConfig &model, const Activations &values, SiteKind branch) {
  if (!config.post_norms)
    return gradient;
  const RowMatrix &x = values(branch);
  return back_norm(gradient, norm, x, normalize(x, config.layer_norm_eps, config.centred_norms), model);
}

// Of a branch's norm, where it stands before the branch: from what the first map reads, in the stream.
RowMatrix back_branch_input(const RowMatrix &gradient, const BlockConfig &config, const LayerNormWeights &norm,
                            const ModelConfig &model, const RowMatrix &stream, const Activations &values,
                            SiteKind normalized) {
  if (config.post_norms)
    return gradient;
  return back_norm(gradient, norm, stream, values(normalized), model);
}

// Of normalize_heads(): from the queries and keys that it gives, in those of `qkv`.
void back_normalized_heads(const RowVector &cosine_scale, const RowMatrix &qkv, RowMatrix &gradient) {
  const Eigen::Index heads = cosine_scale.size();
  const Eigen::Index head_dim = qkv.cols() / 3 / heads;
  const double root = std::sqrt(static_cast<double>(head_dim));
  for (Eigen::Index row = 0; row < qkv.rows(); ++row)
    for (Eigen::Index part = 0; part < 2 * heads; ++part) { // of queries, then of keys
      const float *x = qkv.row(row).data() + part * head_dim;
      float *d = gradient.row(row).data() + part * head_dim;
      const double length = std::max(std::sqrt(dot(x, x, head_dim)), 1e-30);
      const double scale = part < heads ? static_cast<double>(cosine_scale[part]) * root : 1.0;
      const double along = dot(x, d, head_dim) / (length * length);
      for (Eigen::Index c = 0; c < head_dim; ++c)
        d[c] = static_cast<float>((static_cast<double>(d[c]) - along * static_cast<double>(x[c])) * scale / length);
    }
}

// Of the last of a block's two branches, or of an attention pooling's; `gradient` is in its sum, and what it returns in
// `middle`.
template <class Weights, class Observe>
RowMatrix back_mlp(const RowMatrix &gradient, const BlockConfig &config, const Weights &weights,
                   const ModelConfig &model, const RowMatrix &middle, const Activations &values,
                   const Observe &observe) {
  const RowMatrix of_branch = back_branch_output(gradient, config, weights.norm2, model, values, SiteKind::mlp_branch);
  observe(BlockMap::fc2, of_branch);
  RowMatrix of_hidden = back_linear(of_branch, weights.fc2);
  RowMatrix of_normed;
  const RowMatrix &fc1 = values(SiteKind::fc1_output);
  if constexpr (std::is_same_v<Weights, BlockWeights>) {
    if (config.mlp.normed)
      of_hidden = back_norm(of_hidden, weights.mlp_norm, values(SiteKind::gated_product),
                            values(SiteKind::hidden_normalized), model);
    if (config.mlp.gated) {
      const RowMatrix of_gate =
          of_hidden.cwiseProduct(fc1).cwiseProduct(activation_slope(values(SiteKind::gate_output), config.activation));
      observe(BlockMap::gate, of_gate);
      of_normed = back_linear(of_gate, weights.gate);
      of_hidden = of_hidden.cwiseProduct(values(SiteKind::gate_activated));
    }
  }
  if (of_normed.size() == 0) {
    of_hidden = of_hidden.cwiseProduct(activation_slope(fc1, config.activation));
    of_normed = RowMatrix::Zero(fc1.rows(), weights.fc1.weight.cols());
  }
  observe(BlockMap::fc1, of_hidden);
  of_normed += back_linear(of_hidden, weights.fc1);
  return gradient +
         back_branch_input(of_normed, config, weights.norm2, model, middle, values, SiteKind::norm2_normalized);
}

// Angles the other way round.
Rotation reversed(Rotation rotation) {
  for (std::int32_t &sine : rotation.sine)
    sine = -sine;
  return rotation;
}

template <class Observe>
RowMatrix back_block(const RowMatrix &gradient, const BlockPart &part, const ModelConfig &model,
                     const RowMatrix &stream, const Activations &values, const Observe &observe) {
  const BlockConfig &config = part.config;
  const BlockWeights &block = *part.weights;
  const RowMatrix of_middle = back_mlp(gradient, config, block, model, values(SiteKind::block_middle), values, observe);
  const RowMatrix of_branch =
      back_branch_output(of_middle, config, block.norm1, model, values, SiteKind::attention_branch);
  observe(BlockMap::proj, of_branch);
  RowMatrix of_attended = back_linear(of_branch, block.proj);
  if (config.attention_norm)
    of_attended = back_norm(of_attended, block.attention_norm, values(SiteKind::attention_output),
                            values(SiteKind::attention_normalized), model);
  const auto side_by_side = [&](SiteKind query, SiteKind key) {
    RowMatrix qkv(stream.rows(), 3 * stream.cols());
    qkv << values(query), values(key), values(SiteKind::value);
    return qkv;
  };
  const RowMatrix turned = config.rotation ? side_by_side(SiteKind::rotated_query, SiteKind::rotated_key)
                                           : side_by_side(SiteKind::query, SiteKind::key);
  RowMatrix of_qkv =
      back_padded_attention(of_attended, config, block,
                            config.cosine ? side_by_side(SiteKind::unit_query, SiteKind::unit_key) : turned, values);
  if (config.cosine)
    back_normalized_heads(block.cosine_scale, turned, of_qkv);
  if (config.rotation)
    rotate(reversed(*config.rotation), config.heads, of_qkv);
  observe(BlockMap::qkv, of_qkv);
  return of_middle + back_branch_input(back_linear(of_qkv, block.qkv), config, block.norm1, model, stream, values,
                                       SiteKind::norm1_normalized);
}

// Of merge_patches(): four neighbours lie side by side, beyond the grid zeros.
RowMatrix back_merging(const RowMatrix &gradient, const MergingPart &part, const ModelConfig &model,
                       const Activations &values) {
  const RowMatrix &stream = values(SiteKind::merge_input);
  const Eigen::Index channels = stream.cols();
  const int width = part.padded_width() / 2;
  // work(row of the grid, row of what is merged, its first channel)
  const auto for_each_neighbour = [&](const auto &work) {
    for (Eigen::Index row = 0; row < gradient.rows(); ++row)
      for (Eigen::Index neighbour = 0; neighbour < 4; ++neighbour) {
        const Eigen::Index down = 2 * (row / width) + neighbour % 2;
        const Eigen::Index right = 2 * (row % width) + neighbour / 2;
        if (down < part.grid_height && right < part.grid_width)
          work(down * part.grid_width + right, row, neighbour * channels);
      }
  };
  RowMatrix of_merged;
  if (part.normed_after) {
    const RowMatrix &reduced = values(SiteKind::merge_reduced);
    of_merged = back_linear(
        back_norm(gradient, *part.norm, reduced, normalize(reduced, model.layer_norm_eps, model.centred_norms), model),
        *part.reduction);
  } else {
    RowMatrix merged = RowMatrix::Zero(gradient.rows(), 4 * channels);
    for_each_neighbour([&](Eigen::Index from, Eigen::Index row, Eigen::Index first) {
      merged.row(row).segment(first, channels) = stream.row(from);
    });
    of_merged = back_norm(back_linear(gradient, *part.reduction), *part.norm, merged,
                          values(SiteKind::merge_normalized), model);
  }
  RowMatrix result(stream.rows(), channels);
  for_each_neighbour([&](Eigen::Index to, Eigen::Index row, Eigen::Index first) {
    result.row(to) = of_merged.row(row).segment(first, channels);
  });
  return result;
}

// Of attention pooling: in the normalized tokens.
RowMatrix back_pooling(const RowMatrix &gradient, const EndPart &end, const ModelConfig &model,
                       const Activations &values) {
  const AttentionPoolWeights &pool = *end.attention;
  const RowMatrix of_middle = back_mlp(gradient, end.pool_block, pool, model, values(SiteKind::block_middle), values,
                                       [](BlockMap, const RowMatrix &) {});
  const RowMatrix of_attended = back_linear(of_middle, pool.proj);
  const RowMatrix &keys = values(SiteKind::key);
  const RowMatrix &value = values(SiteKind::value);
  const Eigen::Index head_dim = end.channels / end.pool_block.heads;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  RowMatrix of_key_value(keys.rows(), 2 * end.channels);
  for (Eigen::Index first = 0; first < end.channels; first += head_dim) {
    const RowMatrix query = pool.query.segment(first, head_dim);
    const RowMatrix of_output = of_attended.middleCols(first, head_dim);
    const RowMatrix weights = softmax(matmul_transposed(query, keys.middleCols(first, head_dim)) * scale);
    const RowMatrix of_scores =
        back_softmax(matmul_transposed(of_output, value.middleCols(first, head_dim)), weights) * scale;
    of_key_value.middleCols(first, head_dim) = matmul(transposed(of_scores), query);
    of_key_value.middleCols(end.channels + first, head_dim) = matmul(transposed(weights), of_output);
  }
  return back_linear(of_key_value, pool.key_value);
}

// Of the mean of `rows` rows.
RowMatrix back_mean(const RowMatrix &gradient, Eigen::Index rows) {
  return gradient.replicate(rows, 1) / static_cast<float>(rows);
}

// Of classify(): in the stream.
RowMatrix back_end(const RowVector &weights, const Network &network, const RowMatrix &stream,
                   const Activations &values) {
  const EndPart &end = network.end;
  RowMatrix gradient = weights;
  if (end.classes > 0)
    gradient = back_linear(gradient, *end.head);
  if (end.unit_length) {
    const RowMatrix &unit = values(SiteKind::unit_features);
    const RowMatrix features = end.projection > 0 ? values(SiteKind::projected) : values(SiteKind::final_output);
    const auto length = static_cast<float>(std::sqrt(dot(features.data(), features.data(), end.features())));
    const auto along = static_cast<float>(dot(gradient.data(), unit.data(), unit.size()));
    gradient = (gradient - unit * along) / std::max(length, 1e-30F);
  }
  if (end.projection > 0)
    gradient = back_linear(gradient, *end.projected);
  const RowMatrix pooled = stream.middleRows(end.first, end.rows);
  const auto through_norm = [&](const RowMatrix &of_output, const RowMatrix &x) {
    return back_norm(of_output, *end.norm, x, values(SiteKind::final_normalized), network.common);
  };
  RowMatrix of_rows;
  switch (end.pool) {
  case Pool::raw_token:
  case Pool::raw_mean:
    of_rows = back_mean(gradient, end.rows);
    break;
  case Pool::token:
  case Pool::token_pair:
    of_rows = through_norm(Eigen::Map<const RowMatrix>(gradient.data(), end.rows, end.channels), pooled);
    break;
  case Pool::mean:
    of_rows = back_mean(through_norm(gradient, values(SiteKind::final_mean)), end.rows);
    break;
  case Pool::normed_mean:
    of_rows = through_norm(back_mean(gradient, end.rows), pooled);
    break;
  case Pool::token_mean: {
    const Eigen::Index patches = end.rows - end.patches;
    RowMatrix of_normed = RowMatrix::Zero(end.rows, end.channels);
    of_normed.row(0) = gradient.leftCols(end.channels);
    of_normed.bottomRows(patches) += back_mean(gradient.rightCols(end.channels), patches);
    of_rows = through_norm(of_normed, pooled);
    break;
  }
  case Pool::attention:
    of_rows = through_norm(back_pooling(gradient, end, network.common, values), pooled);
    break;
  }
  RowMatrix result = RowMatrix::Zero(stream.rows(), stream.cols());
  result.middleRows(end.first, end.rows) = of_rows;
  return result;
}

} // namespace

Gradients::Gradients(const Network &network, const Image &pixels) : network_(network) {
  RowMatrix stream = embed(network, extract_patches(network.common, pixels));
  for (const BodyPart &part : network.body) {
    streams_.push_back(stream);
    stream = std::visit(Overloaded{[&](const BlockPart &block) {
                                     if (block.merging.pairs > 0)
                                       throw std::invalid_argument("a network that merges tokens has no gradients");
                                     return block_forward(block.config, *block.weights, stream);
                                   },
                                   [&](const MergingPart &merging) { return merge_patches(network, merging, stream); }},
                        part);
  }
  outputs_ = classify(network, stream);
  streams_.push_back(std::move(stream));
}

void Gradients::walk_back(std::span<const RowVector> weights, const GradientObserver &observe) const {
  std::vector<RowMatrix> gradients;
  {
    Activations values;
    classify(network_, streams_.back(), &values);
    for (const RowVector &sum : weights)
      gradients.push_back(back_end(sum, network_, streams_.back(), values));
  }
  int block = network_.blocks();
  for (std::size_t i = network_.body.size(); i-- > 0;) {
    Activations values;
    std::visit(Overloaded{[&](const BlockPart &part) {
                            --block;
                            block_forward(part.config, *part.weights, streams_[i], 0, &values);
                            for (RowMatrix &gradient : gradients)
                              gradient = back_block(
                                  gradient, part, network_.common, streams_[i], values,
                                  [&](BlockMap map, const RowMatrix &of_outputs) { observe(block, map, of_outputs); });
                          },
                          [&](const MergingPart &part) {
                            merge_patches(network_, part, streams_[i], 0, &values);
                            for (RowMatrix &gradient : gradients)
                              gradient = back_merging(gradient, part, network_.common, values);
                          }},
               network_.body[i]);
  }
}

} // namespace intvit::reference

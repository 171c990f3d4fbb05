#include "models/reference/attention.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "engine/ops/pad_grid.hpp"
#include "models/reference/layers.hpp"
#include "models/reference/matmul.hpp"

namespace intvit::reference {

namespace {

// Added to the scores of tokens that do not attend to one another, as the published code does.
constexpr float masked = -100.0F;

// What is added to a head's scores in a window of `size` x `size` tokens: [size^2, size^2].
RowMatrix expand_position_bias(const RowMatrix &position_bias, int head, int size) {
  const int tokens = size * size;
  RowMatrix bias(tokens, tokens);
  for (int query = 0; query < tokens; ++query)
    for (int key = 0; key < tokens; ++key) {
      const int down = query / size - key / size + size - 1;
      const int right = query % size - key % size + size - 1;
      bias(query, key) = position_bias(head, down * (2 * size - 1) + right);
    }
  return bias;
}

// The same for tokens of which the last are the patches of a grid.
RowMatrix expand_position_bias(const RowMatrix &position_bias, int head, const BiasGrid &grid, int tokens) {
  const int prefix = tokens - grid.patches();
  RowMatrix bias(tokens, tokens);
  for (int query = 0; query < tokens; ++query)
    for (int key = 0; key < tokens; ++key) {
      int column = grid.distances() + (query < prefix ? (key < prefix ? 2 : 0) : 1);
      if (query >= prefix && key >= prefix) {
        const int down = (query - prefix) / grid.width - (key - prefix) / grid.width + grid.height - 1;
        const int right = (query - prefix) % grid.width - (key - prefix) % grid.width + grid.width - 1;
        column = down * (2 * grid.width - 1) + right;
      }
      bias(query, key) = position_bias(head, column);
    }
  return bias;
}

void add_mask(const std::vector<int> &regions, Eigen::Index first, Eigen::Ref<RowMatrix> scores) {
  for (Eigen::Index query = 0; query < scores.rows(); ++query)
    for (Eigen::Index key = 0; key < scores.cols(); ++key)
      if (regions[static_cast<std::size_t>(first + query)] != regions[static_cast<std::size_t>(first + key)])
        scores(query, key) += masked;
}

// Computed in double, so that what libraries differ by is far below a float's last bit.
float log_of_size(float size) {
  return static_cast<float>(std::log(static_cast<double>(size)));
}

// Adds log(size) to every token's column, where there are sizes.
void add_sizes(const std::vector<float> &sizes, Eigen::Ref<RowMatrix> scores) {
  for (std::size_t token = 0; token < sizes.size(); ++token)
    scores.col(static_cast<Eigen::Index>(token)).array() += log_of_size(sizes[token]);
}

} // namespace

std::vector<int> window_order(const Windows &windows) {
  std::vector<int> order;
  order.reserve(static_cast<std::size_t>(windows.tokens()));
  for (int top = 0; top < windows.grid_height; top += windows.size)
    for (int left = 0; left < windows.grid_width; left += windows.size)
      for (int y = top; y < top + windows.size; ++y)
        for (int x = left; x < left + windows.size; ++x)
          order.push_back((y + windows.shift) % windows.grid_height * windows.grid_width +
                          (x + windows.shift) % windows.grid_width);
  return order;
}

std::vector<int> window_regions(const Windows &windows) {
  std::vector<int> regions;
  for (const int token : window_order(windows)) {
    // Rolling brings the first `shift` rows and columns behind the last ones.
    const bool rolled_down = token / windows.grid_width < windows.shift;
    const bool rolled_right = token % windows.grid_width < windows.shift;
    regions.push_back(2 * static_cast<int>(rolled_down) + static_cast<int>(rolled_right));
  }
  return regions;
}

RowMatrix attention(const BlockConfig &config, const RowMatrix &position_bias, const MatrixView &qkv, int layer,
                    Observer *observer, const std::vector<float> &sizes) {
  const Eigen::Index tokens = qkv.rows();
  const Eigen::Index channels = qkv.cols() / 3;
  const Eigen::Index head_dim = channels / config.heads;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  // All tokens are one window of their own where there are none.
  Eigen::Index window = tokens;
  std::vector<int> order(static_cast<std::size_t>(tokens));
  std::vector<int> regions;
  if (config.windows) {
    window = Eigen::Index{config.windows->size} * config.windows->size;
    order = window_order(*config.windows);
    regions = window_regions(*config.windows);
  } else {
    std::iota(order.begin(), order.end(), 0);
  }
  RowMatrix ordered(tokens, qkv.cols());
  for (Eigen::Index i = 0; i < tokens; ++i)
    ordered.row(i) = qkv.row(order[static_cast<std::size_t>(i)]);

  RowMatrix output(tokens, channels);
  for (int head = 0; head < config.heads; ++head) {
    const auto part = [&](Eigen::Index first, Eigen::Index index) {
      return ordered.block(first, index * channels + head * head_dim, window, head_dim);
    };
    RowMatrix bias;
    if (config.windows)
      bias = expand_position_bias(position_bias, head, config.windows->size);
    else if (config.bias_grid)
      bias = expand_position_bias(position_bias, head, *config.bias_grid, static_cast<int>(tokens));
    RowMatrix scores(tokens, window);
    for (Eigen::Index first = 0; first < tokens; first += window) {
      scores.middleRows(first, window) = matmul_transposed(part(first, 0), part(first, 1)) * scale;
      if (config.causal)
        for (Eigen::Index query = 0; query < tokens; ++query)
          scores.row(query).tail(tokens - query - 1).setConstant(-largest_value);
      add_sizes(sizes, scores);
      if (bias.size() > 0)
        scores.middleRows(first, window) += bias;
      if (config.windows && config.windows->shift > 0)
        add_mask(regions, first, scores.middleRows(first, window));
    }
    report(observer, layer, SiteKind::attention_scores, scores, head);
    const RowMatrix probabilities = softmax(scores);
    report(observer, layer, SiteKind::attention_probabilities, probabilities, head);
    for (Eigen::Index first = 0; first < tokens; first += window) {
      const RowMatrix attended = matmul(probabilities.middleRows(first, window), part(first, 2));
      for (Eigen::Index i = 0; i < window; ++i)
        output.row(order[static_cast<std::size_t>(first + i)]).segment(head * head_dim, head_dim) = attended.row(i);
    }
  }
  return output;
}

RowVector first_token_attention(const BlockConfig &config, const MatrixView &qkv, const std::vector<float> &sizes) {
  const Eigen::Index channels = qkv.cols() / 3;
  const Eigen::Index head_dim = channels / config.heads;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  RowVector sum = RowVector::Zero(qkv.rows());
  for (Eigen::Index first = 0; first < channels; first += head_dim) {
    RowMatrix scores =
        matmul_transposed(qkv.block(0, first, 1, head_dim), qkv.middleCols(channels + first, head_dim)) * scale;
    add_sizes(sizes, scores);
    sum += softmax(scores).row(0);
  }
  return sum;
}

void rotate(const Rotation &rotation, int heads, RowMatrix &qkv) {
  const Eigen::Index channels = qkv.cols() / 3;
  const Eigen::Index pairs = channels / heads / 2;
  const bool shared = rotation.columns == pairs;
  if (rotation.first + rotation.rows() != qkv.rows())
    throw std::runtime_error("tokens of a network with rotary positions cannot be merged: an angle belongs to a place");
  for (Eigen::Index row = 0; row < rotation.rows(); ++row)
    for (Eigen::Index part = 0; part < Eigen::Index{2} * heads; ++part) // of queries, then of keys
      for (Eigen::Index pair = 0; pair < pairs; ++pair) {
        const auto at = static_cast<std::size_t>(row * rotation.columns + (shared ? 0 : part % heads * pairs) + pair);
        const float cosine = static_cast<float>(rotation.cosine[at]) * 0x1p-30F;
        const float sine = static_cast<float>(rotation.sine[at]) * 0x1p-30F;
        float &a = qkv(rotation.first + row, part * 2 * pairs + pair);
        float &b = qkv(rotation.first + row, part * 2 * pairs + pairs + pair);
        const float turned = a * cosine - b * sine;
        b = b * cosine + a * sine;
        a = turned;
      }
}

void normalize_heads(const RowVector &cosine_scale, RowMatrix &qkv) {
  const Eigen::Index channels = qkv.cols() / 3;
  const Eigen::Index heads = cosine_scale.size();
  const Eigen::Index head_dim = channels / heads;
  const auto root = static_cast<float>(std::sqrt(static_cast<double>(head_dim)));
  for (Eigen::Index head = 0; head < heads; ++head) {
    auto queries = qkv.middleCols(head * head_dim, head_dim);
    queries = unit_length(RowMatrix(queries)) * (cosine_scale[head] * root);
    auto keys = qkv.middleCols(channels + head * head_dim, head_dim);
    keys = unit_length(RowMatrix(keys));
  }
}

RowMatrix padding_tokens(const BlockConfig &config, const BlockWeights &block) {
  RowMatrix qkv = block.qkv.bias;
  if (config.cosine)
    normalize_heads(block.cosine_scale, qkv);
  return qkv;
}

namespace {

GridPadding padding_of(const Windows &windows) {
  return {windows.grid_height, windows.grid_width, windows.padded_height(), windows.padded_width(), windows.rolled()};
}

} // namespace

RowMatrix pad_grid(const Windows &windows, const MatrixView &rows, const MatrixView &padding) {
  const std::vector<int> sources = padding_of(windows).sources();
  RowMatrix padded(static_cast<Eigen::Index>(sources.size()), rows.cols());
  for (std::size_t i = 0; i < sources.size(); ++i)
    padded.row(static_cast<Eigen::Index>(i)) = sources[i] < 0 ? padding.row(0) : rows.row(sources[i]);
  return padded;
}

RowMatrix crop_grid(const Windows &windows, const MatrixView &rows) {
  const std::vector<int> sources = padding_of(windows).sources();
  RowMatrix cropped(windows.tokens(), rows.cols());
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (sources[i] >= 0)
      cropped.row(sources[i]) = rows.row(static_cast<Eigen::Index>(i));
  return cropped;
}

RowMatrix query_attention(const BlockConfig &config, const RowVector &query, const MatrixView &key_value,
                          const std::vector<float> &sizes) {
  const Eigen::Index channels = query.size();
  const Eigen::Index head_dim = channels / config.heads;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  RowMatrix output(1, channels);
  for (Eigen::Index first = 0; first < channels; first += head_dim) {
    RowMatrix scores = matmul_transposed(query.segment(first, head_dim), key_value.middleCols(first, head_dim)) * scale;
    add_sizes(sizes, scores);
    output.middleCols(first, head_dim) = matmul(softmax(scores), key_value.middleCols(channels + first, head_dim));
  }
  return output;
}

} // namespace intvit::reference

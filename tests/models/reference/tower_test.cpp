// The towers of CLIP and SigLIP against a second forward in double, as plain as can be: a LayerNorm before the blocks,
// other activations, attention pooling, projections, causal attention, pictures that patches do not cover whole.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"
#include "models/reference/text_features.hpp"
#include "tests/models/reference/naive_vit.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

Table row_of(const RowVector &vector) {
  return Table(RowMatrix(vector));
}

Table mapped_by(const LinearWeights &layer, const Table &x) {
  return naive_linear(x, Table(layer.weight), row_of(layer.bias));
}

Table normed(const LayerNormWeights &norm, const Table &x, double eps) {
  return naive_affine(naive_normalize(x, eps), row_of(norm.weight), row_of(norm.bias));
}

Table plus(const Table &a, const Table &b) {
  Table sum = a;
  for (std::size_t i = 0; i < sum.values.size(); ++i)
    sum.values[i] += b.values[i];
  return sum;
}

Table times(const Table &a, const Table &b) {
  Table product = a;
  for (std::size_t i = 0; i < product.values.size(); ++i)
    product.values[i] *= b.values[i];
  return product;
}

Table activated(const Table &x, Activation activation) {
  Table y = x;
  for (double &value : y.values) {
    if (activation == Activation::quick_gelu)
      value = value / (1 + std::exp(-1.702 * value));
    else if (activation == Activation::silu)
      value = value / (1 + std::exp(-value));
    else if (activation == Activation::gelu_tanh)
      value =
          0.5 * value * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (value + 0.044715 * value * value * value)));
    else
      value = value * 0.5 * std::erfc(-value / std::sqrt(2.0));
  }
  return y;
}

// Every query sees all keys, or with `causal` those up to its own.
Table attended(const Table &query, const Table &key, const Table &value, std::size_t heads, bool causal) {
  const std::size_t dim = query.columns / heads;
  Table output(query.rows, query.columns);
  for (std::size_t head = 0; head < heads; ++head)
    for (std::size_t i = 0; i < query.rows; ++i) {
      const std::size_t keys = causal ? i + 1 : key.rows;
      std::vector<double> weights;
      double sum = 0;
      for (std::size_t j = 0; j < keys; ++j) {
        double score = 0;
        for (std::size_t c = head * dim; c < (head + 1) * dim; ++c)
          score += query.at(i, c) * key.at(j, c);
        weights.push_back(std::exp(score / std::sqrt(static_cast<double>(dim))));
        sum += weights.back();
      }
      for (std::size_t j = 0; j < keys; ++j)
        for (std::size_t c = head * dim; c < (head + 1) * dim; ++c)
          output.at(i, c) += weights[j] / sum * value.at(j, c);
    }
  return output;
}

Table part(const Table &x, std::size_t first, std::size_t count) {
  Table y(x.rows, count);
  for (std::size_t i = 0; i < x.rows; ++i)
    for (std::size_t c = 0; c < count; ++c)
      y.at(i, c) = x.at(i, first + c);
  return y;
}

Table row_at(const Table &x, std::size_t row) {
  Table y(1, x.columns);
  for (std::size_t c = 0; c < x.columns; ++c)
    y.at(0, c) = x.at(row, c);
  return y;
}

Table block(const BlockConfig &config, const BlockWeights &weights, const Table &x) {
  const std::size_t channels = x.columns;
  const Table qkv = mapped_by(weights.qkv, normed(weights.norm1, x, config.layer_norm_eps));
  const Table middle =
      plus(x, mapped_by(weights.proj, attended(part(qkv, 0, channels), part(qkv, channels, channels),
                                               part(qkv, 2 * channels, channels),
                                               static_cast<std::size_t>(config.heads), config.causal)));
  const Table mlp_input = normed(weights.norm2, middle, config.layer_norm_eps);
  Table hidden = mapped_by(weights.fc1, mlp_input);
  if (config.mlp.gated)
    hidden = times(hidden, activated(mapped_by(weights.gate, mlp_input), config.activation));
  else
    hidden = activated(hidden, config.activation);
  if (config.mlp.normed)
    hidden = normed(weights.mlp_norm, hidden, config.layer_norm_eps);
  return plus(middle, mapped_by(weights.fc2, hidden));
}

Table tokens(const VitModel &model, const Image &image) {
  const VitConfig &config = model.config;
  const auto patch = static_cast<std::size_t>(config.patch);
  const auto across = static_cast<std::size_t>(config.grid_width());
  Table patches(static_cast<std::size_t>(config.patches()), 3 * patch * patch);
  for (std::size_t p = 0; p < patches.rows; ++p)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t y = 0; y < patch; ++y)
        for (std::size_t x = 0; x < patch; ++x) {
          const std::size_t row = p / across * patch + y;
          const std::size_t column = p % across * patch + x;
          const double pixel = image.rgb[(row * static_cast<std::size_t>(image.width) + column) * 3 + c];
          patches.at(p, (c * patch + y) * patch + x) = (pixel / 255 - config.mean[c]) / config.std[c];
        }
  const Table projected = plus(mapped_by(model.weights.patch_embed, patches), Table(model.weights.position));
  const auto prefix = static_cast<std::size_t>(config.prefix_tokens);
  Table all(prefix + projected.rows, projected.columns);
  for (std::size_t i = 0; i < all.rows; ++i)
    for (std::size_t c = 0; c < all.columns; ++c)
      all.at(i, c) =
          i < prefix
              ? static_cast<double>(model.weights.prefix(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(c)))
              : projected.at(i - prefix, c);
  return all;
}

Table mean_of(const Table &x, std::size_t first) {
  Table mean(1, x.columns);
  for (std::size_t i = first; i < x.rows; ++i)
    for (std::size_t c = 0; c < x.columns; ++c)
      mean.at(0, c) += x.at(i, c) / static_cast<double>(x.rows - first);
  return mean;
}

// The features of an image, before any head.
Table naive_tower(const VitModel &model, const Image &image) {
  const VitConfig &config = model.config;
  const VitWeights &weights = model.weights;
  const double eps = config.layer_norm_eps;
  Table x = tokens(model, image);
  if (config.pre_norm)
    x = normed(weights.pre_norm, x, eps);
  for (const BlockWeights &of_block : weights.blocks)
    x = block(config.block(), of_block, x);
  Table pooled;
  if (config.pool == Pool::raw_mean) {
    pooled = mean_of(x, static_cast<std::size_t>(config.prefix_tokens));
  } else if (config.pool == Pool::attention) {
    const AttentionPoolWeights &pool = weights.attention_pool;
    const Table all = normed(weights.norm, x, eps);
    const auto first = static_cast<std::size_t>(config.pools_prefix ? 0 : config.prefix_tokens);
    Table read(all.rows - first, all.columns);
    std::copy(all.values.begin() + static_cast<std::ptrdiff_t>(first * all.columns), all.values.end(),
              read.values.begin());
    const Table kv = mapped_by(pool.key_value, read);
    const Table middle =
        mapped_by(pool.proj, attended(row_of(pool.query), part(kv, 0, x.columns), part(kv, x.columns, x.columns),
                                      static_cast<std::size_t>(config.heads), false));
    const Table hidden = mapped_by(pool.fc1, normed(pool.norm2, middle, eps));
    pooled = plus(middle, mapped_by(pool.fc2, activated(hidden, config.activation)));
  } else {
    pooled = normed(weights.norm, row_at(x, 0), eps);
  }
  return config.projection > 0 ? mapped_by(weights.projection, pooled) : pooled;
}

Table as_row(const std::vector<float> &values) {
  Table row(1, values.size());
  row.values.assign(values.begin(), values.end());
  return row;
}

VitConfig tower_config() {
  VitConfig config;
  config.image_height = 27; // two patches and 3 pixels
  config.image_width = 38;
  config.patch = 12;
  config.partial_patches = true;
  config.channels = 24;
  config.depth = 2;
  config.heads = 3;
  config.mlp_hidden = 40;
  config.layer_norm_eps = 1e-5;
  return config;
}

void check_tower(const VitConfig &config) {
  const VitModel model = random_weights(config, 5);
  const Image image = random_image(config.image_width, config.image_height, 2);
  const Table expected = naive_tower(model, image);
  const Table actual = as_row(reference::forward(model, image));
  CAPTURE(static_cast<int>(config.pool), config.projection);
  CHECK(distance(actual, expected) < 1e-5 * magnitude(expected));
}

} // namespace

TEST_CASE("towers: CLIP's, with a projection, without and with the mean of patches") {
  for (const Activation activation : {Activation::quick_gelu, Activation::gelu})
    for (const int projection : {0, 10}) {
      VitConfig config = tower_config();
      config.pre_norm = true;
      config.activation = activation;
      config.projection = projection;
      check_tower(config);
      config.pool = Pool::raw_mean;
      check_tower(config);
    }
}

TEST_CASE("towers: gated MLPs, with and without a norm inside") {
  for (const Activation activation : {Activation::silu, Activation::gelu})
    for (const bool has_norm : {false, true}) {
      VitConfig config = tower_config();
      config.activation = activation;
      config.mlp = {.gated = true, .normed = has_norm};
      check_tower(config);
    }
}

TEST_CASE("towers: SigLIP's, whose tokens a query attends to") {
  for (const Activation activation : {Activation::gelu_tanh, Activation::gelu})
    for (const int prefix : {0, 2}) {
      VitConfig config = tower_config();
      config.prefix_tokens = prefix;
      config.pool = Pool::attention;
      config.pool_hidden = 32;
      config.activation = activation;
      check_tower(config);
      config.pools_prefix = true;
      check_tower(config);
    }
}

TEST_CASE("towers: pools that no projection reads") {
  VitConfig config = tower_config();
  config.prefix_tokens = 2;
  config.projection = 10;
  for (const Pool pool : {Pool::token_pair, Pool::normed_mean}) {
    config.pool = pool;
    CHECK_THROWS_WITH(validate(config), Catch::Contains("a projection cannot read a pair of tokens"));
  }
  config.pool = Pool::mean;
  CHECK_NOTHROW(validate(config));
}

TEST_CASE("towers: a head reads features of length 1") {
  VitConfig config = tower_config();
  config.pre_norm = true;
  config.projection = 10;
  config.classes = 4;
  config.unit_length = true;
  const VitModel model = random_weights(config, 6);
  const Image image = random_image(config.image_width, config.image_height, 3);
  Table features = naive_tower(model, image);
  double squares = 0;
  for (const double value : features.values)
    squares += value * value;
  for (double &value : features.values)
    value /= std::sqrt(squares);
  const Table expected = mapped_by(model.weights.head, features);
  CHECK(distance(as_row(reference::forward(model, image)), expected) < 1e-5 * magnitude(expected));
}

TEST_CASE("towers: texts, causal and whole, by the end token, the largest and the last") {
  TextTower tower;
  TextConfig &config = tower.config;
  config = {.vocabulary = 30, .positions = 9, .channels = 16, .depth = 2, .heads = 2, .mlp_hidden = 24, .features = 5};
  config.end_token = 21;
  NamedTensors list;
  tower.token = RowMatrix::Zero(30, 16);
  tower.position = RowMatrix::Zero(9, 16);
  tower.blocks.assign(2, zero_block(16, 24));
  tower.norm = zero_layer_norm(16);
  tower.projection = zero_linear(5, 16);
  list.add("token", {30, 16}, tower.token.data());
  list.add("position", {9, 16}, tower.position.data());
  for (std::size_t i = 0; i < 2; ++i)
    list.add_block("blocks." + std::to_string(i) + ".", 16, 24, tower.blocks[i]);
  list.add_layer_norm("norm", 16, tower.norm);
  list.add_linear("projection", {5, 16}, tower.projection);
  randomize(list.take(), 4);

  const std::vector<int> ids = {20, 3, 7, 21, 29, 21, 0};
  for (const auto &[pool, row] : {std::pair(TextPool::first_end, 3), {TextPool::largest, 4}, {TextPool::last, 6}}) {
    config.pool = pool;
    Table x(ids.size(), 16);
    for (std::size_t i = 0; i < ids.size(); ++i)
      for (std::size_t c = 0; c < 16; ++c)
        x.at(i, c) = static_cast<double>(tower.token(ids[i], static_cast<Eigen::Index>(c))) +
                     static_cast<double>(tower.position(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(c)));
    const BlockConfig of_block = config.block(7);
    CHECK(of_block.causal == (pool != TextPool::last));
    for (const BlockWeights &weights : tower.blocks)
      x = block(of_block, weights, x);
    const Table expected = mapped_by(
        tower.projection, row_at(normed(tower.norm, x, config.layer_norm_eps), static_cast<std::size_t>(row)));
    const RowVector actual = reference::text_features(tower, ids);
    CHECK(distance(Table(RowMatrix(actual)), expected) < 1e-5 * magnitude(expected));
  }
  // Without the end token it is the first, as in transformers.
  config.pool = TextPool::first_end;
  const std::vector<int> endless = {20, 3};
  const std::vector<int> first = {20};
  CHECK(reference::text_features(tower, endless).isApprox(reference::text_features(tower, first), 1e-5F));
  for (const std::vector<int> &bad : {std::vector<int>{}, std::vector<int>(10, 1), std::vector<int>{30}, {-1}})
    CHECK_THROWS_AS(reference::text_features(tower, bad), std::invalid_argument);
}

TEST_CASE("activations: quick-GELU, GELU with tanh and SiLU, over their whole range") {
  RowMatrix x(1, 4001);
  for (Eigen::Index i = 0; i < x.cols(); ++i)
    x(0, i) = static_cast<float>(i - 2000) * 0.01F;
  for (const Activation activation :
       {Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu, Activation::silu}) {
    const Table expected = activated(Table(x), activation);
    CHECK(distance(Table(reference::activate(x, activation)), expected) < 5e-6);
  }
  RowMatrix ends(1, 4);
  ends << 1e15F, -1e15F, 200, -200;
  for (const Activation activation : {Activation::gelu_tanh, Activation::quick_gelu, Activation::silu}) {
    const RowMatrix y = reference::activate(ends, activation);
    CHECK(y(0, 0) == 1e15F);
    CHECK(std::abs(y(0, 1)) < 1e-20F);
    CHECK(y(0, 2) == 200.0F);
    CHECK(std::abs(y(0, 3)) < 1e-30F);
  }
}

TEST_CASE("unit_length: rows of length 1, and of zeros") {
  RowMatrix x(2, 3);
  x << 3, 0, -4, 0, 0, 0;
  RowMatrix expected(2, 3);
  expected << 0.6F, 0, -0.8F, 0, 0, 0;
  CHECK(reference::unit_length(x).isApprox(expected, 1e-6F));
}

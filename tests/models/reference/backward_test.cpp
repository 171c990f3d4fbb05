// Gradients beside differences of the forward.
#include <cmath>
#include <map>
#include <random>
#include <utility>

#include <catch2/catch.hpp>

#include "models/architectures/float_model.hpp"
#include "models/architectures/swin.hpp"
#include "models/architectures/token_schedule.hpp"
#include "models/reference/backward.hpp"
#include "models/reference/forward.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {
namespace {

using reference::BlockMap;

RowVector random_vector(Eigen::Index size, std::mt19937 &random) {
  RowVector result(size);
  for (float &value : result)
    value = static_cast<float>(random()) * 0x1p-31F - 1.0F;
  return result;
}

const LinearWeights &map_of(const BlockWeights &block, BlockMap map) {
  switch (map) {
  case BlockMap::qkv:
    return block.qkv;
  case BlockMap::proj:
    return block.proj;
  case BlockMap::gate:
    return block.gate;
  case BlockMap::fc1:
    return block.fc1;
  case BlockMap::fc2:
    return block.fc2;
  }
  throw std::logic_error("no such map");
}

// A bias is added to every row of a map's outputs: what the outputs of the model change when it does is the sum of the
// rows' gradients.
void check(const FloatModel &model) {
  const ModelConfig &config = common_config(model);
  const Image image = test::random_images(1, config.image_width, config.image_height, 5).front();
  const Network parts = network(model);
  std::mt19937 random(9);
  const reference::Gradients gradients(parts, image);
  const std::vector<float> outputs = reference::forward(model, image);
  REQUIRE(gradients.outputs() == Eigen::Map<const RowVector>(outputs.data(), gradients.outputs().size()));
  const std::vector<RowVector> weights{random_vector(gradients.outputs().size(), random),
                                       random_vector(gradients.outputs().size(), random)};
  std::map<std::pair<int, BlockMap>, std::vector<RowVector>> found;
  gradients.walk_back(weights, [&](int block, BlockMap map, const MatrixView &gradient) {
    found[{block, map}].push_back(gradient.colwise().sum());
  });

  int blocks = 0;
  for (const BodyPart &body : parts.body) {
    const auto *part = std::get_if<BlockPart>(&body);
    if (part == nullptr)
      continue;
    const int block = blocks++;
    for (const BlockMap map : {BlockMap::qkv, BlockMap::proj, BlockMap::gate, BlockMap::fc1, BlockMap::fc2}) {
      CAPTURE(block, static_cast<int>(map));
      const LinearWeights &layer = map_of(*part->weights, map);
      const auto sums = found.find({block, map});
      REQUIRE((sums != found.end()) == (layer.weight.size() > 0));
      if (sums == found.end())
        continue;
      REQUIRE(sums->second.size() == weights.size());
      // The bias is what tokens have that fill up windows, too. The maps before are right only if this one's is.
      if (map == BlockMap::qkv && part->config.windows && part->config.windows->padded())
        continue;
      auto &bias = const_cast<RowVector &>(layer.bias); // the model is this function's own but for the type
      const RowVector before = bias;
      const RowVector direction = random_vector(bias.size(), random);
      constexpr float h = 0x1p-6F;
      const auto outputs_at = [&](float step) {
        bias = before + step * direction;
        const std::vector<float> values = reference::forward(model, image);
        bias = before;
        return RowVector(Eigen::Map<const RowVector>(values.data(), static_cast<Eigen::Index>(values.size())));
      };
      const RowVector slope = (outputs_at(h) - outputs_at(-h)) / (2 * h);
      for (std::size_t i = 0; i < weights.size(); ++i) {
        const float expected = slope.dot(weights[i]);
        const float scale = slope.norm() * weights[i].norm();
        CAPTURE(i, scale);
        CHECK(sums->second[i].dot(direction) == Approx(expected).margin(0.01F * scale));
      }
    }
  }
  CHECK(blocks == parts.blocks());
}

template <class Change> void check_vit(const char *what, const Change &change) {
  INFO(what);
  VitConfig config = test::small_vit_config({.height = 24, .width = 32, .channels = 24, .heads = 2, .classes = 7});
  change(config);
  VitModel model = random_weights(config, 11);
  for (BlockWeights &block : model.weights.blocks)
    block.position_bias *= 10.0F;
  check(model);
}

} // namespace

TEST_CASE("gradients are what the outputs change by, whatever a block is made of") {
  check_vit("plain", [](VitConfig &) {});
  check_vit("GELU with tanh", [](VitConfig &config) { config.activation = Activation::gelu_tanh; });
  check_vit("quick GELU, a norm in front", [](VitConfig &config) {
    config.activation = Activation::quick_gelu;
    config.pre_norm = true;
  });
  check_vit("gates", [](VitConfig &config) {
    config.mlp.gated = true;
    config.activation = Activation::silu;
  });
  check_vit("gates and norms behind them", [](VitConfig &config) { config.mlp = {.gated = true, .normed = true}; });
  check_vit("a norm behind attention and in MLPs", [](VitConfig &config) {
    config.attention_norm = true;
    config.mlp.normed = true;
  });
  check_vit("norms that are not centred", [](VitConfig &config) { config.centred_norms = false; });
  check_vit("position biases", [](VitConfig &config) {
    config.positions = false;
    config.position_bias = true;
  });
  check_vit("norms behind the branches", [](VitConfig &config) { config.post_norms = true; });
  check_vit("rotation", [](VitConfig &config) {
    config.rope.grid = Rope::Grid::centred;
    config.rope.temperature = 100;
    config.prefix_tokens = 3;
  });
}

TEST_CASE("gradients are what the outputs change by, whatever the end reads") {
  for (const int classes : {0, 7}) {
    const auto pooled = [classes](Pool pool, int prefix_tokens) {
      check_vit("pool", [&](VitConfig &config) {
        config.pool = pool;
        config.prefix_tokens = prefix_tokens;
        config.classes = classes;
        config.pool_hidden = pool == Pool::attention ? 40 : 0;
      });
    };
    CAPTURE(classes);
    for (const Pool pool : {Pool::token, Pool::token_mean, Pool::token_pair, Pool::mean, Pool::normed_mean,
                            Pool::raw_mean, Pool::raw_token, Pool::attention}) {
      CAPTURE(static_cast<int>(pool));
      pooled(pool, pool == Pool::token_pair ? 2 : 1);
    }
    pooled(Pool::token_mean, 4);
    check_vit("projection", [classes](VitConfig &config) {
      config.projection = 20;
      config.classes = classes;
      config.unit_length = classes > 0;
    });
    check_vit("length 1", [classes](VitConfig &config) {
      config.classes = classes;
      config.unit_length = classes > 0;
    });
  }
}

TEST_CASE("gradients are what the outputs change by in windows and between stages") {
  for (const bool v2 : {false, true})
    for (const int width : {64, 52}) { // the latter's grids of 8 by 13 and 4 by 7 are no multiples of windows
      CAPTURE(v2, width);
      SwinConfig config;
      config.image_height = 32;
      config.image_width = width;
      config.channels = 16;
      config.depths = {2, 2};
      config.heads = {2, 4};
      config.window = 4;
      config.classes = 6;
      config.v2 = v2;
      SwinModel model = random_weights(config, 1);
      for (SwinStageWeights &stage : model.weights.stages)
        for (BlockWeights &block : stage.blocks)
          block.position_bias *= 2 / block.position_bias.cwiseAbs().maxCoeff();
      check(model);
    }
}

TEST_CASE("a network that merges tokens has no gradients") {
  const FloatModel model = random_weights(test::small_vit_config({.height = 24, .width = 32}), 3);
  Network parts = network(model);
  merge_tokens(parts, {{2}});
  CHECK_THROWS_AS(reference::Gradients(parts, test::random_images(1, 32, 24, 5).front()), std::invalid_argument);
}

} // namespace intvit

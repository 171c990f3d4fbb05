// Integer models of every architecture beside the float models that they were made of. Above 400 lines, as all forms of
// blocks and ends are judged by the same few functions.
#include <array>
#include <cmath>

#include <catch2/catch.hpp>

#include "models/architectures/registry.hpp"
#include "models/quantize/quantize.hpp"
#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {

namespace {

// Logits and, of a model with a head, features.
struct Outputs {
  std::vector<double> result;
  std::vector<double> features;
};

std::vector<double> real(std::span<const std::int32_t> values, int fraction_bits) {
  std::vector<double> result;
  for (const std::int32_t value : values)
    result.push_back(std::ldexp(value, -fraction_bits));
  return result;
}

Outputs integer_outputs(const std::vector<std::byte> &file, const Image &image) {
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(file));
  Session session = test::start_session(model);
  const std::vector<std::int32_t> logits = test::run_logits(session, {&image, 1});
  return {real(logits, model->logit_fraction_bits()), real(session.features(), model->feature_fraction_bits())};
}

// What the head of a float model sees. Without a head a pair of tokens would be averaged, so it keeps one that changes
// nothing.
FloatModel without_head(const FloatModel &model) {
  VitModel result = std::get<VitModel>(model);
  if (result.config.pool == Pool::token_pair && result.config.classes > 0) {
    const int seen = result.config.pooled();
    result.config.classes = seen;
    result.weights.head = {.weight = RowMatrix::Identity(seen, seen), .bias = RowVector::Zero(seen)};
    return result;
  }
  result.config.classes = 0;
  result.config.unit_length = false;
  result.weights.head = {};
  return result;
}

double distance(const std::vector<double> &actual, const std::vector<float> &expected) {
  REQUIRE(actual.size() == expected.size());
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    difference += std::pow(actual[i] - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / norm);
}

// The largest relative distance of the outputs, and of the features that a head sees, over four images that the
// quantizer has not seen.
double worst_distance(const FloatModel &model, const QuantizeOptions &options) {
  const ModelConfig &config = common_config(model);
  const std::vector<Image> images = test::random_images(68, config.image_width, config.image_height, 3);
  const std::span<const Image> calibration = std::span(images).first(64);
  const std::vector<std::byte> file = quantize({.model = model,
                                                .calibration = calibration,
                                                .recipe = squash_recipe(config.image_width, config.image_height),
                                                .labels = {},
                                                .provenance = {}},
                                               options);
  double worst = 0;
  for (const Image &image : std::span(images).last(4)) {
    const Outputs actual = integer_outputs(file, image);
    const std::vector<float> features = reference::forward(without_head(model), image);
    worst = std::max(
        {worst, distance(actual.result, reference::forward(model, image)), distance(actual.features, features)});
  }
  return worst;
}

} // namespace

// On random models 16-bit streams come to 0.02 to 0.09 and 8-bit ones to up to 0.13, whatever the head; a wrong head is
// off by 1.
TEST_CASE("integer models of the ViT family follow their float models") {
  const auto check = [](int prefix_tokens, Pool pool) {
    for (const int classes : {0, 7}) {
      const FloatModel model = random_weights(test::small_vit_config({.height = 24,
                                                                      .width = 32,
                                                                      .channels = 64,
                                                                      .heads = 4,
                                                                      .hidden = 128,
                                                                      .classes = classes,
                                                                      .prefix_tokens = prefix_tokens,
                                                                      .pool = pool}),
                                              11);
      for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
        CAPTURE(prefix_tokens, static_cast<int>(pool), classes, static_cast<int>(residual));
        QuantizeOptions options;
        options.residual = residual;
        const double distance = worst_distance(model, options);
        CAPTURE(distance);
        CHECK(distance < (residual == ResidualFormat::int16 ? 0.1 : 0.16));
      }
    }
  };
  check(1, Pool::token);
  check(1, Pool::token_mean);
  check(5, Pool::token_mean);
  check(5, Pool::token); // registers
  check(2, Pool::token_pair);
  check(0, Pool::mean);
  check(4, Pool::mean);
  check(0, Pool::normed_mean);
  check(1, Pool::normed_mean);
}

TEST_CASE("integer models follow float models with position biases") {
  for (const auto &[prefix_tokens, pool] : {std::pair(1, Pool::mean), {1, Pool::token}, {0, Pool::normed_mean}}) {
    VitConfig config = test::small_vit_config({.height = 24,
                                               .width = 32,
                                               .channels = 64,
                                               .heads = 4,
                                               .hidden = 128,
                                               .classes = 7,
                                               .prefix_tokens = prefix_tokens,
                                               .pool = pool});
    config.positions = false;
    config.position_bias = true;
    VitModel model = random_weights(config, 11);
    model.weights.position.setZero();
    for (BlockWeights &block : model.weights.blocks)
      block.position_bias *= 20.0F; // up to 2
    for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
      CAPTURE(prefix_tokens, static_cast<int>(pool), static_cast<int>(residual));
      QuantizeOptions options;
      options.residual = residual;
      CHECK(worst_distance(model, options) < (residual == ResidualFormat::int16 ? 0.1 : 0.16));
    }
  }
}

TEST_CASE("integer models follow float models with norms in other places and of another kind") {
  const auto check = [](const char *what, const auto &change) {
    VitConfig config = test::small_vit_config({.height = 24,
                                               .width = 32,
                                               .channels = 64,
                                               .heads = 4,
                                               .hidden = 128,
                                               .classes = 7,
                                               .prefix_tokens = 1,
                                               .pool = Pool::token});
    change(config);
    const FloatModel model = random_weights(config, 11);
    for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
      QuantizeOptions options;
      options.residual = residual;
      const double distance = worst_distance(model, options);
      CAPTURE(what, static_cast<int>(residual), distance);
      CHECK(distance < (residual == ResidualFormat::int16 ? 0.1 : 0.16));
    }
  };
  check("behind attention", [](VitConfig &config) { config.attention_norm = true; });
  check("inside MLPs", [](VitConfig &config) { config.mlp.normed = true; });
  check("both, and gates", [](VitConfig &config) {
    config.attention_norm = true;
    config.mlp = {.gated = true, .normed = true};
    config.activation = Activation::silu;
  });
  check("of patches", [](VitConfig &config) { config.embed_norm = true; });
  check("AIMv2", [](VitConfig &config) {
    config.centred_norms = false;
    config.embed_norm = true;
    config.mlp.gated = true;
    config.activation = Activation::silu;
    config.prefix_tokens = 0;
    config.pool = Pool::normed_mean;
  });
  check("none at the end", [](VitConfig &config) { config.pool = Pool::raw_token; });
}

namespace {

// What the last norm makes of the patches.
struct PatchObserver : reference::Observer {
  const VitModel &model;
  std::vector<float> tokens;

  explicit PatchObserver(const VitModel &of) : model(of) {}
  void observe(const reference::Site &site, const MatrixView &activation) override {
    if (site.kind != reference::SiteKind::final_input)
      return;
    const RowMatrix rows = reference::layer_norm(activation, model.weights.norm, model.config.layer_norm_eps)
                               .bottomRows(model.config.patches());
    tokens.assign(rows.data(), rows.data() + rows.size());
  }
};

} // namespace

TEST_CASE("integer models with patch tokens follow the float model in every patch, and in all else") {
  const auto check = [](int prefix_tokens, Pool pool, int classes) {
    VitConfig config = test::small_vit_config({.height = 24,
                                               .width = 32,
                                               .channels = 64,
                                               .heads = 4,
                                               .hidden = 128,
                                               .classes = classes,
                                               .prefix_tokens = prefix_tokens,
                                               .pool = pool});
    config.pool_hidden = pool == Pool::attention ? 96 : 0;
    const VitModel model = random_weights(config, 11);
    const std::vector<Image> images = test::random_images(68, 32, 24, 3);
    for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
      CAPTURE(prefix_tokens, static_cast<int>(pool), classes, static_cast<int>(residual));
      QuantizeOptions options;
      options.residual = residual;
      options.patch_tokens = true;
      const FloatModel any = model;
      const std::vector<std::byte> file = quantize({.model = any,
                                                    .calibration = std::span(images).first(64),
                                                    .recipe = squash_recipe(32, 24),
                                                    .labels = {},
                                                    .provenance = {}},
                                                   options);
      const std::shared_ptr<const Model> loaded = test::load_model(test::parse_model(file));
      const PatchTokens &tokens = loaded->patch_tokens();
      CHECK(tokens.grid_height == config.grid_height());
      CHECK(tokens.grid_width == config.grid_width());
      CHECK(tokens.channels == 64);
      Session session = test::start_session(loaded);
      for (const Image &image : std::span(images).last(4)) {
        PatchObserver expected(model);
        const std::vector<float> result = reference::forward(any, image, &expected);
        const std::vector<std::int32_t> actual = test::run_logits(session, {&image, 1});
        const double limit = residual == ResidualFormat::int16 ? 0.1 : 0.16;
        CHECK(distance(real(actual, loaded->logit_fraction_bits()), result) < limit);
        CHECK(distance(real(session.patch_tokens(0), tokens.fraction_bits), expected.tokens) < limit);
      }
    }
  };
  check(1, Pool::token, 0);
  check(5, Pool::token, 7);
  check(2, Pool::token_pair, 7);
  check(1, Pool::normed_mean, 7);
  check(3, Pool::token_mean, 7);
  check(0, Pool::attention, 0);
}

TEST_CASE("patch tokens are refused where there are none") {
  const auto refusal = [](Network network) -> std::string {
    try {
      keep_patch_tokens(network);
    } catch (const std::runtime_error &error) {
      return error.what();
    }
    return "";
  };
  const SwinConfig swin = std::get<SwinConfig>(architecture("swin_tiny_patch4_window7_224"));
  CHECK_THAT(refusal(network(swin)), Catch::Contains("a Swin has no token for each patch"));
  const VitConfig vit = std::get<VitConfig>(architecture("vit_tiny_patch16_224"));
  Network merging = network(vit);
  CHECK(refusal(merging) == "");
  merge_tokens(merging, {{3}});
  CHECK_THAT(refusal(merging), Catch::Contains("no token for each patch where tokens are merged"));
  VitConfig mean = vit;
  mean.pool = Pool::mean;
  CHECK_THAT(refusal(network(mean)), Catch::Contains("the model's last norm is not for single patches"));
}

namespace {

// The tower of a CLIP or SigLIP, small; with `classes` names that its features are compared with.
FloatModel tower(const VitConfig &changes, int classes) {
  VitConfig config = changes;
  config.image_height = 26; // two pixels more than patches cover
  config.image_width = 35;
  config.partial_patches = true;
  config.patch = 8;
  config.channels = 72; // heads of 24
  config.depth = 2;
  config.heads = 3;
  config.mlp_hidden = 128;
  config.classes = classes;
  config.unit_length = classes > 0 && config.pool != Pool::raw_mean;
  VitModel model = random_weights(config, 12);
  if (config.unit_length) // as class embeddings are: of one length, times a scale
    model.weights.head.weight *= 20.0F / model.weights.head.weight.row(0).norm();
  return model;
}

// `slack`: on the distances that others keep.
void check_tower(const VitConfig &config, double slack = 1) {
  for (const int classes : {0, 9})
    for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
      if (config.pool == Pool::raw_mean && config.projection > 0 && classes > 0)
        continue; // no model has them
      CAPTURE(static_cast<int>(config.pool), config.projection, static_cast<int>(config.activation), classes,
              static_cast<int>(residual));
      QuantizeOptions options;
      options.residual = residual;
      const double distance = worst_distance(tower(config, classes), options);
      CAPTURE(distance);
      CHECK(distance < slack * (residual == ResidualFormat::int16 ? 0.1 : 0.16));
    }
}

} // namespace

TEST_CASE("integer models of CLIP's towers follow their float models") {
  VitConfig config;
  config.layer_norm_eps = 1e-5;
  config.pre_norm = true;
  config.activation = Activation::quick_gelu;
  check_tower(config);
  config.projection = 40;
  check_tower(config);
  config.projection = 0;
  config.pool = Pool::raw_mean;
  check_tower(config);
}

TEST_CASE("integer models of SigLIP's towers follow their float models") {
  VitConfig config;
  config.prefix_tokens = 0;
  config.activation = Activation::gelu_tanh;
  config.pool = Pool::attention;
  config.pool_hidden = 96;
  check_tower(config);
  config.prefix_tokens = 3; // which the pooling leaves out, or does not
  check_tower(config);
  config.pools_prefix = true;
  check_tower(config);
  config.prefix_tokens = 0;
  config.pool = Pool::normed_mean;
  check_tower(config);
}

TEST_CASE("integer models of networks with norms behind the branches follow their float models") {
  VitConfig config;
  config.post_norms = true;
  constexpr double slack = 1.5; // a stream of 8 bits is what linear maps read
  check_tower(config, slack);
  config.pool = Pool::mean;
  config.prefix_tokens = 0;
  config.position_bias = true;
  config.mlp = {.gated = true};
  config.activation = Activation::silu;
  check_tower(config, slack);
}

TEST_CASE("integer models of networks with gated MLPs follow their float models") {
  VitConfig config;
  for (const Activation activation : {Activation::silu, Activation::gelu})
    for (const bool has_norm : {false, true}) {
      config.activation = activation;
      config.mlp = {.gated = true, .normed = has_norm};
      // Products of noise have long tails. A norm inside makes the MLP's branch stronger beside the rest.
      check_tower(config, has_norm ? 2 : 1);
    }
}

TEST_CASE("integer models of networks with rotary positions follow their float models") {
  VitConfig config;
  config.prefix_tokens = 5;
  config.positions = false;
  config.rope = {.grid = Rope::Grid::centred, .temperature = 100};
  check_tower(config);
  config.pool = Pool::normed_mean;
  config.positions = true;
  config.rope = {.grid = Rope::Grid::learned};
  check_tower(config);
  config.prefix_tokens = 1;
  config.pre_norm = true;
  config.pool = Pool::attention;
  config.pool_hidden = 96;
  config.pool_heads = 4;
  config.rope = {.grid = Rope::Grid::index, .temperature = 10000, .columns_first = true, .offset = 1, .reference = 7};
  check_tower(config);
}

TEST_CASE("integer models of towers: what files say of them") {
  VitConfig config;
  config.pre_norm = true;
  config.projection = 40;
  const FloatModel model = tower(config, 9);
  const std::vector<Image> images = test::random_images(16, 35, 26, 3);
  const std::vector<std::byte> bytes = quantize(
      {.model = model, .calibration = images, .recipe = squash_recipe(35, 26), .labels = {}, .provenance = {}}, {});
  const ModelFile file = test::parse_model(bytes);
  const std::shared_ptr<const Model> integer = test::load_model(file);
  CHECK(integer->classes() == 9);
  CHECK(integer->features() == 40);
  CHECK(integer->result_kind() == ResultKind::logits);
  const std::string features = file.tensors().metadata().at("intvit.required_features");
  for (const char *feature : {"\"l2_normalize\"", "\"patches.partial\"", "\"layer_norm.int16\""})
    CHECK(features.find(feature) != std::string::npos);
  CHECK(features.find("quick_gelu") == std::string::npos);

  const std::vector<std::byte> alone = quantize({.model = without_head(model),
                                                 .calibration = images,
                                                 .recipe = squash_recipe(35, 26),
                                                 .labels = {},
                                                 .provenance = {}},
                                                {});
  const std::shared_ptr<const Model> embedding = test::load_model(test::parse_model(alone));
  CHECK(embedding->result_kind() == ResultKind::embedding);
  CHECK(embedding->features() == 40);
}

} // namespace intvit

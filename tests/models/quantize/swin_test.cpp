// A small Swin Transformer with random weights: the integer model against the float one.
#include <array>
#include <cmath>

#include <catch2/catch.hpp>

#include "models/architectures/swin.hpp"
#include "models/quantize/quantize.hpp"
#include "models/reference/forward.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"

namespace intvit {
namespace {

using kernels::Softmax;

// A grid of 16 by 16 with windows of 4, then 8 by 8, then 4 by 4: one window.
SwinConfig small_swin() {
  SwinConfig config;
  config.architecture = "small_swin";
  config.image_height = 64;
  config.image_width = 64;
  config.channels = 16;
  config.depths = {2, 2, 1};
  config.heads = {2, 4, 8};
  config.window = 4;
  config.classes = 20;
  return config;
}

// Weights as of a trained model in what matters here: biases that make a difference.
FloatModel random_model(const SwinConfig &config) {
  SwinModel model = random_weights(config, 1);
  for (SwinStageWeights &stage : model.weights.stages)
    for (BlockWeights &block : stage.blocks) {
      block.position_bias *= 2 / block.position_bias.cwiseAbs().maxCoeff();
      block.cosine_scale *= 0.3F; // cosines of heads of 8 channels are far from 0, farther than those of 32
    }
  return model;
}

// Features point where those of the float model without its head do.
void check_features(const FloatModel &model, const Session &session, const Image &image) {
  SwinModel body = std::get<SwinModel>(model);
  body.config.classes = 0;
  body.weights.head = {};
  const std::vector<float> expected = reference::forward(body, image);
  const std::span<const std::int32_t> actual = session.features();
  REQUIRE(actual.size() == expected.size());
  const double unit = std::ldexp(1, -session.model().feature_fraction_bits());
  double product = 0;
  double squares[2] = {};
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double x = static_cast<double>(expected[i]);
    const double y = actual[i] * unit;
    product += x * y;
    squares[0] += x * x;
    squares[1] += y * y;
  }
  CHECK(product / std::sqrt(squares[0] * squares[1]) > 0.98);
  CHECK(squares[1] == Approx(squares[0]).epsilon(0.1));
}

// The cosine of all outputs over some pictures, less each output's mean, which would hide what differs.
double cosine(const FloatModel &model, const QuantizeOptions &options) {
  const std::vector<Image> calibration = test::random_images(12, 64, 64, 2);
  const std::vector<std::byte> bytes =
      quantize({.model = model, .calibration = calibration, .recipe = squash_recipe(64, 64)}, options);
  const std::shared_ptr<const Model> integer = test::load_model(test::parse_model(bytes));
  Session session = test::start_session(integer);

  const std::vector<Image> images = test::random_images(16, 64, 64, 3);
  std::vector<std::vector<double>> expected;
  std::vector<std::vector<double>> actual;
  for (const Image &image : images) {
    const std::vector<std::int32_t> integer_logits = test::run_logits(session, {&image, 1});
    const std::vector<float> logits = reference::forward(model, image);
    REQUIRE(integer_logits.size() == logits.size());
    expected.emplace_back(logits.begin(), logits.end());
    check_features(model, session, image);
    actual.emplace_back();
    for (const std::int32_t logit : integer_logits)
      actual.back().push_back(std::ldexp(logit, -integer->logit_fraction_bits()));
  }
  double product = 0;
  double squares[2] = {};
  for (std::size_t n = 0; n < expected.front().size(); ++n) {
    double means[2] = {};
    for (std::size_t i = 0; i < images.size(); ++i) {
      means[0] += expected[i][n] / static_cast<double>(images.size());
      means[1] += actual[i][n] / static_cast<double>(images.size());
    }
    CHECK(means[1] == Approx(means[0]).margin(0.2));
    for (std::size_t i = 0; i < images.size(); ++i) {
      const double x = expected[i][n] - means[0];
      const double y = actual[i][n] - means[1];
      product += x * y;
      squares[0] += x * x;
      squares[1] += y * y;
    }
  }
  return product / std::sqrt(squares[0] * squares[1]);
}

TEST_CASE("quantize: Swin with every residual stream and softmax") {
  const FloatModel model = random_model(small_swin());
  for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8})
    for (const Softmax softmax : {Softmax::int16, Softmax::int8, Softmax::lis8, Softmax::lis4}) {
      CAPTURE(static_cast<int>(residual), kernels::softmax_name(softmax));
      const bool powers_of_two = softmax == Softmax::lis4 || softmax == Softmax::lis8;
      CHECK(cosine(model, {.residual = residual, .softmax = softmax}) > (powers_of_two ? 0.98 : 0.99));
    }
}

TEST_CASE("quantize: Swin without a head gives features") {
  SwinConfig config = small_swin();
  config.classes = 0;
  CHECK(cosine(random_model(config), {}) > 0.99);
}

TEST_CASE("quantize: Swin V2 with every residual stream and softmax") {
  SwinConfig config = small_swin();
  config.v2 = true;
  const FloatModel model = random_model(config);
  for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8})
    for (const Softmax softmax : {Softmax::int16, Softmax::lis4}) {
      CAPTURE(static_cast<int>(residual), kernels::softmax_name(softmax));
      const bool fine = residual == ResidualFormat::int16 && softmax == Softmax::int16;
      CHECK(cosine(model, {.residual = residual, .softmax = softmax}) > (fine ? 0.99 : 0.96));
    }
}

TEST_CASE("quantize: grids that windows do not divide, of odd sides") {
  for (const bool v2 : {false, true})
    for (const bool rolled_first : {false, true}) {
      CAPTURE(v2, rolled_first);
      SwinConfig config = small_swin();
      config.v2 = v2;
      config.rolled_first = rolled_first;
      config.patch = 7; // grids of 9, 5 and 3 tokens a side
      config.partial_patches = true;
      CHECK(cosine(random_model(config), {}) > 0.99);
    }
}

} // namespace
} // namespace intvit

// Float weights that no training gives: a message, or a model whose golden logits are right; nothing else. And
// calibration images that show too little.
#include <array>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "models/quantize/calibration.hpp"
#include "models/quantize/quantize.hpp"
#include "models/reference/forward.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {
namespace {

enum class Spread { one, row, tensor };

// Puts `value` into one of the model's tensors, into one element, a row or all.
void put(VitModel &model, std::size_t tensor, Spread spread, float value, std::mt19937 &random) {
  const std::vector<NamedTensor> tensors = named_tensors(model.config, model.weights);
  const NamedTensor &chosen = tensors[tensor % tensors.size()];
  const auto elements = static_cast<std::size_t>(chosen.elements());
  const std::size_t columns = elements / static_cast<std::size_t>(chosen.shape.front());
  const std::size_t first = spread == Spread::tensor ? 0 : random() % elements;
  const std::size_t count = spread == Spread::one ? 1 : spread == Spread::row ? columns : elements;
  for (std::size_t i = first; i < std::min(first + count, elements); ++i)
    chosen.data[i] = value;
}

TEST_CASE("quantize: extreme weights end in a message or in a model that is right") {
  const test::SmallVit small{.channels = 64, .depth = 1, .hidden = 64};
  const std::vector<Image> images = test::random_images(4, 16, 16, 9);
  std::mt19937 random(5);
  int index = 0;
  int models = 0;
  int messages = 0;
  for (const ResidualFormat residual :
       {ResidualFormat::int16, ResidualFormat::ptf8, ResidualFormat::ptf8_paper, ResidualFormat::int8})
    for (const WeightLevels levels : {WeightLevels::int8, WeightLevels::stlq})
      for (const float value : {3e38F, -1e30F, 1e20F, 1e15F, -1e10F, 1e5F, 1e-20F, 1e-45F, 0.0F, std::nanf("")})
        for (const Spread spread : {Spread::one, Spread::row, Spread::tensor}) {
          if (index++ % test::one_in != 0)
            continue;
          VitModel model = std::get<VitModel>(random_float_model(test::small_vit_config(small), 4));
          const std::size_t tensor = random();
          put(model, tensor, spread, value, random);
          QuantizeOptions options;
          options.residual = residual;
          options.weight_levels = levels;
          options.softmax = std::array{kernels::Softmax::int16, kernels::Softmax::int8,
                                       kernels::Softmax::lis4}[static_cast<std::size_t>(models + messages) % 3];
          CAPTURE(static_cast<int>(residual), static_cast<int>(levels), value, static_cast<int>(spread), tensor);
          const FloatModel float_model(std::move(model));
          std::vector<std::byte> file;
          try {
            file = quantize({.model = float_model, .calibration = images, .recipe = squash_recipe(16, 16)}, options);
          } catch (const std::runtime_error &error) {
            INFO(error.what());
            // By default a model is made of whatever is not too large.
            CHECK_FALSE(
                (std::abs(value) <= 1e-20F && residual == ResidualFormat::int16 && levels == WeightLevels::int8));
            ++messages;
            continue;
          }
          CHECK_FALSE(std::isnan(value));
          const ModelFile parsed = test::parse_model(file);
          const std::shared_ptr<const Model> loaded = test::load_model(parsed);
          Session session = test::start_session(loaded);
          CHECK(test::run_logits(session, {&images.front(), 1}) == parsed.golden_logits());
          ++models;
        }
  CAPTURE(models, messages);
  CHECK(models > 60 / test::one_in);
  CHECK(messages > 60 / test::one_in);
}

// The cosine of the integer model's logits and the float model's, over images that it was not calibrated on.
double cosine_of(const FloatModel &model, std::span<const Image> calibration, const QuantizeOptions &options) {
  const std::vector<std::byte> file =
      quantize({.model = model, .calibration = calibration, .recipe = squash_recipe(32, 32)}, options);
  const std::shared_ptr<const Model> loaded = test::load_model(test::parse_model(file));
  Session session = test::start_session(loaded);
  double product = 0;
  double integers = 0;
  double floats = 0;
  for (const Image &image : test::random_images(10, 32, 32, 77)) {
    const std::vector<std::int32_t> logits = test::run_logits(session, {&image, 1});
    const std::vector<float> expected = reference::forward(network(model), image);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double integer = std::ldexp(logits[i], -loaded->logit_fraction_bits());
      const auto real = static_cast<double>(expected[i]);
      product += integer * real;
      integers += integer * integer;
      floats += real * real;
    }
  }
  return product / std::sqrt(integers * floats);
}

TEST_CASE("quantize: one calibration image, or the same again and again, gives a model that sees others") {
  const FloatModel model = random_float_model(
      test::small_vit_config({.height = 32, .width = 32, .patch = 4, .channels = 64, .hidden = 128}), 11);
  const std::vector<Image> one = test::random_images(1, 32, 32, 5);
  const std::vector<Image> eight(8, one.front());
  std::vector<Image> nearly(8, one.front());
  for (std::size_t i = 0; i < nearly.size(); ++i)
    nearly[i].rgb[i * 10] ^= 1U;
  const std::vector<Image> different = test::random_images(16, 32, 32, 6);
  CHECK(all_the_same(one));
  CHECK(all_the_same(eight));
  CHECK_FALSE(all_the_same(nearly));
  for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
    if (test::one_in > 1 && residual == ResidualFormat::int16)
      continue;
    QuantizeOptions options;
    options.residual = residual;
    CAPTURE(static_cast<int>(residual));
    const double least = residual == ResidualFormat::int16 ? 0.9 : 0.8;
    CHECK(cosine_of(model, different, options) > 0.98);
    CHECK(cosine_of(model, one, options) > least);
    CHECK(cosine_of(model, eight, options) > least);
    CHECK(cosine_of(model, nearly, options) > least);
  }
}

TEST_CASE("quantize: calibration images of one colour each are refused") {
  const FloatModel model = random_float_model(test::small_vit_config(), 11);
  std::vector<Image> images = test::random_images(3, 16, 16, 5);
  std::uint8_t shade = 0;
  for (Image &image : images) {
    image.rgb.assign(image.rgb.size(), shade);
    shade += 100;
  }
  const QuantizeInput input{.model = model, .calibration = images, .recipe = squash_recipe(16, 16)};
  CHECK_THROWS_WITH(quantize(input, {}), Catch::Contains("every calibration image is of one colour"));
  images.back().rgb[0] ^= 1U; // one pixel is another
  CHECK_NOTHROW(quantize(input, {}));
}

} // namespace
} // namespace intvit

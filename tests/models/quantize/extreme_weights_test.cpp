// Float weights that no training gives: a message, or a model whose golden logits are right; nothing else.
#include <array>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "models/quantize/quantize.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"
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
  int models = 0;
  int messages = 0;
  for (const ResidualFormat residual :
       {ResidualFormat::int16, ResidualFormat::ptf8, ResidualFormat::ptf8_paper, ResidualFormat::int8})
    for (const WeightLevels levels : {WeightLevels::int8, WeightLevels::stlq})
      for (const float value : {3e38F, -1e30F, 1e20F, 1e15F, -1e10F, 1e5F, 1e-20F, 1e-45F, 0.0F, std::nanf("")})
        for (const Spread spread : {Spread::one, Spread::row, Spread::tensor}) {
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
  CHECK(models > 60);
  CHECK(messages > 60);
}

} // namespace
} // namespace intvit

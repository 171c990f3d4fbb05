// What errors of linear maps cost at the model's outputs, and what a quantizer makes of it.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include <catch2/catch.hpp>

#include "engine/ops/four_bits_weights.hpp"
#include "models/architectures/float_model.hpp"
#include "models/quantize/calibration.hpp"
#include "models/quantize/error_costs.hpp"
#include "models/quantize/quantize.hpp"
#include "models/reference/backward.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {
namespace {

using Eigen::ArrayXd;
using reference::BlockMap;
using reference::SiteKind;

VitModel small_model(bool gated = false) {
  VitConfig config = test::small_vit_config({.height = 24, .width = 32, .channels = 24, .heads = 2, .classes = 6});
  config.mlp.gated = gated;
  return random_weights(config, 4);
}

// Samples of every token of the images, of a map's input that has two channels.
SiteSamples samples_of_tokens(const std::vector<Image> &images, int tokens) {
  Calibration calibration(images, 1);
  return calibration
      .embed({SiteKind::embedding},
             [&](const Image &, reference::Observer &observer) {
               RowMatrix rows(tokens, 2);
               for (Eigen::Index row = 0; row < tokens; ++row)
                 rows.row(row).setConstant(static_cast<float>(row));
               reference::report(&observer, 0, SiteKind::embedding, rows);
               return rows;
             })
      .front()
      .second;
}

} // namespace

TEST_CASE("samples know of which token each row is") {
  const SiteSamples samples = samples_of_tokens(test::random_images(5, 32, 24, 3), 13);
  for (std::size_t half = 0; half < 2; ++half) {
    REQUIRE(static_cast<Eigen::Index>(samples.tokens[half].size()) == samples.rows[half].rows());
    for (std::size_t row = 0; row < samples.tokens[half].size(); ++row)
      CHECK(samples.rows[half](static_cast<Eigen::Index>(row), 1) == static_cast<float>(samples.tokens[half][row]));
  }
}

TEST_CASE("a class token may weigh as much as all other tokens together") {
  SiteSamples samples = samples_of_tokens(test::random_images(2000, 32, 24, 3), 13); // 4 of 13 tokens
  samples.weigh_class_token();
  for (std::size_t half = 0; half < 2; ++half) {
    double first = 0;
    double others = 0;
    for (std::size_t row = 0; row < samples.tokens[half].size(); ++row)
      (samples.tokens[half][row] == 0 ? first : others) += samples.row_weights[half][static_cast<Eigen::Index>(row)];
    CHECK(first == Approx(2000));
    CHECK(others == Approx(2000));
  }
  SiteSamples alone = samples_of_tokens(test::random_images(3, 32, 24, 3), 2);
  for (std::vector<int> &tokens : alone.tokens)
    std::fill(tokens.begin(), tokens.end(), 0);
  alone.weigh_class_token();
  CHECK(alone.row_weights[0].size() == 0);
}

// What the tokens' errors count shows in the file where the end reads a class token, and nowhere else.
TEST_CASE("errors count by the class token where the end reads one") {
  const std::vector<Image> images = test::random_images(24, 32, 24, 3);
  for (const Pool pool : {Pool::token, Pool::token_pair, Pool::token_mean, Pool::mean}) {
    CAPTURE(static_cast<int>(pool));
    const VitModel model = random_weights(test::small_vit_config({.height = 24,
                                                                  .width = 32,
                                                                  .channels = 24,
                                                                  .heads = 2,
                                                                  .classes = 6,
                                                                  .prefix_tokens = pool == Pool::token_pair ? 2 : 1,
                                                                  .pool = pool}),
                                          4);
    const auto file = [&](std::optional<ErrorMeasure> measure) {
      QuantizeOptions options;
      options.error_measure = measure;
      return quantize(
          {.model = model, .calibration = images, .recipe = squash_recipe(32, 24), .labels = {}, .provenance = {}},
          options);
    };
    const std::vector<std::byte> by_class_token = file(ErrorMeasure::class_token);
    CHECK(file({}) == by_class_token);
    CHECK((file(ErrorMeasure::layer) == by_class_token) == (pool == Pool::token_mean || pool == Pool::mean));
    CHECK(file(ErrorMeasure::model) != by_class_token);
  }
  QuantizeOptions drawn;
  drawn.margins = margins_of_drawn_pictures;
  CHECK(error_measure(drawn, false) == ErrorMeasure::layer);
  CHECK(error_measure(drawn, true) == ErrorMeasure::model);
}

// Random sums of the outputs give in the mean what every output by itself gives.
TEST_CASE("costs are the mean squares of the outputs' gradients") {
  const VitModel model = small_model();
  const Network parts = network(model.config, &model.weights);
  const std::vector<Image> images = test::random_images(200, 32, 24, 3);
  const int tokens = model.config.tokens();
  const ErrorCosts costs(parts, images, 2);

  std::array<std::array<MapCosts, 5>, 2> expected;
  for (const Image &image : images) {
    const reference::Gradients gradients(parts, image);
    const Eigen::Index outputs = gradients.outputs().size();
    const RowVector centred = gradients.outputs().array() - gradients.outputs().mean();
    std::vector<RowVector> each;
    for (Eigen::Index k = 0; k < outputs; ++k) {
      each.push_back(RowVector::Constant(outputs, -1.0F / static_cast<float>(outputs)));
      each.back()[k] += 1;
      each.back() /= centred.norm();
    }
    gradients.walk_back(each, [&](int block, BlockMap map, const MatrixView &gradient) {
      MapCosts &found = expected[static_cast<std::size_t>(block)][static_cast<std::size_t>(map)];
      if (found.outputs.size() == 0)
        found = {ArrayXd::Zero(gradient.cols()), ArrayXd::Zero(gradient.rows())};
      const Eigen::ArrayXXd squares = gradient.array().cast<double>().square();
      found.outputs += squares.colwise().sum().transpose() / static_cast<double>(images.size());
      found.tokens += squares.rowwise().sum();
    });
  }
  for (int block = 0; block < 2; ++block) {
    CHECK(costs.tokens(block) == tokens);
    for (const BlockMap map : {BlockMap::qkv, BlockMap::proj, BlockMap::fc1, BlockMap::fc2}) {
      CAPTURE(block, static_cast<int>(map));
      SiteSamples samples = samples_of_tokens(images, tokens);
      costs.weigh(samples, block, map, false);
      const MapCosts &want = expected[static_cast<std::size_t>(block)][static_cast<std::size_t>(map)];
      REQUIRE(samples.output_costs.size() == want.outputs.size());
      CHECK((samples.output_costs - want.outputs).matrix().norm() < 0.35 * want.outputs.matrix().norm());
      CHECK(samples.output_costs.sum() == Approx(want.outputs.sum()).epsilon(0.25));

      // Half of the weight is given, half goes by the token.
      const ArrayXd share = want.tokens / want.tokens.mean();
      double sum = 0;
      for (std::size_t half = 0; half < 2; ++half)
        for (std::size_t row = 0; row < samples.tokens[half].size(); ++row) {
          const double weight = samples.row_weights[half][static_cast<Eigen::Index>(row)];
          const double token = share[samples.tokens[half][row]];
          sum += weight / static_cast<double>(2 * samples.tokens[half].size());
          CHECK(weight == Approx(0.5 + 0.5 * token).epsilon(0.3));
        }
      CHECK(sum == Approx(1));
    }
  }
}

// A row that stands for several tokens weighs as they do together.
TEST_CASE("rows weigh as much as the tokens that they stand for") {
  const VitModel model = small_model();
  const Network parts = network(model.config, &model.weights);
  const std::vector<Image> images = test::random_images(2000, 32, 24, 3);
  const ErrorCosts costs(parts, std::span(images).first(48), 2);
  const int tokens = model.config.tokens();
  SiteSamples all = samples_of_tokens({images.begin(), images.begin() + 48}, tokens);
  SiteSamples some = samples_of_tokens(images, tokens);
  costs.weigh(all, 0, BlockMap::fc2, false);
  costs.weigh(some, 0, BlockMap::fc2, false);
  const auto share_of_first = [](const SiteSamples &samples) {
    double first = 0;
    double sum = 0;
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t row = 0; row < samples.tokens[half].size(); ++row) {
        const double weight = samples.row_weights[half][static_cast<Eigen::Index>(row)];
        sum += weight;
        first += samples.tokens[half][row] == 0 ? weight : 0;
      }
    return first / sum;
  };
  CHECK(some.tokens[0].size() == 1000 * 4); // 4 of 13
  CHECK(share_of_first(some) == Approx(share_of_first(all)).epsilon(0.05));
}

TEST_CASE("costs do not depend on the number of threads") {
  const VitModel model = small_model(true);
  const Network parts = network(model.config, &model.weights);
  const std::vector<Image> images = test::random_images(7, 32, 24, 3);
  SiteSamples one = samples_of_tokens(images, model.config.tokens());
  SiteSamples three = one;
  ErrorCosts(parts, images, 1).weigh(one, 1, BlockMap::fc1, false);
  ErrorCosts(parts, images, 3).weigh(three, 1, BlockMap::fc1, false);
  CHECK(one.output_costs.size() == 2 * model.config.mlp_hidden); // the gate's and the first map's
  CHECK((one.output_costs == three.output_costs).all());
  CHECK((one.row_weights[0] == three.row_weights[0]).all());
}

TEST_CASE("rows into which tokens have merged weigh alike") {
  const VitModel model = small_model();
  const Network parts = network(model.config, &model.weights);
  const std::vector<Image> images = test::random_images(6, 32, 24, 3);
  const ErrorCosts costs(parts, images, 1);
  CHECK(costs.tokens(1) == model.config.tokens());
  SiteSamples samples = samples_of_tokens(images, model.config.tokens() - 3);
  costs.weigh(samples, 1, BlockMap::qkv, true);
  CHECK(samples.row_weights[0].size() == 0);
  CHECK(samples.output_costs.size() == 3 * model.config.channels);
}

TEST_CASE("layers compete for second words, and together have the part that was asked for") {
  const FloatModel model = small_model();
  const std::vector<Image> images = test::random_images(24, 32, 24, 3);
  for (const ErrorMeasure measure : {ErrorMeasure::layer, ErrorMeasure::model}) {
    QuantizeOptions options;
    options.weight_levels = WeightLevels::int4;
    options.two_word_ratio = 0.3;
    options.error_measure = measure;
    int steps = 0;
    const std::vector<std::byte> bytes = quantize(
        {.model = model, .calibration = images, .recipe = squash_recipe(32, 24), .labels = {}, .provenance = {}},
        options, [&](int step, int total) {
          CHECK(step == steps++);
          CHECK(total == (measure == ErrorMeasure::model ? 10 : 5));
        });
    CHECK(steps == (measure == ErrorMeasure::model ? 10 : 5));
    double least = 1;
    double most = 0;
    double groups = 0;
    double with_two = 0;
    int layers = 0;
    const std::string suffix = std::string(".") + storage_of(WeightLevels::int4, 4)->second();
    for (const auto &[name, tensor] : test::ModelParts(bytes).tensors)
      if (name.ends_with(suffix)) {
        const std::string map = name.substr(0, name.size() - suffix.size());
        const double weights = map.ends_with("qkv") ? 3 * 24 * 24 : map.ends_with("proj") ? 24 * 24 : 24 * 32;
        const double marked = static_cast<double>(tensor.shape[0]);
        least = std::min(least, marked / (weights / 4));
        most = std::max(most, marked / (weights / 4));
        groups += weights / 4;
        with_two += marked;
        ++layers;
      }
    CHECK(layers == 8);
    CHECK(with_two / groups == Approx(0.3).margin(0.01));
    if (measure == ErrorMeasure::layer)
      CHECK(most - least < 0.06); // the smallest map has 144 groups, of which a row takes up to six at once
    else
      CHECK(most - least > 0.1);
  }
}

} // namespace intvit

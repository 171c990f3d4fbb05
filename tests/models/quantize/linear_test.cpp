// quantize_linear(), above all the two ways in which weights are rounded.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "models/architectures/stlq_words.hpp"
#include "models/quantize/linear/quantized_linear.hpp"

namespace intvit {
namespace {

using Eigen::ArrayXd;
using Eigen::Index;

RowMatrix random_matrix(Index rows, Index columns, std::mt19937 &generator) {
  // mt19937's numbers are the same everywhere, those of the standard distributions are not.
  RowMatrix matrix(rows, columns);
  for (Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(generator()) / 2147483648.0F - 1.0F;
  return matrix;
}

LinearWeights random_layer(Index out, Index in, std::mt19937 &generator) {
  return {.weight = random_matrix(out, in, generator), .bias = random_matrix(1, out, generator).row(0)};
}

// Rows whose channels are mixtures of a few common factors, with some noise of their own and different ranges.
RowMatrix correlated_rows(Index rows, const RowMatrix &mixture, std::mt19937 &generator) {
  RowMatrix values = random_matrix(rows, mixture.rows(), generator) * mixture;
  values += 0.1F * random_matrix(rows, mixture.cols(), generator);
  for (Index c = 0; c < values.cols(); ++c)
    values.col(c) =
        values.col(c) * (0.5F + 0.25F * static_cast<float>(c % 7)) + RowVector::Constant(rows, 0.3F).transpose();
  return values;
}

// The first and the second half of the rows.
SiteSamples in_halves(const RowMatrix &rows) {
  const Index half = rows.rows() / 2;
  SiteSamples samples;
  samples.rows = {rows.topRows(half), rows.bottomRows(rows.rows() - half)};
  for (std::size_t i = 0; i < 2; ++i) {
    samples.minimum[i] = samples.rows[i].colwise().minCoeff();
    samples.maximum[i] = samples.rows[i].colwise().maxCoeff();
  }
  return samples;
}

QuantizedLinear quantized(const LinearWeights &layer, const RowMatrix &rows, QuantizeOptions options, bool compensate) {
  options.rounding = compensate ? Rounding::compensating : Rounding::nearest;
  return quantize_linear(layer, in_halves(rows), {RowVector::Ones(rows.cols()), {}}, options, [](ChannelCodes &) {});
}

int weight(const QuantizedLinear &layer, Index n, Index c) {
  return layer.weights[static_cast<std::size_t>(n * layer.input.scale.size() + c)];
}

// The mean squared error that the rounding of the weights alone makes in the outputs: between real and quantized
// weights on the same quantized input, less the mean, which the bias corrects.
double rounding_error(const LinearWeights &layer, const QuantizedLinear &result, const RowMatrix &rows) {
  Eigen::MatrixXd centred(rows.rows(), rows.cols());
  for (Index r = 0; r < rows.rows(); ++r)
    for (Index c = 0; c < rows.cols(); ++c)
      centred(r, c) =
          std::clamp(std::nearbyint(static_cast<double>(rows(r, c)) / result.input.scale[c] + result.input.zero[c]),
                     -128.0, 127.0);
  centred.rowwise() -= centred.colwise().mean().eval();
  Eigen::MatrixXd error(layer.weight.rows(), layer.weight.cols());
  for (Index n = 0; n < error.rows(); ++n)
    for (Index c = 0; c < error.cols(); ++c)
      error(n, c) =
          static_cast<double>(layer.weight(n, c)) * result.input.scale[c] - result.scale[n] * weight(result, n, c);
  return (centred * error.transpose()).squaredNorm() / static_cast<double>(rows.rows() * error.rows());
}

void check_sound(const QuantizedLinear &result) {
  CHECK(std::all_of(result.weights.begin(), result.weights.end(), [](std::int8_t code) { return code >= -127; }));
  CHECK((result.scale > 0).all());
  CHECK(result.scale.isFinite().all());
  CHECK(result.bias.isFinite().all());
}

void check_same(const QuantizedLinear &one, const QuantizedLinear &other) {
  CHECK((one.weights == other.weights));
  CHECK((one.scale == other.scale).all());
  CHECK((one.bias == other.bias).all());
  CHECK((one.input.scale == other.input.scale).all());
  CHECK((one.input.zero == other.input.zero).all());
}

TEST_CASE("compensating rounding: correlated inputs lose far less, also those that were not sampled") {
  for (const RangeObserver method : {RangeObserver::mse, RangeObserver::minmax})
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(seed);
      std::mt19937 generator(seed);
      const RowMatrix mixture = random_matrix(6, 48, generator);
      const RowMatrix rows = correlated_rows(2000, mixture, generator);
      const RowMatrix unseen = correlated_rows(1000, mixture, generator);
      const LinearWeights layer = random_layer(24, 48, generator);
      const QuantizedLinear nearest = quantized(layer, rows, {.published = {.observer = method}}, false);
      const QuantizedLinear compensated = quantized(layer, rows, {.published = {.observer = method}}, true);
      check_sound(compensated);
      // The input's codes do not depend on the rounding.
      CHECK((nearest.input.scale == compensated.input.scale).all());
      CHECK((nearest.input.zero == compensated.input.zero).all());
      CHECK(rounding_error(layer, compensated, rows) < 0.3 * rounding_error(layer, nearest, rows));
      CHECK(rounding_error(layer, compensated, unseen) < 0.3 * rounding_error(layer, nearest, unseen));
    }
}

// Columns of a Hadamard matrix but the first: each has as many 1 as -1, and any two are orthogonal, so nothing can make
// up for anything and both roundings are the same.
TEST_CASE("compensating rounding: uncorrelated inputs are rounded to nearest") {
  std::mt19937 generator(3);
  for (const bool same_ranges : {true, false}) {
    RowMatrix rows(128, 63);
    for (Index r = 0; r < rows.rows(); ++r)
      for (Index c = 0; c < rows.cols(); ++c) {
        const float range = same_ranges ? 1.0F : 0.5F + 0.25F * static_cast<float>((c * 5) % 7);
        rows(r, c) = std::popcount(static_cast<unsigned>(r & (c + 1))) % 2 == 0 ? range : -range;
      }
    const LinearWeights layer = random_layer(16, 63, generator);
    // Where variances differ, the search of the weights' scales weighs them a little differently.
    const QuantizeOptions options{.published = {.observer = same_ranges ? RangeObserver::mse : RangeObserver::minmax}};
    check_same(quantized(layer, rows, options, false), quantized(layer, rows, options, true));
  }
}

TEST_CASE("compensating rounding: the same input gives the same codes") {
  std::mt19937 generator(4);
  const RowMatrix rows = correlated_rows(300, random_matrix(6, 48, generator), generator);
  const LinearWeights layer = random_layer(24, 48, generator);
  check_same(quantized(layer, rows, {}, true), quantized(layer, rows, {}, true));
}

TEST_CASE("compensating rounding: fewer samples than channels, and channels that never change") {
  for (const Index samples : {2, 5, 20, 60}) {
    CAPTURE(samples);
    std::mt19937 generator(static_cast<std::uint32_t>(samples));
    RowMatrix rows = correlated_rows(samples, random_matrix(6, 64, generator), generator);
    for (const Index c : {0, 13, 14, 63})
      rows.col(c).setConstant(c == 13 ? 0.0F : 1.5F - static_cast<float>(c));
    const LinearWeights layer = random_layer(32, 64, generator);
    const QuantizedLinear nearest = quantized(layer, rows, {}, false);
    const QuantizedLinear compensated = quantized(layer, rows, {}, true);
    check_sound(compensated);
    CHECK(rounding_error(layer, compensated, rows) < rounding_error(layer, nearest, rows));
  }
}

TEST_CASE("quantize_linear: no output's scale goes beyond the largest that is allowed") {
  std::mt19937 generator(13);
  LinearWeights layer = random_layer(6, 16, generator);
  layer.weight.row(2) *= 50.0F;
  const SiteSamples samples = in_halves(correlated_rows(200, random_matrix(4, 16, generator), generator));
  for (const WeightLevels levels : {WeightLevels::int8, WeightLevels::stlq, WeightLevels::int4})
    for (const bool compensate : {false, true}) {
      QuantizeOptions options;
      options.weight_levels = levels;
      options.rounding = compensate ? Rounding::compensating : Rounding::nearest;
      const auto with_limit = [&](double limit) {
        return quantize_linear(
            layer, samples, {RowVector::Ones(16), {}}, options, [](ChannelCodes &) {}, limit);
      };
      const QuantizedLinear free = with_limit(std::numeric_limits<double>::infinity());
      const double limit = free.scale.maxCoeff() / 3;
      const QuantizedLinear limited = with_limit(limit);
      CHECK(limited.scale.maxCoeff() <= limit);
      if (levels == WeightLevels::int8) // words of four bits may rather clip more
        CHECK(limited.scale[2] == limit);
    }
}

TEST_CASE("quantize_linear: margins widen the codes that were chosen, about their middle") {
  std::mt19937 generator(17);
  const LinearWeights layer = random_layer(6, 16, generator);
  const RowMatrix rows = correlated_rows(200, random_matrix(4, 16, generator), generator);
  SiteSamples of_class_tokens = in_halves(rows); // every row an image's
  for (std::size_t half = 0; half < 2; ++half) {
    of_class_tokens.minimum[half] = of_class_tokens.rows[half];
    of_class_tokens.maximum[half] = of_class_tokens.rows[half];
  }
  const auto input = [&](const SiteSamples &samples, const RangeMargins &margins) {
    QuantizeOptions options;
    options.margins = margins;
    return quantize_linear(layer, samples, {RowVector::Ones(16), {}}, options, [](ChannelCodes &) {}).input;
  };
  const auto middle = [](const ChannelCodes &codes) -> ArrayXd { return codes.scale * (-0.5 - codes.zero); };
  for (const auto &[samples, factor] : {std::pair{in_halves(rows), 1.5}, std::pair{of_class_tokens, 2.0}}) {
    const ChannelCodes usual = input(samples, {});
    const ChannelCodes wide = input(samples, {1.5, 2});
    CAPTURE(factor);
    CHECK((wide.scale - factor * usual.scale).abs().maxCoeff() < 1e-12);
    CHECK((middle(wide) - middle(usual)).abs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("quantize_linear: STLQ weights that are words already stay as they are, whatever the input") {
  // In tiles with second words of four bits, or in groups with second words of two.
  const FourBitStorage &storage =
      GENERATE(four_bit_storages.front(), four_bit_storage(kernels::WeightFormat::stlq_groups, 2, 4));
  std::mt19937 generator(11);
  LinearWeights layer = random_layer(66, 8, generator);
  layer.stlq_unit.resize(66);
  std::vector<std::int8_t> words;
  const stlq::NearestValues one_word(storage, false);
  const stlq::NearestValues two_words(storage, true);
  for (Index n = 0; n < 66; ++n) {
    layer.stlq_unit[n] = 0.25F + static_cast<float>(n) / 128;
    for (Index c = 0; c < 8; ++c) {
      // The first tile of the first row of tiles has second words.
      words.push_back((n < 64 && c < 4 ? two_words : one_word)(static_cast<double>(layer.weight(n, c)) * 127));
      layer.weight(n, c) = layer.stlq_unit[n] / 128 * static_cast<float>(words.back());
    }
  }
  const RowMatrix rows = correlated_rows(200, random_matrix(3, 8, generator), generator);
  const CodeConstraint of_one_channel = [](ChannelCodes &codes) { codes.scale[3] = std::max(codes.scale[3], 0.1); };
  for (const bool per_tensor : {false, true}) {
    QuantizeOptions options{.weight_levels = WeightLevels::stlq, .published = {.per_tensor = per_tensor}};
    options.two_word_ratio = 0; // says nothing here
    const QuantizedLinear result =
        quantize_linear(layer, in_halves(rows), {RowVector::Ones(8), {}}, options, of_one_channel);
    CHECK((result.weights == words));
    CHECK(result.storage->first() == std::string(storage.first()));
    CHECK((result.input.scale == result.input.scale[3]).all());
    CHECK(result.input.scale[3] >= 0.1);
    for (Index n = 0; n < 66; ++n)
      CHECK(result.scale[n] == Approx(static_cast<double>(layer.stlq_unit[n]) / 128 * result.input.scale[0]));
    CHECK(result.signal_to_noise.value() > 20);
  }
  layer.weight(65, 2) *= 1.01F;
  CHECK_THROWS_WITH(stlq::word_values(layer),
                    Catch::StartsWith("holds ") &&
                        Catch::Contains(" at [65, 2], which is no sum of two STLQ words for stlq_unit 0.757"));
}

TEST_CASE("quantize_linear: an input that never changes gives its exact output") {
  std::mt19937 generator(5);
  const RowVector input = random_matrix(1, 32, generator).row(0);
  const LinearWeights layer = random_layer(8, 32, generator);
  for (const bool compensate : {false, true}) {
    const QuantizedLinear result = quantized(layer, input.replicate(10, 1), {}, compensate);
    check_sound(result);
    for (Index n = 0; n < 8; ++n) {
      double accumulator = 0;
      double expected = static_cast<double>(layer.bias[n]);
      for (Index c = 0; c < 32; ++c) {
        const double code =
            std::nearbyint(static_cast<double>(input[c]) / result.input.scale[c] + result.input.zero[c]);
        accumulator += std::clamp(code, -128.0, 127.0) * weight(result, n, c);
        expected += static_cast<double>(layer.weight(n, c)) * static_cast<double>(input[c]);
      }
      CHECK(accumulator * result.scale[n] + result.bias[n] == Approx(expected).margin(1e-9));
    }
  }
}

// Every fourth row is a mixture of other factors than the rest.
TEST_CASE("rows that weigh more are served better") {
  std::mt19937 generator(3);
  const Index in = 40;
  const LinearWeights layer = random_layer(48, in, generator);
  const RowMatrix many = correlated_rows(300, random_matrix(4, in, generator), generator);
  const RowMatrix few = correlated_rows(100, random_matrix(4, in, generator), generator);
  RowMatrix rows(400, in);
  ArrayXd weights(400);
  for (Index i = 0; i < 400; ++i) {
    rows.row(i) = i % 4 == 0 ? few.row(i / 4) : many.row(i - i / 4 - 1);
    weights[i] = i % 4 == 0 ? 3.7 : 0.1;
  }
  QuantizeOptions options;
  options.weight_levels = WeightLevels::int4;
  options.two_word_ratio = 0.2;
  options.channel_strength = 0.5;
  SiteSamples samples = in_halves(rows);
  const auto result = [&] {
    return quantize_linear(layer, samples, {RowVector::Ones(in), {}}, options, [](ChannelCodes &) {});
  };
  const double alike = rounding_error(layer, result(), few);
  samples.row_weights = {weights.head(200), weights.tail(200)};
  CHECK(rounding_error(layer, result(), few) < 0.7 * alike);
}

TEST_CASE("outputs whose errors cost more get more second words") {
  std::mt19937 generator(4);
  const LinearWeights layer = random_layer(16, 32, generator);
  const RowMatrix rows = random_matrix(200, 32, generator);
  QuantizeOptions options;
  options.weight_levels = WeightLevels::int4;
  options.two_word_ratio = 0.25;
  SiteSamples samples = in_halves(rows);
  samples.output_costs = ArrayXd::Ones(16);
  samples.output_costs.head(4) = 1e6;
  const QuantizedLinear result =
      quantize_linear(layer, samples, {RowVector::Ones(32), {}}, options, [](ChannelCodes &) {});
  int wide = 0; // weights that one word does not express
  for (Index n = 0; n < 16; ++n)
    for (Index c = 0; c < 32; ++c) {
      const int value = weight(result, n, c);
      CHECK(value % 2 == 0);
      if (n >= 4)
        CHECK((value >= -16 && value <= 14));
      else
        wide += value < -16 || value > 14 ? 1 : 0;
    }
  CHECK(wide > 48); // of 128
}

} // namespace
} // namespace intvit

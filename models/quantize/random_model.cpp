#include "models/quantize/random_model.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>

#include "engine/graph/bounds.hpp"
#include "models/quantize/attention_scores.hpp"
#include "models/quantize/builder.hpp"
#include "models/quantize/fixed_point.hpp"
#include "models/quantize/quantize.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using kernels::CodeType;
using kernels::Epilogue;

// Standard deviations that the requantizations aim at, in codes of their tensor.
constexpr double code_spread = 32;     // int8 activations: +-4 standard deviations fill the range
constexpr double pixel_spread = 74;    // uniform over 256 values
constexpr double weight_spread = 73.6; // uniform over [-127, 127]
const double position_spread = 32767 / std::numbers::sqrt3;
constexpr double wide_stream_spread = 4000;  // 16-bit residual stream
constexpr double score_spread = 1.5;         // attention scores, before exp
constexpr double exp_score_variance = 9.488; // exp(score_spread^2); not every machine's exp() has the same last bit
constexpr double gelu_input_spread = 1;      // a real number, not codes
constexpr double logit_spread = 1;           // likewise

// The share of a value's variance that all tokens have in common, about.
constexpr double shared_variance = 0.25;

// The share of the stream's variance that comes from the branch that was added last.
constexpr double branch_variance = 0.1;

// What a matrix product of random codes and weights gives.
double accumulator_spread(int in_features, double input_spread) {
  return std::sqrt(static_cast<double>(in_features)) * weight_spread * input_spread;
}

class RandomModel {
public:
  RandomModel(const VitConfig &config, const QuantizeOptions &options, std::uint32_t seed)
      : config_(config), options_(options),
        stream_(options.residual == ResidualFormat::int16 ? CodeType::int16 : CodeType::int8), generator_(seed) {}

  std::vector<std::byte> run() {
    Graph &graph = builder_.description.graph;
    builder_.description.recipe = squash_recipe(config_.image_width, config_.image_height);
    builder_.description.provenance = {{"architecture", config_.architecture}, {"weights", "random"}};
    graph.image_height = config_.image_height;
    graph.image_width = config_.image_width;
    graph.logit_fraction_bits = 10;

    patch_embed();
    for (int layer = 0; layer < config_.depth; ++layer)
      block(layer);
    layer_norm("norm");
    linear("head", "norm", {.epilogue = Epilogue::logits}, config_.classes,
           std::ldexp(logit_spread, graph.logit_fraction_bits));

    Image image{config_.image_width, config_.image_height, {}};
    image.rgb = draw<std::uint8_t>(static_cast<std::size_t>(config_.image_height) * image.row_bytes(), 0, 255);
    return builder_.finish(image, config_.outputs());
  }

private:
  // Integers in [low, high]; std::uniform_int_distribution differs between standard libraries.
  template <typename T> std::vector<T> draw(std::size_t count, int low, int high) {
    std::vector<T> values(count);
    const std::uint64_t range = static_cast<std::uint64_t>(high - low) + 1;
    for (T &value : values)
      value = static_cast<T>(low + static_cast<int>((std::uint64_t{generator_()} * range) >> 32));
    return values;
  }

  // Around `factor`: every channel has a scale of its own.
  ArrayXd factors(int count, double factor) {
    ArrayXd values(count);
    for (double &value : values)
      value = factor * (0.75 + std::ldexp(static_cast<double>(generator_()), -33));
    return values;
  }

  Operation &last_operation() { return builder_.description.graph.nodes.back().operation; }

  // Constant `weight` of the last node; returns every row's sum.
  ArrayXd weights(int out_features, int in_features) {
    const auto in = static_cast<std::size_t>(in_features);
    const auto values = draw<std::int8_t>(static_cast<std::size_t>(out_features) * in, -127, 127);
    ArrayXd sums(out_features);
    for (std::size_t n = 0; n < static_cast<std::size_t>(out_features); ++n) {
      const auto row = values.begin() + static_cast<std::ptrdiff_t>(n * in);
      sums[static_cast<Eigen::Index>(n)] = std::accumulate(row, row + in_features, 0);
    }
    builder_.constant("weight", values, {out_features, in_features});
    return sums;
  }

  // How the stream's codes are drawn where one is written: the zero point of every channel.
  ArrayXd draw_stream_zero() {
    const auto codes = draw<std::int8_t>(static_cast<std::size_t>(config_.channels), -20, 20);
    if (stream_ == CodeType::int16)
      return ArrayXd::Zero(config_.channels);
    if (options_.residual == ResidualFormat::ptf8_paper)
      return ArrayXd::Constant(config_.channels, codes.front());
    return Eigen::Map<const Eigen::Array<std::int8_t, Eigen::Dynamic, 1>>(codes.data(), config_.channels)
        .cast<double>();
  }

  double stream_spread() const { return stream_ == CodeType::int8 ? code_spread : wide_stream_spread; }

  void patch_embed() {
    const auto channels = static_cast<std::size_t>(config_.channels);
    alpha_ = draw<std::uint8_t>(channels, 0, 3);
    stream_zero_ = draw_stream_zero();
    builder_.node("patches", image_value, Patches{config_.patch});
    stream_node_ = "patch_embed";
    builder_.node(stream_node_, "patches", PatchEmbed{});
    weights(config_.channels, config_.patch_inputs());
    const ResidualFixedPoint fixed = residual_fixed_point(
        factors(config_.channels,
                std::sqrt(0.8) * stream_spread() / accumulator_spread(config_.patch_inputs(), pixel_spread)),
        factors(config_.channels, std::sqrt(0.2) * stream_spread() / position_spread), ArrayXd::Zero(config_.channels),
        stream_zero_, kernels::max_residual_shift(CodeType::int16));
    last_operation() = PatchEmbed{fixed.requantization.shift, fixed.shift};
    builder_.requantization(fixed.requantization);
    const auto positions = static_cast<std::size_t>(config_.patches()) * channels;
    builder_.constant("position", draw<std::int16_t>(positions, -32767, 32767), {config_.patches(), config_.channels});
    builder_.constant("position_multiplier", fixed.multiplier);
    if (stream_ == CodeType::int8) {
      auto token = draw<std::int8_t>(channels, -55, 55);
      for (std::size_t c = 0; c < channels; ++c)
        token[c] = static_cast<std::int8_t>(token[c] + static_cast<int>(stream_zero_[static_cast<Eigen::Index>(c)]));
      builder_.constant("class_token", token);
    } else {
      builder_.constant("class_token", draw<std::int16_t>(channels, -7000, 7000));
    }
  }

  void block(int layer) {
    const std::string name = "blocks." + std::to_string(layer);
    const bool last = layer + 1 == config_.depth; // only the class token goes on to the head
    layer_norm(name + ".norm1");
    linear(name + ".attn.qkv", name + ".norm1", {.epilogue = Epilogue::requantize}, 3 * config_.channels, code_spread);
    attention(name + ".attn", last);
    if (last) {
      builder_.node("class_token", stream_node_, TakeRows{1});
      stream_node_ = "class_token";
    }
    add_to_stream(name + ".attn.proj", name + ".attn", config_.channels, 0);
    layer_norm(name + ".norm2");
    mlp_hidden(name + ".mlp.fc1", name + ".norm2");
    add_to_stream(name + ".mlp.fc2", name + ".mlp.fc1", config_.mlp_hidden, gelu_mean_code);
  }

  void layer_norm(const std::string &name) {
    // As trained models do, gamma makes up for channels that are wider than others.
    ArrayXd width = ArrayXd::Ones(config_.channels);
    if (stream_ == CodeType::int8)
      for (Eigen::Index c = 0; c < width.size(); ++c)
        width[c] = std::ldexp(1.0, alpha_[static_cast<std::size_t>(c)]);
    const double root_mean_square = std::sqrt(width.square().mean());
    const FixedPoint fixed =
        fixed_point(factors(config_.channels, code_spread * quotient_unit) * root_mean_square / width,
                    ArrayXd::Zero(config_.channels));
    const double sum_spread = config_.channels * stream_spread() * root_mean_square;
    const double epsilon = sum_spread * sum_spread * config_.layer_norm_eps;
    builder_.node(name, stream_node_, LayerNorm{fixed.shift, std::llround(epsilon)});
    builder_.requantization(fixed);
    if (stream_ == CodeType::int8) {
      builder_.constant("alpha", alpha_);
      builder_.constant("zero_point", codes_of(stream_zero_));
    }
  }

  // A linear map of a LayerNorm's output, whose codes have zero point 0. The result has `spread`.
  void linear(const std::string &name, const std::string &input, Linear operation, int out_features, double spread) {
    const FixedPoint fixed = fixed_point(
        factors(out_features, spread / accumulator_spread(config_.channels, code_spread)), ArrayXd::Zero(out_features));
    operation.shift = fixed.shift;
    builder_.node(name, input, operation);
    weights(out_features, config_.channels);
    builder_.requantization(fixed);
  }

  void attention(const std::string &name, bool class_token_only) {
    Attention operation{.heads = config_.heads, .queries = class_token_only ? 1 : 0, .softmax = options_.softmax};
    operation.renormalize = options_.renormalize;
    operation.exp = exp_polynomial(options_.softmax, config_.tokens());
    // From a product of codes to steps of the softmax, at the finest shift that cannot overflow.
    const double product_spread = std::sqrt(static_cast<double>(config_.head_dim())) * code_spread * code_spread;
    const double step = score_spread / product_spread * operation.exp.units_per_octave / std::numbers::ln2;
    const auto multiplier = [&](int shift) {
      return static_cast<std::int32_t>(std::max(1.0, std::nearbyint(std::ldexp(step, shift))));
    };
    operation.score_shift = 31;
    while (operation.score_shift > 1 &&
           !score_fits(config_.head_dim(), multiplier(operation.score_shift), operation.score_shift))
      --operation.score_shift;
    // A mean of values, weighted by exp of normally distributed scores: the variance of what tokens do not share falls
    // by the sum of the squared weights, which is exp_score_variance / tokens.
    const double weights_squared = std::min(1.0, exp_score_variance / config_.tokens());
    const double kept = std::sqrt(shared_variance + (1 - shared_variance) * weights_squared);
    const FixedPoint fixed =
        fixed_point(factors(config_.channels, quotient_unit / kept), ArrayXd::Zero(config_.channels));
    operation.shift = fixed.shift;
    builder_.node(name, name + ".qkv", operation);
    builder_.constant("score_multiplier", std::vector<std::int32_t>(static_cast<std::size_t>(config_.heads),
                                                                    multiplier(operation.score_shift)));
    builder_.requantization(fixed);
  }

  // fc1: its output's codes have gelu_zero_point.
  void mlp_hidden(const std::string &name, const std::string &input) {
    constexpr int fraction_bits = 11;
    const Linear operation{.epilogue = Epilogue::gelu, .gelu_fraction_bits = fraction_bits};
    linear(name, input, operation, config_.mlp_hidden, std::ldexp(gelu_input_spread, fraction_bits));
    const auto hidden = static_cast<std::size_t>(config_.mlp_hidden);
    // gelu() of a standard normal number has a root mean square of 0.65.
    const int multiplier =
        static_cast<int>(std::lround(std::ldexp(code_spread / (0.65 * gelu_input_spread), 15 - fraction_bits)));
    builder_.constant("gelu_multiplier", draw<std::int16_t>(hidden, multiplier * 3 / 4, multiplier * 5 / 4));
    builder_.constant("gelu_zero_point", std::vector<std::int8_t>(hidden, gelu_zero_point));
  }

  // The new stream is the old one plus a branch, in units in which its spread stays the same. `input_mean`: of the
  // branch's input codes; what it gives is the same for all tokens and taken off.
  void add_to_stream(const std::string &name, const std::string &input, int in_features, int input_mean) {
    builder_.node(name, input, Linear{});
    const ArrayXd sums = weights(config_.channels, in_features);
    const ArrayXd next_zero = draw_stream_zero();
    const ArrayXd factor = factors(config_.channels, std::sqrt(branch_variance) * stream_spread() /
                                                         accumulator_spread(in_features, code_spread));
    const ResidualFixedPoint fixed =
        residual_fixed_point(factor, ArrayXd::Constant(config_.channels, std::sqrt(1 - branch_variance)), stream_zero_,
                             next_zero - input_mean * sums * factor, kernels::max_residual_shift(stream_));
    Linear operation{.epilogue = Epilogue::residual, .shift = fixed.requantization.shift};
    operation.residual = stream_node_;
    operation.residual_shift = fixed.shift;
    operation.output_type = stream_;
    last_operation() = operation;
    builder_.requantization(fixed.requantization);
    builder_.constant("residual_multiplier", fixed.multiplier);
    stream_node_ = name;
    stream_zero_ = next_zero;
  }

  static std::vector<std::int8_t> codes_of(const ArrayXd &zero) {
    const Eigen::Array<std::int8_t, Eigen::Dynamic, 1> codes = zero.cast<std::int8_t>();
    return {codes.begin(), codes.end()};
  }

  static constexpr int gelu_zero_point = -96;
  static constexpr int gelu_mean_code = -82; // gelu() of a standard normal number has a mean of 0.28

  const VitConfig &config_;
  const QuantizeOptions &options_;
  CodeType stream_; // of the residual stream
  std::mt19937 generator_;
  ModelBuilder builder_;
  std::vector<std::uint8_t> alpha_; // of the stream, where it has 8 bits
  ArrayXd stream_zero_;
  std::string stream_node_; // the node that wrote the stream
};

// Real weights and pictures, quantized as fast as can be.
std::vector<std::byte> quantized_random_swin(const SwinConfig &config, const QuantizeOptions &options,
                                             std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<Image> images(2, {config.image_width, config.image_height, {}});
  for (Image &image : images) {
    image.rgb.resize(static_cast<std::size_t>(config.image_height) * image.row_bytes());
    for (std::uint8_t &byte : image.rgb)
      byte = static_cast<std::uint8_t>(generator() >> 24);
  }
  QuantizeOptions fast = options;
  fast.range = RangeMethod::minmax;
  fast.channel_strength = 0.5;
  fast.compensate = false;
  const FloatModel model = random_swin(config, seed);
  return quantize({.model = model,
                   .calibration = images,
                   .recipe = squash_recipe(config.image_width, config.image_height),
                   .provenance = {{"architecture", config.architecture}, {"weights", "random"}}},
                  fast);
}

} // namespace

std::vector<std::byte> random_model(const ArchitectureConfig &config, const QuantizeOptions &options,
                                    std::uint32_t seed) {
  validate(config);
  if (const auto *swin = std::get_if<SwinConfig>(&config))
    return quantized_random_swin(*swin, options, seed);
  const auto *vit = std::get_if<VitConfig>(&config);
  if (vit == nullptr || vit->prefix_tokens != 1 || vit->pool != VitPool::token || vit->classes == 0)
    throw std::runtime_error(common_config(config).architecture + " cannot be made an integer model yet");
  return RandomModel(*vit, options, seed).run();
}

} // namespace intvit

#include "models/random/random_network.hpp"

#include "engine/ops/bounds.hpp"
#include "kernels/attention.hpp"
#include "kernels/token_merging.hpp"
#include "models/quantize/attention/exp_polynomial.hpp"
#include "models/quantize/codes/fixed_point.hpp"
#include "models/quantize/emit/finish.hpp"
#include "models/random/random_integer.hpp"
#include "models/random/random_spreads.hpp"
#include "models/random/random_words.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using kernels::Epilogue;

namespace {

std::vector<std::int8_t> codes_of(const ArrayXd &zero) {
  const Eigen::Array<std::int8_t, Eigen::Dynamic, 1> codes = zero.cast<std::int8_t>();
  return {codes.begin(), codes.end()};
}

// Of the products of queries and keys.
double product_spread(int head_dim) {
  return std::sqrt(static_cast<double>(head_dim)) * code_spread * code_spread;
}

int largest_random_bias(int head_dim) {
  return static_cast<int>(product_spread(head_dim) / score_spread * bias_spread * std::numbers::sqrt3);
}

} // namespace

RandomNetwork::RandomNetwork(const ModelConfig &config, const RandomModelOptions &options, std::uint32_t seed)
    : config_(config), options_(options), generator_(seed), graph_(config.image_height, config.image_width),
      stream_(options.residual == ResidualFormat::int16 ? ElementType::int16 : ElementType::int8) {
  graph_.graph().logit_fraction_bits = logit_fraction_bits;
}

std::vector<std::byte> RandomNetwork::finish(int outputs) {
  Image image{config_.image_width, config_.image_height, {}};
  image.rgb = draw<std::uint8_t>(static_cast<std::size_t>(config_.image_height) * image.row_bytes(), 0, 255);
  ModelDescription description;
  description.recipe = squash_recipe(config_.image_width, config_.image_height);
  description.provenance = {{"architecture", config_.architecture}, {"weights", "random"}};
  return finish_model(graph_, std::move(description), image, outputs);
}

// Random factors around `factor`, as if every channel had a scale of its own.
ArrayXd RandomNetwork::factors(int count, double factor) {
  ArrayXd values(count);
  for (double &value : values)
    value = factor * (0.75 + std::ldexp(static_cast<double>(generator_()), -33));
  return values;
}

// As in quantized models only the weights of blocks have another format than int8.
RandomNetwork::Weights RandomNetwork::draw_weights(int out_features, int in_features, WeightLevels levels) {
  Weights weights;
  weights.out_features = out_features;
  if (const FourBitStorage *storage = storage_of(levels, inputs_of_group(options_.two_word_ratio))) {
    weights.words = random_word_weights(*storage, out_features, in_features, options_.two_word_ratio, generator_);
    weights.values = decode_four_bits(*weights.words);
  } else if (const std::size_t count = static_cast<std::size_t>(out_features) * static_cast<std::size_t>(in_features);
             levels == WeightLevels::int7) {
    weights.values = random_int7_weights(count, generator_);
  } else {
    weights.values = draw<std::int8_t>(count, -127, 127);
  }
  return weights;
}

ArrayXd RandomNetwork::Weights::row_sums() const {
  const auto in_features = static_cast<std::ptrdiff_t>(values.size()) / out_features;
  ArrayXd sums(out_features);
  for (Eigen::Index n = 0; n < sums.size(); ++n) {
    const auto row = values.begin() + n * in_features;
    sums[n] = std::accumulate(row, row + in_features, 0);
  }
  return sums;
}

void RandomNetwork::write(const std::string &node, const Weights &weights) {
  if (weights.words)
    graph_.weights(node, *weights.words);
  else
    graph_.weights(node, weights.out_features, weights.values);
}

void RandomNetwork::requantization(const std::string &node, const FixedPoint &fixed) {
  graph_.requantization(node, fixed.multiplier, fixed.offset);
}

double RandomNetwork::block_weight_spread() const {
  if (const FourBitStorage *storage = storage_of(options_.weight_levels, inputs_of_group(options_.two_word_ratio)))
    return random_word_spread(*storage, options_.two_word_ratio);
  return options_.weight_levels == WeightLevels::int7 ? int7_weight_spread : weight_spread;
}

// How the stream's codes are drawn where one is written: the zero point of every channel.
ArrayXd RandomNetwork::draw_stream_zero() {
  const auto codes = draw<std::int8_t>(static_cast<std::size_t>(channels_), -20, 20);
  if (stream_ == ElementType::int16)
    return ArrayXd::Zero(channels_);
  if (options_.residual == ResidualFormat::ptf8_paper || options_.residual == ResidualFormat::int8)
    return ArrayXd::Constant(channels_, codes.front());
  return Eigen::Map<const Eigen::Array<std::int8_t, Eigen::Dynamic, 1>>(codes.data(), channels_).cast<double>();
}

int RandomNetwork::largest_alpha() const {
  return options_.residual == ResidualFormat::int8 ? 0 : 3;
}

double RandomNetwork::stream_spread() const {
  return stream_ == ElementType::int8 ? code_spread : wide_stream_spread;
}

void RandomNetwork::normalize_stream(const std::string &name, ElementType type) {
  const ElementType before = stream_;
  stream_ = type;
  const auto alpha = draw<std::uint8_t>(static_cast<std::size_t>(channels_), 0, largest_alpha());
  const ArrayXd zero = draw_stream_zero();
  const double spread = stream_spread();
  stream_ = before;
  layer_norm(name, type == ElementType::int8 ? ElementType::int8 : ElementType::int16, spread, zero);
  stream_ = type;
  alpha_ = alpha;
  stream_zero_ = zero;
  stream_node_ = name;
}

void RandomNetwork::use_wide_stream(const std::string &node) {
  stream_ = ElementType::int16;
  stream_zero_ = ArrayXd::Zero(channels_);
  stream_node_ = node;
}

void RandomNetwork::block(const BlockPart &part) {
  const std::string &name = part.name;
  const bool post_norms = part.config.post_norms;
  const auto branch_codes = [&](const std::string &branch, const std::string &norm) {
    if (post_norms)
      return stream_codes(branch + ".input");
    layer_norm(norm);
    return norm;
  };
  const auto add_branch = [&](const std::string &branch, const char *map, const std::string &norm,
                              const std::string &input, int in_features, int input_mean) {
    if (post_norms)
      add_normed(branch, map, norm, input, in_features);
    else
      add_to_stream(branch + map, input, in_features, input_mean);
  };
  const std::string qkv = queries_keys_values(part, branch_codes(name + ".attn", name + ".norm1"));
  attention(name + ".attn", qkv, part.config, part.kept_rows);
  if (part.kept_rows > 0) {
    graph_.add("head_tokens", stream_node_, TakeRows{part.kept_rows});
    stream_node_ = "head_tokens";
  }
  std::string attended = name + ".attn";
  if (part.config.attention_norm) {
    codes_norm(attended + ".norm", attended, channels_, 0);
    attended += ".norm";
  }
  add_branch(name + ".attn", ".proj", name + ".norm1", attended, channels_, 0);
  if (part.merging.pairs > 0)
    merge_tokens(part);
  const std::string mlp = name + ".mlp";
  const std::string input = branch_codes(mlp, name + ".norm2");
  const auto add_mlp = [&](const std::string &hidden, int mean) {
    add_branch(mlp, ".fc2", name + ".norm2", hidden, part.mlp_hidden, mean);
  };
  if (part.config.mlp.gated)
    return add_mlp(gated_hidden(part, input), 0);
  mlp_hidden(mlp + ".fc1", input, part.mlp_hidden, part.config.activation);
  if (part.config.mlp.normed) {
    codes_norm(mlp + ".norm", mlp + ".fc1", part.mlp_hidden, gelu_zero_point);
    return add_mlp(mlp + ".norm", 0);
  }
  add_mlp(mlp + ".fc1", gelu_mean_code);
}

void RandomNetwork::merge(const MergingPart &part) {
  const std::string &name = part.name;
  const GridPadding even{part.grid_height, part.grid_width, part.padded_height(), part.padded_width(), 0};
  if (even.padded_rows() != even.rows())
    stream_node_ = pad_grid(name + ".pad", stream_node_, even, stream_, stream_zero_);
  graph_.add(name + ".merge", stream_node_, MergePatches{part.padded_height(), part.padded_width()});
  const auto four_times = [](auto values) {
    const auto count = static_cast<std::ptrdiff_t>(values.size());
    values.resize(4 * values.size());
    for (std::ptrdiff_t neighbour = 1; neighbour < 4; ++neighbour)
      std::copy_n(values.begin(), count, values.begin() + neighbour * count);
    return values;
  };
  alpha_ = four_times(alpha_);
  stream_zero_ = ArrayXd(stream_zero_.replicate(4, 1));
  stream_node_ = name + ".merge";
  channels_ *= 4;
  const int in_features = channels_;
  if (part.normed_after) {
    const std::string input = stream_codes(name + ".input");
    channels_ /= 2;
    linear(name + ".reduction", input, {.epilogue = Epilogue::requantize16}, channels_, in_features,
           wide_stream_spread);
    const ElementType type = stream_;
    use_wide_stream(name + ".reduction");
    return normalize_stream(name + ".norm", type);
  }
  layer_norm(name + ".norm");

  channels_ /= 2;
  alpha_ = draw<std::uint8_t>(static_cast<std::size_t>(channels_), 0, largest_alpha());
  stream_zero_ = draw_stream_zero();
  stream_node_ = name + ".reduction";
  const Weights weights = draw_weights(channels_, in_features);
  const FixedPoint fixed =
      fixed_point(factors(channels_, stream_spread() / accumulator_spread(in_features, code_spread)), stream_zero_);
  const Epilogue epilogue = stream_ == ElementType::int8 ? Epilogue::requantize : Epilogue::requantize16;
  graph_.add(stream_node_, name + ".norm", Linear{.epilogue = epilogue, .shift = fixed.shift});
  write(stream_node_, weights);
  requantization(stream_node_, fixed);
}

void RandomNetwork::codes_norm(const std::string &name, const std::string &input, int channels, int zero) {
  const double sum_spread = channels * code_spread;
  const FixedPoint fixed = fixed_point(factors(channels, code_spread * quotient_unit), ArrayXd::Zero(channels));
  graph_.add(name, input,
             LayerNorm{fixed.shift, std::llround(sum_spread * sum_spread * config_.layer_norm_eps), ElementType::int8,
                       config_.centred_norms});
  requantization(name, fixed);
  const auto count = static_cast<std::size_t>(channels);
  graph_.stream_factors(name, std::vector<std::uint8_t>(count),
                        std::vector<std::int8_t>(count, static_cast<std::int8_t>(zero)));
}

void RandomNetwork::layer_norm(const std::string &name) {
  layer_norm(name, ElementType::int8, code_spread, ArrayXd::Zero(channels_));
}

void RandomNetwork::layer_norm(const std::string &name, ElementType type, double spread, const ArrayXd &zero) {
  // As trained models do, gamma makes up for channels that are wider than others.
  ArrayXd width = ArrayXd::Ones(channels_);
  if (stream_ == ElementType::int8)
    for (Eigen::Index c = 0; c < width.size(); ++c)
      width[c] = std::ldexp(1.0, alpha_[static_cast<std::size_t>(c)]);
  const double root_mean_square = std::sqrt(width.square().mean());
  const FixedPoint fixed = fixed_point(factors(channels_, spread * quotient_unit) * root_mean_square / width, zero);
  const double sum_spread = channels_ * stream_spread() * root_mean_square;
  const double epsilon = sum_spread * sum_spread * config_.layer_norm_eps;
  graph_.add(name, stream_node_, LayerNorm{fixed.shift, std::llround(epsilon), type, config_.centred_norms});
  requantization(name, fixed);
  if (stream_ == ElementType::int8) {
    graph_.stream_factors(name, alpha_, codes_of(stream_zero_));
  }
}

// A linear map of a LayerNorm's output, whose codes have zero point 0. The result has `spread`, or less where weights
// of few bits do not give so much.
void RandomNetwork::linear(const std::string &name, const std::string &input, Linear operation, int out_features,
                           int in_features, double spread) {
  const bool head = operation.epilogue == Epilogue::logits;
  const double accumulators =
      accumulator_spread(in_features, code_spread, head ? weight_spread : block_weight_spread());
  const double factor = std::min(spread / accumulators, largest_product_factor);
  const FixedPoint fixed = fixed_point(factors(out_features, factor), ArrayXd::Zero(out_features));
  operation.shift = fixed.shift;
  graph_.add(name, input, operation);
  write(name, draw_weights(out_features, in_features, head ? WeightLevels::int8 : options_.weight_levels));
  requantization(name, fixed);
}

Attention RandomNetwork::scores(const std::string &name, const BlockConfig &config) {
  Attention operation{.heads = config.heads, .softmax = options_.softmax};
  operation.sized = !sizes_.empty();
  operation.exp = exp_polynomial(options_.softmax, config.keys());
  // From a product of codes to steps of the softmax, at the finest shift that cannot overflow.
  const int head_dim = channels_ / config.heads;
  const double step = score_spread / product_spread(head_dim) * operation.exp.units_per_octave / std::numbers::ln2;
  const auto multiplier = [&](int shift) {
    return static_cast<std::int32_t>(std::max(1.0, std::nearbyint(std::ldexp(step, shift))));
  };
  const auto fits = [&](int shift) {
    if (config.bias_grid)
      return score_fits(head_dim, multiplier(shift), shift,
                        2 * static_cast<std::uint64_t>(largest_random_bias(head_dim)));
    if (!config.windows) {
      const std::uint64_t size =
          operation.sized ? kernels::size_score(first_tokens_, operation.exp.units_per_octave, multiplier(shift), shift)
                          : 0;
      return size <= kernels::max_score_bias && score_fits(head_dim, multiplier(shift), shift, size);
    }
    const std::uint64_t range = 2 * static_cast<std::uint64_t>(largest_random_bias(head_dim));
    const std::uint64_t mask = masking(head_dim, multiplier(shift), shift, range);
    return mask <= kernels::max_masking && score_fits(head_dim, multiplier(shift), shift, range + mask);
  };
  operation.score_shift = 31;
  while (operation.score_shift > 1 && !fits(operation.score_shift))
    --operation.score_shift;
  graph_.constant(name, "score_multiplier",
                  std::vector<std::int32_t>(static_cast<std::size_t>(config.heads), multiplier(operation.score_shift)));
  return operation;
}

void RandomNetwork::draw_biases(const std::string &name, const char *constant, const std::vector<std::int64_t> &shape) {
  const int largest = largest_random_bias(channels_ / static_cast<int>(shape.front()));
  const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  graph_.constant(name, constant, draw<std::int32_t>(static_cast<std::size_t>(count), -largest, largest), shape);
}

void RandomNetwork::attention(const std::string &name, const std::string &input, const BlockConfig &config,
                              int kept_rows) {
  const bool padded = config.windows && config.windows->padded();
  const std::string attending = padded ? name + ".windows" : name;
  Attention operation = scores(attending, config);
  operation.queries = kept_rows;
  operation.renormalize = options_.renormalize;
  // A mean of values, weighted by exp of normally distributed scores: the variance of what tokens do not share falls
  // by the sum of the squared weights, which is exp_score_variance / tokens.
  const double kept = mean_spread(std::min(1.0, exp_score_variance / config.keys()));
  const FixedPoint fixed = fixed_point(factors(channels_, quotient_unit / kept), ArrayXd::Zero(channels_));
  operation.shift = fixed.shift;
  if (config.windows) {
    const Windows &windows = *config.windows;
    const GridPadding grid{windows.grid_height, windows.grid_width, windows.padded_height(), windows.padded_width(),
                           windows.rolled()};
    const std::string source =
        padded ? pad_grid(name + ".pad", input, grid, ElementType::int8, ArrayXd::Zero(Eigen::Index{3} * channels_))
               : input;
    graph_.add(attending, source,
               WindowAttention{operation, grid.padded_height, grid.padded_width, windows.size, windows.shift});
    const std::int64_t side = 2 * windows.size - 1;
    draw_biases(attending, "relative_bias", {config.heads, side * side});
    if (padded)
      graph_.add(name, attending, CropGrid{grid});
  } else {
    operation.biased = config.bias_grid.has_value();
    graph_.add(name, with_sizes(input), operation);
    if (const auto &grid = config.bias_grid) {
      draw_biases(name, "relative_bias", {config.heads, 2 * grid->height - 1, 2 * grid->width - 1});
      draw_biases(name, "prefix_bias", {config.heads, 3});
    }
  }
  requantization(attending, fixed);
}

// The new stream is the old one plus a branch, in units in which its spread stays the same. `input_mean`: of the
// branch's input codes; what it gives is the same for all tokens and taken off.
void RandomNetwork::add_to_stream(const std::string &name, const std::string &input, int in_features, int input_mean) {
  const Weights weights = draw_weights(channels_, in_features, options_.weight_levels);
  const ArrayXd next_zero = draw_stream_zero();
  const ArrayXd factor = factors(channels_, std::sqrt(branch_variance) * stream_spread() /
                                                accumulator_spread(in_features, code_spread, block_weight_spread()));
  const ResidualFixedPoint fixed =
      residual_fixed_point(factor, ArrayXd::Constant(channels_, std::sqrt(1 - branch_variance)), stream_zero_,
                           next_zero - input_mean * weights.row_sums() * factor, kernels::max_residual_shift(stream_));
  Linear operation{.epilogue = Epilogue::residual, .shift = fixed.requantization.shift};
  operation.residual_shift = fixed.shift;
  operation.output_type = stream_;
  graph_.add(name, {input, stream_node_}, operation);
  write(name, weights);
  requantization(name, fixed.requantization);
  graph_.constant(name, "residual_multiplier", fixed.multiplier);
  stream_node_ = name;
  stream_zero_ = next_zero;
}

} // namespace intvit

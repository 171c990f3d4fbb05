// Branches whose norms are behind them, queries and keys, and padded grids in random networks.
#include <cmath>

#include "models/quantize/codes/rotation_tables.hpp"
#include "models/random/random_network.hpp"
#include "models/random/random_spreads.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using kernels::Epilogue;

// Codes of 8 bits are read as they are, and their zero points are left in what comes of them.
std::string RandomNetwork::stream_codes(const std::string &name) {
  if (stream_ == ElementType::int8)
    return stream_node_;
  const FixedPoint fixed = fixed_point(factors(channels_, code_spread / wide_stream_spread), ArrayXd::Zero(channels_));
  graph_.add(name, stream_node_, Rescale{.shift = fixed.shift});
  requantization(name, fixed);
  return name;
}

void RandomNetwork::add_normed(const std::string &branch, const std::string &map, const std::string &norm,
                               const std::string &input, int in_features) {
  linear(branch + map, input, {.epilogue = Epilogue::requantize16}, channels_, in_features, wide_stream_spread);
  const double sum_spread = channels_ * wide_stream_spread;
  const FixedPoint fixed =
      fixed_point(factors(channels_, wide_stream_spread * quotient_unit), ArrayXd::Zero(channels_));
  graph_.add(norm, branch + map,
             LayerNorm{fixed.shift, std::llround(sum_spread * sum_spread * config_.layer_norm_eps), ElementType::int16,
                       config_.centred_norms});
  requantization(norm, fixed);

  const ArrayXd next_zero = draw_stream_zero();
  const ResidualFixedPoint sum =
      residual_fixed_point(factors(channels_, std::sqrt(branch_variance) * stream_spread() / wide_stream_spread),
                           ArrayXd::Constant(channels_, std::sqrt(1 - branch_variance)), stream_zero_, next_zero,
                           kernels::max_residual_shift(stream_));
  const std::string name = branch + ".sum";
  graph_.add(
      name, {norm, stream_node_},
      Rescale{.shift = sum.requantization.shift, .output_type = stream_, .adds = true, .residual_shift = sum.shift});
  requantization(name, sum.requantization);
  graph_.constant(name, "residual_multiplier", sum.multiplier);
  stream_node_ = name;
  stream_zero_ = next_zero;
}

// The node that attention reads.
std::string RandomNetwork::queries_keys_values(const BlockPart &part, const std::string &input) {
  const std::string attn = part.name + ".attn";
  const BlockConfig &config = part.config;
  if (config.cosine) {
    linear(attn + ".qkv", input, {.epilogue = Epilogue::requantize16}, 3 * channels_, channels_, wide_stream_spread);
    ArrayXd factor = factors(3 * channels_, code_spread * quotient_unit);
    factor.tail(channels_) /= quotient_unit * wide_stream_spread; // values are as they were
    const FixedPoint fixed = fixed_point(factor, ArrayXd::Zero(Eigen::Index{3} * channels_));
    graph_.add(attn + ".unit", attn + ".qkv", NormalizeHeads{config.heads, fixed.shift});
    requantization(attn + ".unit", fixed);
    return attn + ".unit";
  }
  linear(attn + ".qkv", input, {.epilogue = Epilogue::requantize}, 3 * channels_, channels_, code_spread);
  if (!config.rotation)
    return attn + ".qkv";
  graph_.add(attn + ".rotate", attn + ".qkv", Rotate{config.heads, config.rotation->first});
  write_rotation(graph_, attn + ".rotate", *config.rotation);
  return attn + ".rotate";
}

std::string RandomNetwork::pad_grid(const std::string &name, const std::string &input, const GridPadding &grid,
                                    ElementType type, const ArrayXd &codes) {
  graph_.add(name, input, PadGrid{grid});
  if (type == ElementType::int8) {
    const Eigen::Array<std::int8_t, Eigen::Dynamic, 1> padding = codes.cast<std::int8_t>();
    graph_.constant(name, "padding", std::vector<std::int8_t>(padding.begin(), padding.end()));
  } else {
    const Eigen::Array<std::int16_t, Eigen::Dynamic, 1> padding = codes.cast<std::int16_t>();
    graph_.constant(name, "padding", std::vector<std::int16_t>(padding.begin(), padding.end()));
  }
  return name;
}

} // namespace intvit

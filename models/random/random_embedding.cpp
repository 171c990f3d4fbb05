// How random networks begin: patches, positions and tokens.
#include <cmath>

#include "models/random/random_network.hpp"
#include "models/random/random_spreads.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using kernels::Epilogue;

void RandomNetwork::add_patches() {
  const int patch = config_.patch;
  graph_.add("patches", image_value,
             Patches{patch, config_.image_height % patch != 0 || config_.image_width % patch != 0});
}

void RandomNetwork::patch_embed(int channels, int prefix_tokens, bool normed_patches) {
  channels_ = channels;
  first_tokens_ = config_.patches() + prefix_tokens;
  const auto count = static_cast<std::size_t>(channels);
  alpha_ = draw<std::uint8_t>(count, 0, largest_alpha());
  stream_zero_ = draw_stream_zero();
  const int inputs = normed_patches ? channels : config_.patch_inputs();
  if (normed_patches)
    normalize_patches();
  else
    add_patches();
  stream_node_ = "patch_embed";
  const Weights weights = draw_weights(channels, inputs);
  const ResidualFixedPoint fixed = residual_fixed_point(
      factors(channels, std::sqrt(0.8) * stream_spread() /
                            accumulator_spread(inputs, normed_patches ? code_spread : pixel_spread)),
      factors(channels, std::sqrt(0.2) * stream_spread() / position_spread), ArrayXd::Zero(channels), stream_zero_,
      kernels::max_residual_shift(ElementType::int16));
  graph_.add(stream_node_, normed_patches ? "patch_embed.norm" : "patches",
             PatchEmbed{fixed.requantization.shift, fixed.shift, prefix_tokens});
  write(stream_node_, weights);
  requantization(stream_node_, fixed.requantization);
  const auto positions = static_cast<std::size_t>(config_.patches()) * count;
  graph_.constant(stream_node_, "position", draw<std::int16_t>(positions, -32767, 32767),
                  {config_.patches(), channels});
  graph_.constant(stream_node_, "position_multiplier", fixed.multiplier);
  const std::size_t size = static_cast<std::size_t>(prefix_tokens) * count;
  if (stream_ == ElementType::int8) {
    auto tokens = draw<std::int8_t>(size, -55, 55);
    for (std::size_t i = 0; i < size; ++i)
      tokens[i] =
          static_cast<std::int8_t>(tokens[i] + static_cast<int>(stream_zero_[static_cast<Eigen::Index>(i % count)]));
    graph_.prefix_tokens(stream_node_, prefix_tokens, channels, tokens);
  } else {
    graph_.prefix_tokens(stream_node_, prefix_tokens, channels, draw<std::int16_t>(size, -7000, 7000));
  }
}

void RandomNetwork::project_patches() {
  add_patches();
  const Weights weights = draw_weights(channels_, config_.patch_inputs());
  const FixedPoint fixed =
      fixed_point(factors(channels_, wide_stream_spread / accumulator_spread(config_.patch_inputs(), pixel_spread)),
                  ArrayXd::Zero(channels_));
  graph_.add("patch_embed.proj", "patches", Linear{.epilogue = Epilogue::requantize16, .shift = fixed.shift});
  write("patch_embed.proj", weights);
  requantization("patch_embed.proj", fixed);
  use_wide_stream("patch_embed.proj");
}

void RandomNetwork::normalize_patches() {
  const ElementType type = stream_;
  const ArrayXd zero = stream_zero_;
  project_patches();
  layer_norm("patch_embed.norm");
  stream_ = type;
  stream_zero_ = zero;
}

void RandomNetwork::normalized_patch_embed(int channels) {
  channels_ = channels;
  const ElementType type = stream_;
  project_patches();
  normalize_stream("patch_embed.norm", type);
}

void RandomNetwork::pre_norm(const std::string &name) {
  normalize_stream(name, stream_);
}

} // namespace intvit

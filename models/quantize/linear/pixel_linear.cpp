#include "models/quantize/linear/pixel_linear.hpp"

#include "models/quantize/linear/weight_rounding.hpp"

namespace intvit {

using Eigen::ArrayXd;
using Eigen::Index;

namespace {

LinearWeights folded(const LinearWeights &patch_embed, const ModelConfig &config) {
  const int area = config.patch * config.patch;
  LinearWeights result;
  result.weight.resize(patch_embed.weight.rows(), patch_embed.weight.cols());
  result.bias = patch_embed.bias;
  for (int colour = 0; colour < 3; ++colour) {
    const double mean = config.mean[static_cast<std::size_t>(colour)];
    const double std = config.std[static_cast<std::size_t>(colour)];
    for (int pixel = 0; pixel < area; ++pixel) {
      const auto from = patch_embed.weight.col(colour * area + pixel);
      result.weight.col(pixel * 3 + colour) = from * static_cast<float>(1.0 / (255.0 * std));
      result.bias -= (from * static_cast<float>(mean / std)).transpose();
    }
  }
  return result;
}

} // namespace

QuantizedLinear quantize_pixel_linear(const LinearWeights &patch_embed, const ModelConfig &config,
                                      const QuantizeOptions &options) {
  const LinearWeights layer = folded(patch_embed, config);
  const Index in = layer.weight.cols();
  QuantizedLinear result;
  result.input = {ArrayXd::Ones(in), ArrayXd::Constant(in, -128.0)};
  const WeightGrid grid = UniformGrid();
  RoundedWeights weights = round_to_nearest(layer.weight, result.input.scale, ArrayXd::Ones(in), grid,
                                            scale_candidates(WeightLevels::int8, options), options.threads);
  result.scale = weights.scale;
  result.bias = layer.bias.transpose().array().cast<double>();
  for (Index n = 0; n < layer.weight.rows(); ++n)
    for (Index c = 0; c < in; ++c)
      result.bias[n] += 128.0 * weights.scale[n] * weights.values[static_cast<std::size_t>(n * in + c)];
  result.weights = std::move(weights.values);
  return result;
}

} // namespace intvit

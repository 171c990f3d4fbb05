#include "models/quantize/emit/node_writer.hpp"

#include <algorithm>
#include <cmath>
#include <variant>

#include "kernels/layer_norm.hpp"
#include "models/quantize/codes/gelu_function.hpp"
#include "models/quantize/emit/finish.hpp"
#include "models/quantize/linear/two_words.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using kernels::Epilogue;

int output_fraction_bits(const ArrayXd &factor) {
  int fraction_bits = 16;
  while (fraction_bits > 0 && std::ldexp(factor.abs().maxCoeff(), fraction_bits) > 0.49)
    --fraction_bits;
  return fraction_bits;
}

NodeWriter::NodeWriter(const QuantizeInput &input, const QuantizeOptions &options)
    : graph_(common_config(input.model).image_height, common_config(input.model).image_width), input_(input),
      options_(options), layer_norm_eps_(common_config(input.model).layer_norm_eps),
      centred_norms_(common_config(input.model).centred_norms) {}

void NodeWriter::patches(const std::string &name, int patch) {
  const Graph &graph = graph_.graph();
  graph_.add(name, image_value, Patches{patch, graph.image_height % patch != 0 || graph.image_width % patch != 0});
}

StreamNode NodeWriter::patch_embed(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                                   const RowMatrix &position, const RowMatrix &prefix, StreamCodes output) {
  const ArrayXd scale = output.scale();
  const double largest_position = std::max(1e-9, static_cast<double>(position.cwiseAbs().maxCoeff()));
  const double position_scale = largest_position / 32767;
  const ResidualFixedPoint fixed =
      residual_fixed_point(layer.scale / scale, position_scale / scale, ArrayXd::Zero(scale.size()),
                           layer.bias / scale + output.zero(), kernels::max_residual_shift(ElementType::int16));
  std::vector<std::int16_t> positions;
  for (const float value : position.reshaped<Eigen::RowMajor>())
    positions.push_back(static_cast<std::int16_t>(std::lround(static_cast<double>(value) / position_scale)));

  graph_.add(name, input, PatchEmbed{fixed.requantization.shift, fixed.shift, static_cast<int>(prefix.rows())});
  StreamNode stream{name, std::move(output)};
  report(stream);
  weights(name, layer);
  requantization(name, fixed.requantization);
  graph_.constant(name, "position", positions, {position.rows(), position.cols()});
  graph_.constant(name, "position_multiplier", fixed.multiplier);
  prefix_tokens(name, prefix, stream.codes);
  return stream;
}

void NodeWriter::layer_norm(const std::string &name, const StreamNode &input, const LayerNormWeights &norm,
                            const ChannelCodes &output, ElementType type) {
  const ArrayXd gain = to_array(norm.weight);
  const FixedPoint fixed = fixed_point(gain / output.scale * quotient_unit, output.zero);
  graph_.add(name, input.name, LayerNorm{fixed.shift, norm_epsilon(input, gain.size()), type, centred_norms_});
  requantization(name, fixed);
  stream_factors(name, input.codes);
}

StreamNode NodeWriter::layer_norm_stream(const std::string &name, const StreamNode &input, const LayerNormWeights &norm,
                                         StreamCodes output) {
  const ArrayXd scale = output.scale();
  layer_norm(name, input, norm, {scale, to_array(norm.bias) / scale + output.zero()}, output.type);
  StreamNode stream{name, std::move(output)};
  report(stream);
  return stream;
}

int NodeWriter::layer_norm_features(const std::string &name, const StreamNode &input, const LayerNormWeights &norm) {
  const int fraction_bits = output_fraction_bits(to_array(norm.weight) * quotient_unit);
  const double unit = std::ldexp(1.0, fraction_bits);
  layer_norm(name, input, norm, {ArrayXd::Constant(norm.weight.size(), 1 / unit), to_array(norm.bias) * unit},
             ElementType::int32);
  return fraction_bits;
}

void NodeWriter::linear(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                        const ChannelCodes &output) {
  const FixedPoint fixed = fixed_point(layer.scale / output.scale, layer.bias / output.scale + output.zero);
  graph_.add(name, input, Linear{.epilogue = Epilogue::requantize, .shift = fixed.shift});
  weights(name, layer);
  requantization(name, fixed);
}

StreamNode NodeWriter::linear_stream(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                                     StreamCodes output) {
  const ArrayXd scale = output.scale();
  const FixedPoint fixed = fixed_point(layer.scale / scale, layer.bias / scale + output.zero());
  const Epilogue epilogue = output.type == ElementType::int8 ? Epilogue::requantize : Epilogue::requantize16;
  graph_.add(name, input, Linear{.epilogue = epilogue, .shift = fixed.shift});
  weights(name, layer);
  requantization(name, fixed);
  return {name, std::move(output)};
}

StreamNode NodeWriter::linear_residual(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                                       const StreamNode &stream, StreamCodes output) {
  const ArrayXd scale = output.scale();
  const ResidualFixedPoint fixed =
      residual_fixed_point(layer.scale / scale, stream.codes.scale() / scale, stream.codes.zero(),
                           layer.bias / scale + output.zero(), kernels::max_residual_shift(stream.codes.type));
  Linear operation{.epilogue = Epilogue::residual, .shift = fixed.requantization.shift};
  operation.residual_shift = fixed.shift;
  operation.output_type = output.type;
  graph_.add(name, {input, stream.name}, operation);
  weights(name, layer);
  requantization(name, fixed.requantization);
  graph_.constant(name, "residual_multiplier", fixed.multiplier);
  StreamNode sum{name, std::move(output)};
  report(sum);
  return sum;
}

void NodeWriter::linear_gelu(const std::string &name, const std::string &input, const QuantizedLinear &layer,
                             Activation activation, int fraction_bits, const ChannelCodes &output) {
  const double unit = std::ldexp(1.0, 15 - fraction_bits);
  std::vector<std::int16_t> multiplier;
  std::vector<std::int8_t> zero_point;
  for (Eigen::Index c = 0; c < output.scale.size(); ++c) {
    multiplier.push_back(static_cast<std::int16_t>(std::lround(unit / output.scale[c])));
    zero_point.push_back(static_cast<std::int8_t>(output.zero[c]));
  }
  const FixedPoint fixed =
      fixed_point(layer.scale * std::ldexp(1.0, fraction_bits), layer.bias * std::ldexp(1.0, fraction_bits));
  Linear operation{.epilogue = Epilogue::gelu, .shift = fixed.shift};
  operation.gelu_fraction_bits = fraction_bits;
  operation.gelu_function = gelu_function(activation);
  graph_.add(name, input, operation);
  weights(name, layer);
  requantization(name, fixed);
  graph_.constant(name, "gelu_multiplier", multiplier);
  graph_.constant(name, "gelu_zero_point", zero_point);
}

void NodeWriter::multiply(const std::string &name, const FactorNode &a, const FactorNode &b,
                          const ChannelCodes &output) {
  product(name, a, b, output, ElementType::int8);
}

StreamNode NodeWriter::multiply_stream(const std::string &name, const FactorNode &a, const FactorNode &b,
                                       StreamCodes output) {
  product(name, a, b, {output.scale(), output.zero()}, output.type);
  return {name, std::move(output)};
}

void NodeWriter::product(const std::string &name, const FactorNode &a, const FactorNode &b, const ChannelCodes &output,
                         ElementType type) {
  const FixedPoint fixed = fixed_point(a.codes.scale * b.codes.scale / output.scale, output.zero);
  graph_.add(name, {a.name, b.name}, Multiply{fixed.shift, type});
  requantization(name, fixed);
  const auto zero_points = [](const ArrayXd &zero) {
    std::vector<std::int8_t> codes;
    for (const double value : zero)
      codes.push_back(static_cast<std::int8_t>(value));
    return codes;
  };
  graph_.constant(name, "zero_point", zero_points(a.codes.zero));
  graph_.constant(name, "factor_zero_point", zero_points(b.codes.zero));
}

void NodeWriter::linear_logits(const std::string &name, const std::string &input, const QuantizedLinear &layer) {
  graph_.graph().logit_fraction_bits = linear_features(name, input, layer);
  graph_.graph().result = common_config(input_.model).result_kind();
}

int NodeWriter::linear_features(const std::string &name, const std::string &input, const QuantizedLinear &layer) {
  const int fraction_bits = output_fraction_bits(layer.scale);
  const double unit = std::ldexp(1.0, fraction_bits);
  const FixedPoint fixed = fixed_point(layer.scale * unit, layer.bias * unit);
  graph_.add(name, input, Linear{.epilogue = Epilogue::logits, .shift = fixed.shift});
  weights(name, layer);
  requantization(name, fixed);
  return fraction_bits;
}

void NodeWriter::rescale(const std::string &name, const StreamNode &input, const ChannelCodes &output) {
  const ArrayXd factor = input.codes.scale() / output.scale;
  const FixedPoint fixed = fixed_point(factor, output.zero - factor * input.codes.zero());
  graph_.add(name, input.name, Rescale{.shift = fixed.shift});
  requantization(name, fixed);
}

StreamNode NodeWriter::add_streams(const std::string &name, const StreamNode &added, const StreamNode &stream,
                                   StreamCodes output) {
  const ArrayXd scale = output.scale();
  const ArrayXd factor = added.codes.scale() / scale;
  const ResidualFixedPoint fixed =
      residual_fixed_point(factor, stream.codes.scale() / scale, stream.codes.zero(),
                           output.zero() - factor * added.codes.zero(), kernels::max_residual_shift(stream.codes.type));
  graph_.add(name, {added.name, stream.name},
             Rescale{.shift = fixed.requantization.shift,
                     .output_type = output.type,
                     .adds = true,
                     .residual_shift = fixed.shift});
  requantization(name, fixed.requantization);
  graph_.constant(name, "residual_multiplier", fixed.multiplier);
  StreamNode sum{name, std::move(output)};
  report(sum);
  return sum;
}

void NodeWriter::l2_normalize(const std::string &name, const std::string &input, const ChannelCodes &output) {
  const FixedPoint fixed = fixed_point(quotient_unit / output.scale, output.zero);
  graph_.add(name, input, L2Normalize{fixed.shift, ElementType::int8});
  requantization(name, fixed);
}

StreamNode NodeWriter::take_rows(const std::string &name, const StreamNode &input, int rows) {
  graph_.add(name, input.name, TakeRows{rows});
  return {name, input.codes};
}

StreamNode NodeWriter::merge_patches(const std::string &name, const StreamNode &input, int grid_height,
                                     int grid_width) {
  const GridPadding even{grid_height, grid_width, grid_height + grid_height % 2, grid_width + grid_width % 2, 0};
  std::string grid = input.name;
  if (even.padded_rows() != even.rows()) {
    grid = name + ".pad";
    pad_grid(grid, input.name, even, input.codes.zero(), input.codes.type);
  }
  graph_.add(name, grid, MergePatches{even.padded_height, even.padded_width});
  StreamNode merged{name, input.codes};
  for (int neighbour = 1; neighbour < 4; ++neighbour) {
    const StreamCodes &codes = input.codes;
    merged.codes.alpha.insert(merged.codes.alpha.end(), codes.alpha.begin(), codes.alpha.end());
    merged.codes.zero_point.insert(merged.codes.zero_point.end(), codes.zero_point.begin(), codes.zero_point.end());
  }
  return merged;
}

void NodeWriter::flatten(const std::string &name, const std::string &input) {
  graph_.add(name, input, Flatten{});
}

void NodeWriter::join(const std::string &name, const std::string &first, const std::string &second) {
  graph_.add(name, {first, second}, Join{});
}

void NodeWriter::mean_rows(const std::string &name, const std::string &input, const MeanOf &mean,
                           const FixedPoint &fixed, ElementType output_type) {
  graph_.add(name, mean.merged ? with_sizes(input) : std::vector{input},
             MeanRows{mean.first, mean.rows, fixed.shift, output_type, mean.merged});
  requantization(name, fixed);
}

void NodeWriter::set_features(Eigen::Index count, int fraction_bits, bool has_head) {
  Graph &graph = graph_.graph();
  if (!has_head) {
    graph.logit_fraction_bits = fraction_bits;
    if (std::holds_alternative<Linear>(graph.nodes.back().operation)) // whose outputs would be logits
      graph.result = ResultKind::embedding;
    return;
  }
  graph.features = graph.nodes.back().name;
  graph.feature_fraction_bits = fraction_bits;
  features_ = static_cast<int>(count);
}

void NodeWriter::set_patch_tokens(int fraction_bits) {
  Graph &graph = graph_.graph();
  graph.tokens = graph.nodes.back().name;
  graph.token_fraction_bits = fraction_bits;
}

void NodeWriter::report(const StreamNode &stream) const {
  if (input_.report)
    input_.report(
        {.name = stream.name, .kind = LayerReport::Kind::stream, .signal_to_noise = stream.codes.signal_to_noise});
}

std::vector<std::byte> NodeWriter::finish(const Image &golden_image, int outputs) const {
  ModelDescription description;
  description.recipe = input_.recipe;
  description.labels = input_.labels;
  description.provenance = input_.provenance;
  return finish_model(graph_, std::move(description), golden_image, outputs, features_);
}

std::int64_t NodeWriter::norm_epsilon(const StreamNode &input, Eigen::Index channels) const {
  const auto count = static_cast<double>(channels);
  const double base = input.codes.base_scale;
  return static_cast<std::int64_t>(std::min(std::nearbyint(count * count * layer_norm_eps_ / (base * base)),
                                            static_cast<double>(kernels::max_layer_norm_epsilon)));
}

void NodeWriter::requantization(const std::string &name, const FixedPoint &fixed) {
  graph_.requantization(name, fixed.multiplier, fixed.offset);
}

void NodeWriter::stream_factors(const std::string &name, const StreamCodes &codes) {
  if (codes.type == ElementType::int8)
    graph_.stream_factors(name, codes.alpha, codes.zero_point);
}

void NodeWriter::weights(const std::string &name, const QuantizedLinear &layer) {
  const auto out = static_cast<int>(layer.scale.size());
  if (layer.storage == nullptr)
    graph_.weights(name, out, layer.weights);
  else
    graph_.weights(name, words_of(*layer.storage, layer.weights, out));
  if (input_.report)
    input_.report({.name = name,
                   .signal_to_noise = layer.signal_to_noise,
                   .strength = layer.strength,
                   .clipping = layer.clipping});
}

void NodeWriter::prefix_tokens(const std::string &name, const RowMatrix &values, const StreamCodes &stream) {
  const ArrayXd scale = stream.scale();
  const ArrayXd zero = stream.zero();
  std::vector<std::int32_t> codes;
  for (Eigen::Index row = 0; row < values.rows(); ++row)
    for (Eigen::Index c = 0; c < values.cols(); ++c)
      codes.push_back(static_cast<std::int32_t>(std::lround(static_cast<double>(values(row, c)) / scale[c] + zero[c])));
  const auto add = [&](auto clamp) {
    std::vector<decltype(clamp(0))> narrow(codes.size());
    std::transform(codes.begin(), codes.end(), narrow.begin(), clamp);
    graph_.prefix_tokens(name, static_cast<int>(values.rows()), static_cast<int>(values.cols()), narrow);
  };
  if (stream.type == ElementType::int8)
    add(kernels::clamp_to_int8);
  else
    add(kernels::clamp_to_int16);
}

} // namespace intvit

#include "models/quantize/emit/stream_maps.hpp"

#include <algorithm>

#include "models/quantize/linear/normed_linear.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;

namespace {

// Of samples that may be all zeros, as those behind a norm with a gain of zero are.
StreamCodes branch_codes(const SiteSamples &samples, double smallest_scale) {
  constexpr double nothing = 1e-9;
  return int16_stream_codes(samples, std::max(smallest_scale, nothing));
}

} // namespace

StreamMap quantize_stream_map(PartContext &context, const std::string &name, const LinearWeights &layer,
                              const LayerNormWeights *norm, const SiteSamples &samples, const StreamNode &stream,
                              const QuantizeOptions &options, double largest_scale) {
  if (norm != nullptr) {
    StreamMap map{quantize_normed_linear(layer, *norm, samples, options, largest_scale), name};
    context.nodes.layer_norm(name, stream, *norm, map.layer.input);
    return map;
  }
  const ArrayXd scale = stream.codes.scale();
  const bool as_it_is = stream.codes.type == ElementType::int8;
  const CodeConstraint constraint =
      as_it_is ? [&](ChannelCodes &codes) { codes = {scale, stream.codes.zero()}; } : requantizable(scale);
  StreamMap map{quantize_linear(layer, samples, unchanged(layer.weight.cols()), options, constraint, largest_scale),
                as_it_is ? stream.name : name};
  if (!as_it_is)
    context.nodes.rescale(name, stream, map.layer.input);
  return map;
}

StreamNode add_branch(PartContext &context, const std::string &name, const std::string &input,
                      const QuantizedLinear &layer, const BranchNorm *norm, const StreamNode &stream,
                      const std::function<StreamCodes(double smallest_scale)> &output) {
  if (norm == nullptr)
    return context.nodes.linear_residual(name, input, layer, stream, output(smallest_stream_scale(layer)));
  const StreamNode branch =
      context.nodes.linear_stream(name, input, layer, branch_codes(norm->before, smallest_stream_scale(layer)));
  const StreamNode added{norm->name, branch_codes(norm->after, smallest_stream_scale(norm->norm))};
  const ArrayXd scale = added.codes.scale();
  context.nodes.layer_norm(added.name, branch, norm->norm, {scale, to_array(norm->norm.bias) / scale},
                           added.codes.type);
  return context.nodes.add_streams(norm->sum, added, stream, output(smallest_scale(scale).maxCoeff()));
}

} // namespace intvit

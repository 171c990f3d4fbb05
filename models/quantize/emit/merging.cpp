#include "models/quantize/emit/stream_maps.hpp"
#include "models/quantize/linear/normed_linear.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

using reference::SiteKind;

namespace {

// Mapped, then normalized.
StreamNode normed_after(PartContext &context, const MergingPart &part, const StreamNode &stream,
                        const Eigen::ArrayXd &next_importance) {
  const BlockSamples samples = context.calibration.run(
      {SiteKind::merged, SiteKind::merge_reduced}, [&](const auto &tokens, reference::Observer &observer) {
        return reference::merge_patches(context.network, part, tokens.rows, 0, &observer);
      });
  const StreamNode merged =
      context.nodes.merge_patches(part.name + ".merge", stream, part.grid_height, part.grid_width);
  const StreamMap map = quantize_stream_map(context, part.name + ".input", *part.reduction, nullptr,
                                            samples_of(samples, SiteKind::merged), merged, context.options);
  const StreamNode reduced = context.nodes.linear_stream(
      part.name + ".reduction", map.input, map.layer,
      int16_stream_codes(samples_of(samples, SiteKind::merge_reduced), smallest_stream_scale(map.layer)));
  return context.nodes.layer_norm_stream(part.name + ".norm", reduced, *part.norm,
                                         choose_stream_codes(context.calibration.stream(), context.options,
                                                             next_importance, smallest_stream_scale(*part.norm)));
}

} // namespace

StreamNode quantize_merging(PartContext &context, const MergingPart &part, const StreamNode &stream,
                            const Eigen::ArrayXd &next_importance) {
  if (part.normed_after)
    return normed_after(context, part, stream, next_importance);
  const BlockSamples samples =
      context.calibration.run({SiteKind::merge_normalized}, [&](const auto &tokens, reference::Observer &observer) {
        return reference::merge_patches(context.network, part, tokens.rows, 0, &observer);
      });
  const StreamNode merged =
      context.nodes.merge_patches(part.name + ".merge", stream, part.grid_height, part.grid_width);
  const QuantizedLinear layer = quantize_normed_linear(
      *part.reduction, *part.norm, samples_of(samples, SiteKind::merge_normalized), context.options);
  context.nodes.layer_norm(part.name + ".norm", merged, *part.norm, layer.input);
  StreamNode reduced = context.nodes.linear_stream(part.name + ".reduction", part.name + ".norm", layer,
                                                   choose_stream_codes(context.calibration.stream(), context.options,
                                                                       next_importance, smallest_stream_scale(layer)));
  context.nodes.report(reduced);
  return reduced;
}

} // namespace intvit

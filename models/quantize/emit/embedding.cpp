#include "models/quantize/emit/parts.hpp"
#include "models/quantize/linear/pixel_linear.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

using Eigen::ArrayXd;
using reference::Observer;
using reference::SiteKind;

namespace {

BlockSamples embed(Workplace &work, std::initializer_list<SiteKind> kinds) {
  return work.calibration.embed(kinds, [&](const Image &image, Observer &observer) {
    return reference::embed(work.network, reference::extract_patches(work.network.common, image), &observer);
  });
}

StreamNode positioned(Workplace &work, const QuantizedLinear &layer, const ArrayXd &next_importance) {
  const EmbeddingPart &part = work.network.embedding;
  embed(work, {});
  StreamCodes codes =
      choose_stream_codes(work.calibration.stream(), work.options, next_importance, smallest_stream_scale(layer));
  work.nodes.patches("patches", work.network.common.patch);
  return work.nodes.patch_embed("patch_embed", "patches", layer, *part.position, *part.prefix, std::move(codes));
}

// The patches' projection has codes of 16 bits: its LayerNorm makes up for any scale.
StreamNode normalized(Workplace &work, const QuantizedLinear &layer, const ArrayXd &next_importance) {
  const LayerNormWeights &norm = *work.network.embedding.norm;
  const BlockSamples samples = embed(work, {SiteKind::embedding});
  work.nodes.patches("patches", work.network.common.patch);
  const StreamNode projected = work.nodes.linear_stream(
      "patch_embed.proj", "patches", layer,
      int16_stream_codes(samples_of(samples, SiteKind::embedding), smallest_stream_scale(layer)));
  return work.nodes.layer_norm_stream(
      "patch_embed.norm", projected, norm,
      choose_stream_codes(work.calibration.stream(), work.options, next_importance, smallest_stream_scale(norm)));
}

} // namespace

StreamNode quantize_embedding(Workplace &work, const ArrayXd &next_importance) {
  const QuantizedLinear layer =
      quantize_pixel_linear(*work.network.embedding.patch_embed, work.network.common, work.options);
  return work.network.embedding.normalized ? normalized(work, layer, next_importance)
                                           : positioned(work, layer, next_importance);
}

} // namespace intvit

// The nodes of attention and of what is done for it.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "models/quantize/attention/exp_polynomial.hpp"
#include "models/quantize/codes/rotation_tables.hpp"
#include "models/quantize/emit/node_writer.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;

void NodeWriter::normalize_heads(const std::string &name, const StreamNode &input, const BlockConfig &config,
                                 const ArrayXd &scale, const ChannelCodes &output) {
  const FixedPoint fixed = fixed_point(scale / output.scale, output.zero);
  graph_.add(name, input.name, NormalizeHeads{config.heads, fixed.shift});
  requantization(name, fixed);
}

void NodeWriter::rotate(const std::string &name, const std::string &input, int heads, const Rotation &rotation) {
  graph_.add(name, input, Rotate{heads, rotation.first});
  write_rotation(graph_, name, rotation);
}

Attention NodeWriter::scores(const BlockConfig &config, const AttentionCodes &codes) const {
  Attention operation{.heads = config.heads, .softmax = options_.softmax};
  operation.score_shift = codes.shift;
  operation.exp = exp_polynomial(options_.softmax, config.keys());
  operation.sized = !sizes_.empty();
  return operation;
}

std::vector<std::string> NodeWriter::with_sizes(const std::string &input) const {
  return sizes_.empty() ? std::vector{input} : std::vector{input, sizes_};
}

void NodeWriter::attention(const std::string &name, const std::string &input, const BlockConfig &config,
                           const AttentionCodes &codes, const ChannelCodes &output, int kept_rows,
                           const RowVector &padding) {
  // The weights' quotient gives sum P v / sum P in the codes of v; its zero point is taken off afterwards.
  const ArrayXd ratio = codes.value.scale / output.scale;
  const FixedPoint fixed = fixed_point(ratio * quotient_unit, output.zero - ratio * codes.value.zero);
  Attention operation = scores(config, codes);
  operation.queries = kept_rows;
  operation.renormalize = options_.published.renormalize;
  operation.shift = fixed.shift;
  operation.biased = config.bias_grid.has_value();
  if (config.windows) {
    const Windows &windows = *config.windows;
    const GridPadding grid{windows.grid_height, windows.grid_width, windows.padded_height(), windows.padded_width(),
                           windows.rolled()};
    const std::string windowed = windows.padded() ? name + ".windows" : name;
    if (windows.padded()) {
      const ChannelCodes qkv = codes.side_by_side();
      pad_grid(name + ".pad", input, grid, to_array(padding) / qkv.scale + qkv.zero, ElementType::int8);
    }
    graph_.add(windowed, windows.padded() ? name + ".pad" : input,
               WindowAttention{operation, grid.padded_height, grid.padded_width, windows.size, windows.shift});
    if (windows.padded())
      graph_.add(name, windowed, CropGrid{grid});
    const auto heads = static_cast<std::int64_t>(config.heads);
    graph_.constant(windowed, "relative_bias", codes.bias,
                    {heads, static_cast<std::int64_t>(codes.bias.size()) / heads});
    graph_.constant(windowed, "score_multiplier", codes.multiplier);
    requantization(windowed, fixed);
  } else {
    graph_.add(name, with_sizes(input), operation);
    if (config.bias_grid)
      grid_biases(name, *config.bias_grid, codes.bias);
    graph_.constant(name, "score_multiplier", codes.multiplier);
    requantization(name, fixed);
  }
}

void NodeWriter::pad_grid(const std::string &name, const std::string &input, const GridPadding &grid,
                          const ArrayXd &codes, ElementType type) {
  graph_.add(name, input, PadGrid{grid});
  const auto write = [&](auto clamp) {
    std::vector<decltype(clamp(0))> padding;
    for (const double code : codes)
      padding.push_back(clamp(static_cast<std::int32_t>(std::lround(std::clamp(code, -1e6, 1e6)))));
    graph_.constant(name, "padding", padding);
  };
  if (type == ElementType::int8)
    write(kernels::clamp_to_int8);
  else
    write(kernels::clamp_to_int16);
}

void NodeWriter::grid_biases(const std::string &name, const BiasGrid &grid, const std::vector<std::int32_t> &biases) {
  const std::int64_t heads = std::ssize(biases) / grid.biases();
  std::vector<std::int32_t> patches;
  std::vector<std::int32_t> others;
  for (auto head = biases.begin(); head != biases.end(); head += grid.biases()) {
    patches.insert(patches.end(), head, head + grid.distances());
    others.insert(others.end(), head + grid.distances(), head + grid.biases());
  }
  graph_.constant(name, "relative_bias", patches, {heads, 2 * grid.height - 1, 2 * grid.width - 1});
  graph_.constant(name, "prefix_bias", others, {heads, 3});
}

StreamNode NodeWriter::merge_tokens(const std::string &block, const std::string &input, const BlockConfig &config,
                                    const AttentionCodes &codes, const TokenMerging &merging,
                                    const StreamNode &stream) {
  const std::string match = block + ".match";
  const MatchTokens operation{merging.pairs, merging.first, merging.weighted, scores(config, codes)};
  graph_.add(match, with_sizes(input), operation);
  graph_.constant(match, "score_multiplier", codes.multiplier);
  sizes_ = match;
  graph_.add(block + ".merge", {stream.name, match}, MergeTokens{});
  return {block + ".merge", stream.codes};
}

} // namespace intvit

#include "models/inspect/streams.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

namespace intvit {

namespace {

Stream stream(const Program &program, int value) {
  const ValueInfo &info = program.values[static_cast<std::size_t>(value)];
  const auto channels = static_cast<std::size_t>(info.columns);
  return {.value = value,
          .name = program.nodes[static_cast<std::size_t>(value) - 1].name,
          .type = info.type,
          .columns = info.columns,
          .scale = std::vector<double>(channels, 1),
          .zero = std::vector<double>(channels, 0)};
}

// Where four neighbours were brought together, the constants of the first are those of all.
Stream read_by(const Program &program, int value, const BoundLayerNorm &norm) {
  Stream result = stream(program, value);
  if (result.type != ElementType::int8)
    return result;
  result.alpha.assign(norm.alpha.begin(), norm.alpha.begin() + result.columns);
  for (std::size_t c = 0; c < result.scale.size(); ++c) {
    result.scale[c] = std::ldexp(1.0, norm.alpha[c]);
    result.zero[c] = norm.zero_point[c];
  }
  return result;
}

// The mean is of codes without a zero point and of one scale: what a row's code adds to it is its value.
Stream read_by(const Program &program, int value, const BoundMeanRows &mean) {
  Stream result = stream(program, value);
  const RequantizationConstants &r = mean.requantization;
  for (std::size_t c = 0; c < result.scale.size(); ++c) {
    const double multiplier = r.multiplier[c];
    result.scale[c] = std::ldexp(multiplier, -r.shift);
    if (result.type == ElementType::int8 && multiplier != 0)
      result.zero[c] =
          std::round((std::ldexp(1.0, r.shift - 1) - static_cast<double>(r.offset[c])) / multiplier / mean.weight);
  }
  return result;
}

template <typename Code>
void append(std::span<const std::byte> bytes, const Stream &stream, std::vector<double> &values) {
  std::vector<Code> codes(bytes.size() / sizeof(Code));
  std::memcpy(codes.data(), bytes.data(), codes.size() * sizeof(Code));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t c = i % stream.scale.size();
    values.push_back(stream.scale[c] * (codes[i] - stream.zero[c]));
  }
}

// Whether it is what an MLP has between its maps, which its norm reads.
bool is_activation(const BoundNode &node) {
  const auto *linear = node.as<BoundLinear>();
  return linear != nullptr && linear->epilogue == kernels::Epilogue::gelu;
}

// What is added to streams: norms behind branches write it.
std::set<int> added_values(const Program &program) {
  std::set<int> values;
  for (const BoundNode &node : program.nodes)
    if (const auto *rescale = node.as<BoundRescale>(); rescale != nullptr && !rescale->residual_multiplier.empty())
      values.insert(node.input());
  return values;
}

// Whether the node is Swin V2's map of four neighbours, behind which its norm stands.
template <typename Writer> bool reduces_neighbours(const BoundNode &node, const Writer &writer) {
  const BoundNode *before = node.as<BoundLinear>() == nullptr ? nullptr : writer(node.input());
  return before != nullptr && (before->as<BoundRescale>() != nullptr || before->as<BoundMergePatches>() != nullptr);
}

} // namespace

std::vector<double> Stream::dequantize(std::span<const std::byte> codes) const {
  std::vector<double> values;
  values.reserve(codes.size());
  if (type == ElementType::int16)
    append<std::int16_t>(codes, *this, values);
  else
    append<std::int8_t>(codes, *this, values);
  return values;
}

std::vector<Stream> residual_streams(const Program &program) {
  std::vector<Stream> streams;
  const auto add = [&](Stream found) {
    const auto same = [&](const Stream &known) { return known.value == found.value; };
    if (std::none_of(streams.begin(), streams.end(), same))
      streams.push_back(std::move(found));
  };
  // What writes a value; the image is written by nobody.
  const auto writer = [&](int value) -> const BoundNode * {
    return value > 0 ? &program.nodes[static_cast<std::size_t>(value) - 1] : nullptr;
  };
  // What a value was before the grid got an even number of rows and columns.
  const auto unpadded = [&](int value) {
    const BoundNode *node = writer(value);
    return node != nullptr && node->operation_name == PadGrid::name ? node->input() : value;
  };
  const std::set<int> norms_of_branches = added_values(program);
  int output = 0; // of the node, as a value
  for (const BoundNode &node : program.nodes) {
    ++output;
    const BoundNode *before = writer(node.input());
    if (before == nullptr)
      continue;
    if (const auto *norm = node.as<BoundLayerNorm>()) {
      if (norms_of_branches.contains(output) || reduces_neighbours(*before, writer))
        continue;
      if (before->as<BoundMergePatches>() != nullptr || before->operation_name == TakeRows::name)
        add(read_by(program, unpadded(before->input()), *norm));
      else if (before->as<BoundMeanRows>() == nullptr && before->as<BoundMultiply>() == nullptr &&
               before->as<BoundAttention>() == nullptr && !is_activation(*before))
        add(read_by(program, node.input(), *norm));
    } else if (node.as<BoundRescale>() != nullptr) {
      const int value = before->as<BoundMergePatches>() != nullptr ? unpadded(before->input()) : node.input();
      if (program.values[static_cast<std::size_t>(value)].type == ElementType::int16 &&
          !norms_of_branches.contains(value))
        add(stream(program, value));
    } else if (const auto *mean = node.as<BoundMeanRows>()) {
      if (before->as<BoundLayerNorm>() == nullptr)
        add(read_by(program, node.input(), *mean));
    }
  }
  return streams;
}

} // namespace intvit

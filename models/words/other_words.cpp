#include "models/words/other_words.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>
#include <variant>

#include "models/quantize/codes/channel_codes.hpp"
#include "models/quantize/codes/fixed_point.hpp"
#include "models/quantize/emit/finish.hpp"
#include "models/quantize/emit/node_writer.hpp"
#include "models/quantize/linear/weight_rounding.hpp"

namespace intvit {

using Eigen::ArrayXd;

namespace {

// The last node, if it is a head whose input was brought to length 1; and the node that brings it there.
struct WordNodes {
  const Node &head;
  const Node &unit;
};

WordNodes word_nodes(const ModelFile &file) {
  const std::vector<Node> &nodes = file.description().graph.nodes;
  const auto *linear = nodes.empty() ? nullptr : std::get_if<Linear>(&nodes.back().operation);
  if (linear != nullptr && linear->epilogue == kernels::Epilogue::logits)
    for (const Node &node : nodes)
      if (node.name == nodes.back().inputs.front() && std::holds_alternative<L2Normalize>(node.operation))
        return {nodes.back(), node};
  throw std::runtime_error(file.origin() + ": does not classify by words, so it has none that could be replaced");
}

double provenance_number(const ModelFile &file, const char *key) {
  const auto found = file.description().provenance.find(key);
  double value = 0;
  if (found != file.description().provenance.end()) {
    const char *end = found->second.data() + found->second.size();
    if (const auto [stop, error] = std::from_chars(found->second.data(), end, value);
        error == std::errc() && stop == end)
      return value;
  }
  throw std::runtime_error(file.origin() + ": does not tell its \"" + key + "\"");
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 9).ptr};
}

template <typename T> std::vector<T> constant_values(const ModelFile &file, const std::string &name, DType type) {
  const TensorView *tensor = file.tensors().find(name);
  if (tensor == nullptr || tensor->dtype != type)
    throw std::runtime_error(file.origin() + ": tensor " + name + " is missing");
  std::vector<T> values(tensor->bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return values;
}

// What the codes that the node writes stand for.
ChannelCodes unit_codes(const ModelFile &file, const Node &unit) {
  const int shift = std::get<L2Normalize>(unit.operation).shift;
  const auto multiplier = constant_values<std::int32_t>(file, unit.name + ".multiplier", DType::i32);
  const auto offset = constant_values<std::int64_t>(file, unit.name + ".offset", DType::i64);
  const auto channels = static_cast<Eigen::Index>(multiplier.size());
  ChannelCodes codes{ArrayXd(channels), ArrayXd(channels)};
  for (Eigen::Index c = 0; c < channels; ++c) {
    const auto i = static_cast<std::size_t>(c);
    codes.scale[c] = std::ldexp(quotient_unit, shift) / multiplier[i];
    codes.zero[c] = std::ldexp(static_cast<double>(offset[i]) - std::ldexp(1.0, shift - 1), -shift);
  }
  if (!(codes.scale > 0 && codes.scale.isFinite()).all())
    throw std::runtime_error(file.origin() + ": node " + unit.name + " has a multiplier that is not positive");
  return codes;
}

} // namespace

std::map<std::string, std::string> words_provenance(const ClassWords &words) {
  const ScoreScale &scale = words.scale;
  std::map<std::string, std::string> provenance{{logit_scale_key, number_text(scale.scale)}};
  if (scale.sigmoid)
    provenance.emplace(logit_bias_key, number_text(scale.bias));
  if (!words.source.empty())
    provenance.emplace("words", words.source);
  return provenance;
}

ScoreScale score_scale_of(const ModelFile &file) {
  word_nodes(file);
  ScoreScale scale;
  scale.scale = provenance_number(file, logit_scale_key);
  scale.sigmoid = file.description().graph.result_kind() == ResultKind::labels;
  if (scale.sigmoid)
    scale.bias = provenance_number(file, logit_bias_key);
  try {
    validate(scale);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(file.origin() + ": " + error.what());
  }
  return scale;
}

std::vector<std::byte> with_other_words(const ModelFile &file, const ClassWords &words,
                                        const std::map<std::string, std::string> &provenance) {
  const WordNodes nodes = word_nodes(file);
  const ChannelCodes input = unit_codes(file, nodes.unit);
  const LinearWeights head = word_head(words);
  if (head.weight.cols() != input.scale.size())
    throw std::runtime_error(file.origin() + ": has features of " + std::to_string(input.scale.size()) +
                             " numbers, but the embeddings " + std::to_string(head.weight.cols()) +
                             ": they are another model's");
  const WeightGrid grid = UniformGrid();
  const RoundedWeights rounded = round_to_nearest(head.weight, input.scale, ArrayXd::Ones(input.scale.size()), grid,
                                                  scale_candidates(WeightLevels::int8, QuantizeOptions{}), 1);
  ArrayXd bias = head.bias.transpose().array().cast<double>();
  for (Eigen::Index n = 0; n < bias.size(); ++n)
    for (Eigen::Index c = 0; c < input.zero.size(); ++c)
      bias[n] -= rounded.scale[n] * input.zero[c] * rounded.values[static_cast<std::size_t>(n * input.zero.size() + c)];
  const int fraction_bits = output_fraction_bits(rounded.scale);
  const double unit = std::ldexp(1.0, fraction_bits);
  const FixedPoint fixed = fixed_point(rounded.scale * unit, bias * unit);

  ModelDescription description = file.description();
  GraphBuilder graph(description.graph.image_height, description.graph.image_width);
  const std::string name = nodes.head.name;
  graph.graph() = description.graph;
  std::get<Linear>(graph.graph().nodes.back().operation).shift = fixed.shift;
  graph.graph().logit_fraction_bits = fraction_bits;
  const std::set<std::string, std::less<>> replaced{name + ".weight", name + ".multiplier", name + ".offset"};
  for (const auto &[tensor, view] : file.tensors().tensors())
    if (!tensor.starts_with("golden.") && !replaced.contains(tensor))
      graph.tensor(tensor, view);
  graph.weights(name, static_cast<int>(bias.size()), rounded.values);
  graph.requantization(name, fixed.multiplier, fixed.offset);
  description.labels = words.names;
  for (const auto &[key, value] : provenance)
    description.provenance[key] = value;
  const std::span<const std::uint8_t> golden = file.golden_image();
  const Image image{description.graph.image_width, description.graph.image_height, {golden.begin(), golden.end()}};
  return finish_model(graph, std::move(description), image, static_cast<int>(bias.size()),
                      static_cast<int>(file.golden_features().size()));
}

} // namespace intvit

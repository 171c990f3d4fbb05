// The operations but for those of attention.
#include "tests/fuzz/graph_generator.hpp"

#include <algorithm>
#include <cmath>

#include "engine/ops/bounds.hpp"
#include "kernels/gelu.hpp"
#include "kernels/kernel_table.hpp"
#include "tests/support/model_parts.hpp"

namespace intvit::fuzz {

using kernels::ElementType;
using kernels::Epilogue;

namespace {

double spread_of(ElementType type) {
  return type == ElementType::int8 ? code_spread : type == ElementType::int16 ? wide_spread : 100'000;
}

} // namespace

RandomGraph GraphGenerator::build() {
  image();
  const int steps = choices_.between(1, 12);
  for (int step = 0; step < steps; ++step)
    any_operation();
  head();
  graph_.graph().logit_fraction_bits = choices_.between(0, 30);
  test::ModelParts parts(graph_);
  parts.add_blank_golden(values_.back().columns);
  return {parts.file(), images()};
}

int GraphGenerator::side(int most) {
  // Around the widths of vectors and tiles, or anything.
  static const std::vector<int> edges = {1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 192};
  const int wanted = choices_.one_in(3) ? choices_.of(edges) : choices_.between(1, 80);
  return std::max(1, std::min(wanted, most));
}

void GraphGenerator::image() {
  const bool small = multiplications_ < 10'000;
  int patch = choices_.between(1, small ? 4 : 9);
  int height = choices_.between(1, small ? 4 : 8);
  int width = choices_.between(1, small ? 4 : 8);
  if (!small && choices_.one_in(10)) { // more tokens than some kernels take at once
    patch = choices_.between(1, 2);
    height = choices_.between(1, 2);
    width = choices_.between(200, 600);
  }
  Graph &graph = graph_.graph();
  const bool partial = choices_.one_in(4);
  graph.image_height = height * patch + (partial ? choices_.between(0, patch - 1) : 0);
  graph.image_width = width * patch + (partial ? choices_.between(0, patch - 1) : 0);
  add({image_value}, Patches{patch, partial}, ElementType::int8, height * width, 3 * patch * patch);
  if (choices_.between(0, 3) > 0)
    patch_embed(values_.back());
}

std::vector<Image> GraphGenerator::images() {
  const Graph &graph = graph_.graph();
  std::vector<Image> images;
  for (int i = 0; i < 3; ++i) {
    Image image{graph.image_width, graph.image_height, {}};
    const auto level = static_cast<std::uint8_t>(i == 1 ? 0 : i == 2 ? 255 : 128);
    image.rgb.assign(image.row_bytes() * static_cast<std::size_t>(image.height), level);
    if (i == 0)
      image.rgb = choices_.elements().values<std::uint8_t>(image.rgb.size(), 0, 255);
    images.push_back(std::move(image));
  }
  return images;
}

void GraphGenerator::add(std::vector<std::string> inputs, Operation operation, ElementType type, int rows,
                         int columns) {
  const std::string name = next_name();
  graph_.add(name, std::move(inputs), std::move(operation));
  values_.push_back({name, type, rows, columns});
}

std::string GraphGenerator::next_name() const {
  return "n" + std::to_string(values_.size());
}

GraphGenerator::Value GraphGenerator::codes() {
  return *value_where([](const Value &v) { return v.type == ElementType::int8; });
}

std::optional<GraphGenerator::Value> GraphGenerator::stream() {
  return value_where([](const Value &v) { return v.is_stream(); });
}

void GraphGenerator::any_operation() {
  switch (choices_.between(0, 21)) {
  case 0:
    return patch_embed(codes());
  case 1:
    return layer_norm(*stream(), output_type());
  case 2:
  case 3:
    return linear(codes());
  case 4:
    return add_to_stream();
  case 5:
  case 6:
    return attention();
  case 7:
    return window_attention();
  case 8:
    return take_rows(values_.back());
  case 9:
    return mean_rows(*stream());
  case 10:
    return flatten(values_.back());
  case 11:
    return l2_normalize();
  case 12:
  case 13:
    return merge_tokens();
  case 14:
    return rotate();
  case 15:
    return multiply();
  case 16:
    return join(values_.back());
  case 17:
  case 18:
    return rescale();
  case 19:
    return normalize_heads();
  case 20:
    return place_rows();
  default:
    return merge_patches();
  }
}

// How many outputs a linear map of this input may have.
int GraphGenerator::most_outputs(const Value &input) const {
  const auto most = multiplications_ / (std::int64_t{input.rows} * input.columns);
  return static_cast<int>(std::clamp<std::int64_t>(most, 1, most_elements / input.rows));
}

void GraphGenerator::patch_embed(const Value &input) {
  const int prefix_rows = choices_.between(0, 3);
  const int channels = side(most_outputs(input));
  const std::string name = next_name();
  const Magnitudes accumulators = constants_.weights(name, channels, input.columns);
  PatchEmbed operation{.position_shift = choices_.between(0, 15), .prefix_rows = prefix_rows};
  const bool narrow = choices_.one_in(2);
  operation.shift = constants_.requantization(name, accumulators, narrow ? code_spread : wide_spread,
                                              {operation.position_shift, 1 << 15, 10'000, "position_multiplier"});
  constants_.values<std::int16_t>(name, "position", {input.rows, channels}, INT16_MIN, INT16_MAX);
  if (narrow)
    constants_.prefix_tokens<std::int8_t>(name, prefix_rows, channels, INT8_MIN, INT8_MAX);
  else
    constants_.prefix_tokens<std::int16_t>(name, prefix_rows, channels, INT16_MIN, INT16_MAX);
  add({input.name}, operation, narrow ? ElementType::int8 : ElementType::int16, input.rows + prefix_rows, channels);
}

ElementType GraphGenerator::output_type() {
  return static_cast<ElementType>(choices_.between(0, 2));
}

void GraphGenerator::layer_norm(const Value &input, ElementType type) {
  if (input.columns > kernels::max_layer_norm_channels)
    return;
  const std::string name = next_name();
  LayerNorm operation{.output_type = type};
  const std::vector<std::int64_t> epsilons = {0, 1, 12345, std::int64_t{1} << 40, kernels::max_layer_norm_epsilon};
  operation.epsilon = choices_.of(epsilons);
  operation.centred = !choices_.one_in(4);
  const auto channels = static_cast<std::size_t>(input.columns);
  operation.shift = constants_.requantization(
      name, {std::vector<std::uint64_t>(channels, normalized_bound(input.columns)), quotient_spread},
      spread_of(operation.output_type));
  if (input.type == ElementType::int8) {
    constants_.values<std::uint8_t>(name, "alpha", {input.columns}, 0, kernels::max_ptf_alpha);
    constants_.values<std::int8_t>(name, "zero_point", {input.columns}, INT8_MIN, INT8_MAX);
  }
  add({input.name}, operation, operation.output_type, input.rows, input.columns);
}

void GraphGenerator::linear(const Value &input) {
  static const std::vector<Epilogue> epilogues = {Epilogue::requantize, Epilogue::gelu, Epilogue::requantize16,
                                                  Epilogue::logits};
  const int channels = side(most_outputs(input));
  linear(input, channels, choices_.of(epilogues));
}

void GraphGenerator::linear(const Value &input, int channels, Epilogue epilogue) {
  const std::string name = next_name();
  const Magnitudes accumulators = constants_.weights(name, channels, input.columns);
  Linear operation{.epilogue = epilogue};
  ElementType type = ElementType::int8;
  double spread = code_spread;
  if (operation.epilogue == Epilogue::gelu) {
    operation.gelu_fraction_bits = choices_.between(kernels::min_gelu_fraction_bits, kernels::max_gelu_fraction_bits);
    spread = std::ldexp(1.0, operation.gelu_fraction_bits);
    operation.gelu_function =
        static_cast<kernels::GeluFunction>(choices_.between(0, static_cast<int>(kernels::gelu_function_count) - 1));
    constants_.values<std::int16_t>(name, "gelu_multiplier", {channels}, 1,
                                    choices_.one_in(3) ? std::int16_t{INT16_MAX} : std::int16_t{1200});
    constants_.values<std::int8_t>(name, "gelu_zero_point", {channels}, INT8_MIN, INT8_MAX);
  } else if (operation.epilogue == Epilogue::requantize16) {
    type = ElementType::int16;
    spread = wide_spread;
  } else if (operation.epilogue == Epilogue::logits) {
    type = ElementType::int32;
    spread = 100'000;
  }
  operation.shift = constants_.requantization(name, accumulators, spread);
  add({input.name}, operation, type, input.rows, channels);
}

// A linear map into a stream of as many rows.
void GraphGenerator::add_to_stream() {
  const Value input = codes();
  const int most = most_outputs(input);
  const auto stream =
      value_where([&](const Value &v) { return v.is_stream() && v.rows == input.rows && v.columns <= most; });
  if (!stream)
    return linear(input);
  const std::string name = next_name();
  const Magnitudes accumulators = constants_.weights(name, stream->columns, input.columns);
  Linear operation{.epilogue = Epilogue::residual};
  operation.residual_shift = choices_.between(0, kernels::max_residual_shift(stream->type));
  operation.output_type = choices_.one_in(2) ? ElementType::int16 : ElementType::int8;
  const bool narrow = operation.output_type == ElementType::int8;
  const bool from_narrow = stream->type == ElementType::int8;
  operation.shift = constants_.requantization(name, accumulators, narrow ? code_spread : wide_spread,
                                              {operation.residual_shift, from_narrow ? 1 << 7 : 1 << 15,
                                               from_narrow ? code_spread : wide_spread, "residual_multiplier"});
  add({input.name, stream->name}, operation, narrow ? ElementType::int8 : ElementType::int16, input.rows,
      stream->columns);
}

void GraphGenerator::take_rows(const Value &input) {
  const int rows = choices_.between(1, input.rows);
  add({input.name}, TakeRows{rows}, input.type, rows, input.columns);
}

void GraphGenerator::mean_rows(const Value &input) {
  const std::string name = next_name();
  const std::optional<Value> sizes = sizes_for(input);
  MeanRows operation{.first = choices_.between(0, input.rows - 1), .output_type = output_type()};
  operation.rows = choices_.between(1, input.rows - operation.first);
  operation.sized = sizes.has_value();
  const int weight = sizes ? sizes->first_tokens : operation.rows;
  const std::uint64_t largest = std::uint64_t{1} << (input.type == ElementType::int8 ? 7 : 15);
  const auto channels = static_cast<std::size_t>(input.columns);
  const double typical = weight * (input.type == ElementType::int8 ? code_spread : wide_spread);
  operation.shift = constants_.requantization(
      name, {std::vector<std::uint64_t>(channels, largest * static_cast<std::uint64_t>(weight)), typical},
      spread_of(operation.output_type));
  add(sizes ? std::vector{input.name, sizes->name} : std::vector{input.name}, operation, operation.output_type, 1,
      input.columns);
}

void GraphGenerator::flatten(const Value &input) {
  add({input.name}, Flatten{}, input.type, 1, input.rows * input.columns);
}

void GraphGenerator::join(const Value &input) {
  const Value first = input; // add() moves what `input` refers to
  const auto second =
      value_where([&](const Value &v) { return v.remaining == 0 && v.type == first.type && v.rows == first.rows; });
  if (first.remaining == 0 && second && first.columns + second->columns <= most_elements / first.rows)
    add({first.name, second->name}, Join{}, first.type, first.rows, first.columns + second->columns);
}

void GraphGenerator::merge_patches() {
  const Value input = values_.back();
  if (const auto patches = grid(input.rows, 2))
    add({input.name}, MergePatches{patches->first, patches->second}, input.type, input.rows / 4, 4 * input.columns);
}

// Of int32; where there are none, they are made first.
void GraphGenerator::l2_normalize() {
  const auto input = value_where([](const Value &v) { return v.type == ElementType::int32; });
  if (!input) {
    const Value made_of = codes();
    return linear(made_of, side(most_outputs(made_of)), Epilogue::logits);
  }
  if (input->columns > kernels::max_l2_channels)
    return;
  const std::string name = next_name();
  L2Normalize operation{.output_type = output_type()};
  const auto channels = static_cast<std::size_t>(input->columns);
  operation.shift = constants_.requantization(
      name,
      {std::vector<std::uint64_t>(channels, unit_bound), quotient_spread / std::sqrt(static_cast<double>(channels))},
      spread_of(operation.output_type));
  add({input->name}, operation, operation.output_type, input->rows, input->columns);
}

// Of codes whose columns are queries, keys and values, made for it where there is room.
void GraphGenerator::rotate() {
  const int heads = choices_.between(1, 4);
  const Value codes_in = codes();
  const int most = most_outputs(codes_in);
  if (most < 6 * heads)
    return;
  linear(codes_in, 6 * heads * side(most / (6 * heads)), Epilogue::requantize);
  const Value input = values_.back();
  const std::string name = next_name();
  const Rotate operation{heads, choices_.between(0, input.rows - 1)};
  const int pairs = input.columns / (6 * heads);
  const int columns = choices_.one_in(2) ? pairs : pairs * heads;
  for (const char *table : {"cosine", "sine"})
    constants_.values<std::int16_t>(name, table, {input.rows - operation.first, columns}, -(1 << 14), 1 << 14);
  add({input.name}, operation, ElementType::int8, input.rows, input.columns);
}

// Of codes and a linear map of them; or, where that has other columns, of the map's output and itself.
void GraphGenerator::multiply() {
  const Value codes_in = codes();
  linear(codes_in, std::min(codes_in.columns, most_outputs(codes_in)), Epilogue::requantize);
  const Value made = values_.back();
  const Value &factor = made.columns == codes_in.columns ? codes_in : made;
  const std::string name = next_name();
  Multiply operation;
  operation.output_type = choices_.one_in(2) ? ElementType::int16 : ElementType::int8;
  const auto channels = static_cast<std::size_t>(made.columns);
  operation.shift = constants_.requantization(
      name, {std::vector<std::uint64_t>(channels, kernels::max_product), code_spread * code_spread},
      spread_of(operation.output_type));
  for (const char *zero_point : {"zero_point", "factor_zero_point"})
    constants_.values<std::int8_t>(name, zero_point, {made.columns}, INT8_MIN, INT8_MAX);
  add({made.name, factor.name}, operation, operation.output_type, made.rows, made.columns);
}

void GraphGenerator::rescale() {
  const Value input = *stream();
  const auto added =
      value_where([&](const Value &v) { return v.is_stream() && v.rows == input.rows && v.columns == input.columns; });
  const std::string name = next_name();
  Rescale operation;
  operation.adds = added && choices_.one_in(2);
  operation.output_type = choices_.one_in(2) ? ElementType::int16 : ElementType::int8;
  GraphConstants::Residual residual;
  if (operation.adds) {
    const bool narrow = added->type == ElementType::int8;
    operation.residual_shift = choices_.between(0, kernels::max_residual_shift(added->type));
    residual = {operation.residual_shift, narrow ? 1 << 7 : 1 << 15, spread_of(added->type), "residual_multiplier"};
  }
  const std::uint64_t largest = std::uint64_t{1} << (input.type == ElementType::int8 ? 7 : 15);
  operation.shift = constants_.requantization(
      name, {std::vector<std::uint64_t>(static_cast<std::size_t>(input.columns), largest), spread_of(input.type)},
      spread_of(operation.output_type), residual);
  add(operation.adds ? std::vector{input.name, added->name} : std::vector{input.name}, operation, operation.output_type,
      input.rows, input.columns);
}

// One row of int32: logits of codes, or features of a stream.
void GraphGenerator::head() {
  if (const Value row = first_row(*stream()); choices_.one_in(4) && row.columns <= kernels::max_layer_norm_channels)
    return layer_norm(row, ElementType::int32);
  const Value row = first_row(codes());
  linear(row, side(most_outputs(row)), Epilogue::logits);
}

GraphGenerator::Value GraphGenerator::first_row(const Value &value) {
  if (value.rows == 1)
    return value;
  add({value.name}, TakeRows{1}, value.type, 1, value.columns);
  return values_.back();
}

} // namespace intvit::fuzz

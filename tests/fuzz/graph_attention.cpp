// Random attention, in windows or not, what is done for it, and merging of tokens.
#include "tests/fuzz/graph_generator.hpp"

#include <algorithm>

#include "engine/ops/bounds.hpp"

namespace intvit::fuzz {

using kernels::ElementType;
using kernels::Epilogue;
using kernels::ExpPolynomial;
using kernels::Softmax;

// An input of 3 * heads * head_dim columns, made for it where there is room.
std::optional<GraphGenerator::Value> GraphGenerator::queries_keys_values(const Value &input, int heads, int tokens) {
  const std::int64_t scores = 2 * std::int64_t{input.rows} * tokens;
  const int most = static_cast<int>(std::min<std::int64_t>(most_outputs(input), 3 * multiplications_ / scores));
  if (most < 3 * heads)
    return std::nullopt;
  linear(input, 3 * heads * side(most / (3 * heads)), Epilogue::requantize);
  return values_.back();
}

Attention GraphGenerator::softmax(int heads, int tokens) {
  Attention operation{.heads = heads, .softmax = static_cast<Softmax>(choices_.between(0, 3))};
  operation.renormalize = choices_.one_in(2);
  // Of 1, 8, 16, 32 and 255 steps an octave.
  static const std::vector<ExpPolynomial> polynomials = {
      {16, 62, 1487, 14}, {32, 124, 5950, 12}, {8, 31, 372, 16}, {1, 4, 6, 20}, {255, 996, 377'931, 4}};
  operation.exp = choices_.of(polynomials);
  while (operation.exp.octaves > 0 && !exp_table_is_valid(operation.exp, tokens))
    --operation.exp.octaves;
  return operation;
}

void GraphGenerator::attention() {
  const int heads = choices_.between(1, 4);
  const Value codes_in = codes();
  const auto input = queries_keys_values(codes_in, heads, codes_in.rows);
  if (!input)
    return;
  const std::string name = next_name();
  const int channels = input->columns / 3;
  Attention operation = softmax(heads, input->rows);
  operation.queries = choices_.one_in(2) ? choices_.between(1, input->rows) : 0;
  const std::optional<Value> sizes = sizes_for(*input);
  operation.sized = sizes.has_value();
  const int prefix = choices_.between(0, std::min(3, input->rows - 1));
  const int largest = choices_.one_in(2) ? 8000 : 1 << 24;
  if (!sizes && choices_.one_in(3)) {
    const auto [height, width] = *grid(input->rows - prefix, 1);
    operation.biased = true;
    constants_.scores(name, operation, channels / heads, {.bias_range = 2 * static_cast<std::uint64_t>(largest)});
    constants_.values<std::int32_t>(name, "relative_bias", {heads, 2 * height - 1, 2 * width - 1}, -largest, largest);
    constants_.values<std::int32_t>(name, "prefix_bias", {heads, 3}, -largest, largest);
  } else {
    constants_.scores(name, operation, channels / heads, {.largest_size = sizes ? sizes->largest_size() : 0});
  }
  operation.shift = constants_.requantization(name, quotients(channels), code_spread);
  add(sizes ? std::vector{input->name, sizes->name} : std::vector{input->name}, operation, ElementType::int8,
      operation.queries == 0 ? input->rows : operation.queries, channels);
}

Magnitudes GraphGenerator::quotients(int channels) {
  return {std::vector<std::uint64_t>(static_cast<std::size_t>(channels), attention_bound),
          quotient_spread * code_spread};
}

// height and width of the grid, if `rows` has two such factors.
std::optional<std::pair<int, int>> GraphGenerator::grid(int rows, int multiple) {
  std::vector<std::pair<int, int>> grids;
  for (int height = multiple; height <= rows; height += multiple)
    if (rows % height == 0 && rows / height % multiple == 0)
      grids.emplace_back(height, rows / height);
  if (grids.empty())
    return std::nullopt;
  return choices_.of(grids);
}

void GraphGenerator::window_attention() {
  const int heads = choices_.between(1, 3);
  int window = choices_.between(1, 7);
  const Value codes_in = codes();
  auto patches = grid(codes_in.rows, window);
  while (!patches)
    patches = grid(codes_in.rows, --window); // one row is a window
  const auto input = queries_keys_values(codes_in, heads, window * window);
  if (!input)
    return;
  const std::string name = next_name();
  const int channels = input->columns / 3;
  WindowAttention operation{.attention = softmax(heads, window * window),
                            .grid_height = patches->first,
                            .grid_width = patches->second,
                            .window = window,
                            .window_shift = choices_.between(0, window - 1)};
  const bool masked = operation.window_shift > 0;
  if (masked && operation.attention.softmax == Softmax::lis4)
    operation.attention.exp = {16, 62, 1487, 14}; // the last distance weighs nothing
  const std::vector<int> ranges = {0, 8000, 1 << 16, 1 << 24};
  const int bias = choices_.of(ranges);
  constants_.scores(name, operation.attention, channels / heads,
                    {.bias_range = 2 * static_cast<std::uint64_t>(bias), .masked = masked});
  const std::int64_t offsets = std::int64_t{2 * window - 1} * (2 * window - 1);
  constants_.values<std::int32_t>(name, "relative_bias", {heads, offsets}, -bias, bias);
  operation.attention.shift = constants_.requantization(name, quotients(channels), code_spread);
  add({input->name}, operation, ElementType::int8, input->rows, channels);
}

void GraphGenerator::normalize_heads() {
  const int heads = choices_.between(1, 4);
  const Value codes_in = codes();
  const int most = most_outputs(codes_in);
  if (most < 3 * heads)
    return;
  linear(codes_in, 3 * heads * std::min(side(most / (3 * heads)), kernels::max_head_dim), Epilogue::requantize16);
  const Value input = values_.back();
  const std::string name = next_name();
  NormalizeHeads operation{.heads = heads};
  const int head_dim = input.columns / (3 * heads);
  std::vector<std::uint64_t> bounds(static_cast<std::size_t>(input.columns), std::uint64_t{1} << 15);
  std::fill_n(bounds.begin(), input.columns / 3 * 2, normalized_bound(head_dim));
  operation.shift = constants_.requantization(name, {bounds, wide_spread}, code_spread);
  add({input.name}, operation, ElementType::int8, input.rows, input.columns);
}

void GraphGenerator::place_rows() {
  const Value input = *stream();
  const auto [height, width] = *grid(input.rows, 1);
  GridPadding padding{height, width, choices_.between(height, std::min(2 * height, height + 9)),
                      choices_.between(width, std::min(2 * width, width + 9)),
                      choices_.between(0, std::min({height, width, 9}) - 1)};
  if (padding.padded_rows() > most_elements / input.columns)
    return;
  if (input.type == ElementType::int8)
    constants_.values<std::int8_t>(next_name(), "padding", {input.columns}, INT8_MIN, INT8_MAX);
  else
    constants_.values<std::int16_t>(next_name(), "padding", {input.columns}, INT16_MIN, INT16_MAX);
  add({input.name}, PadGrid{padding}, input.type, padding.padded_rows(), input.columns);
  if (choices_.one_in(2))
    return;
  padding.rolled = choices_.between(0, std::min({height, width, 9}) - 1);
  const std::string padded = values_.back().name;
  add({padded}, CropGrid{padding}, input.type, padding.rows(), input.columns);
}

std::optional<GraphGenerator::Value> GraphGenerator::sizes_for(const Value &value) {
  const auto sizes = value_where([&](const Value &v) { return v.remaining == value.rows; });
  return sizes && choices_.between(0, 3) > 0 ? sizes : std::nullopt;
}

void GraphGenerator::merge_tokens() {
  const int heads = choices_.between(1, 4);
  const Value codes_in = codes();
  const auto input = codes_in.rows > 1 ? queries_keys_values(codes_in, heads, codes_in.rows) : std::nullopt;
  if (!input)
    return;
  const int rows = input->rows;
  const int channels = input->columns / 3;
  const std::string name = next_name();
  const std::optional<Value> sizes = sizes_for(*input);
  MatchTokens operation;
  operation.first = choices_.between(0, std::min(rows - 2, 5));
  operation.weighted = operation.first > 0 && choices_.one_in(2);
  operation.attention = softmax(heads, rows);
  operation.pairs = choices_.between(1, (rows - operation.first) / 2);
  operation.attention.sized = sizes.has_value();
  constants_.scores(name, operation.attention, channels / heads, {.largest_size = sizes ? sizes->largest_size() : 0});
  add(sizes ? std::vector{input->name, sizes->name} : std::vector{input->name}, operation, ElementType::int32, 3, rows);
  values_.back().remaining = rows - operation.pairs;
  values_.back().first_tokens = sizes ? sizes->first_tokens : rows;

  const auto stream = value_where([&](const Value &v) { return v.is_stream() && v.rows == rows; });
  add({stream->name, name}, MergeTokens{}, stream->type, rows - operation.pairs, stream->columns);
  if (choices_.one_in(2)) // of what remains, if its codes have 8 bits
    attention();
}

} // namespace intvit::fuzz

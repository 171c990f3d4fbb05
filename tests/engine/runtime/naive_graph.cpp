// Every operation of a graph by its definition alone; long because there are as many as the engine has.
#include "tests/engine/runtime/naive_graph.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include "tests/engine/runtime/naive_values.hpp"

namespace intvit::test {
namespace {

using nlohmann::json;

Int integer_root(Int square) {
  Int low = 0;
  Int high = power_of_two(33);
  while (high - low > 1) {
    const Int middle = (low + high) / 2;
    (middle * middle <= square ? low : high) = middle;
  }
  return low;
}

Table patches(const NodeReader &reader, const Table &image) {
  const auto patch = static_cast<std::size_t>(reader.integer("patch"));
  const std::size_t across = image.columns / 3 / patch; // what does not fill a patch is left out
  Table output(image.rows / patch * across, patch * patch * 3);
  for (std::size_t p = 0; p < output.rows; ++p)
    for (std::size_t i = 0; i < output.columns; ++i) {
      const std::size_t y = p / across * patch + i / (patch * 3);
      const std::size_t x = p % across * patch * 3 + i % (patch * 3);
      output.at(p, i) = image.at(y, x) - 128;
    }
  return output;
}

// The number that the place-th so many bits of a byte are, the lowest first.
Int bits_of(Int byte, std::size_t bits, std::size_t place) {
  return floor_divide(byte, power_of_two(static_cast<int>(bits * place))) % power_of_two(static_cast<int>(bits));
}

Int word_code(Int word) {
  return word < 8 ? word : word - 16;
}

// LogDequant, in units of 2^-7.
Int log_value(Int code) {
  const Int magnitude = code == 0 ? 0 : power_of_two(static_cast<int>(7 - (code < 0 ? -code : code)));
  return code < 0 ? -magnitude : magnitude;
}

enum class Scale { log, uniform, wide };

// Weights of four bits: first words, and second ones where a group of so many outputs and inputs has them.
struct FourBits {
  const char *first;
  const char *groups;
  const char *second;
  Scale scale;
  std::size_t group_outputs;
  std::size_t group_inputs;
  std::size_t second_bits; // of a second word

  Int first_value(Int word) const {
    const Int code = word_code(word);
    return scale == Scale::log ? log_value(code) : scale == Scale::uniform ? 16 * code : 2 * code;
  }

  // Of a word beside a first one that stands for `value`.
  Int second_value(Int word, Int value) const {
    if (second_bits == 4)
      return scale == Scale::log ? log_value(word_code(word)) : word_code(word);
    if (scale == Scale::log) // divisions round towards 0, which is what parts below a unit are
      return word == 0 ? 0 : word == 1 ? value / 4 : word == 2 ? -(value / 4) : -(value / 8);
    return scale == Scale::uniform ? 4 * (word < 2 ? word : word - 4) : 32 * word - 48;
  }

  std::vector<Int> weight(const NodeReader &reader, std::size_t inputs) const {
    const std::vector<Int> words = reader.constant(first);
    const std::vector<Int> bits = reader.constant(groups);
    const std::vector<Int> more = reader.constant(second);
    const std::size_t row_bytes = (inputs + 1) / 2;
    const std::size_t outputs = words.size() / row_bytes;
    const std::size_t in_a_row = (inputs + group_inputs - 1) / group_inputs;
    std::vector<Int> weight(outputs * inputs);
    for (std::size_t n = 0; n < outputs; ++n)
      for (std::size_t k = 0; k < inputs; ++k)
        weight[n * inputs + k] = first_value(bits_of(words.at(n * row_bytes + k / 2), 4, k % 2));
    std::size_t at = 0;
    for (std::size_t row = 0; row < (outputs + group_outputs - 1) / group_outputs; ++row)
      for (std::size_t group = 0; group < in_a_row; ++group) {
        if (bits_of(bits.at(row * ((in_a_row + 7) / 8) + group / 8), 1, group % 8) == 0)
          continue;
        for (std::size_t i = 0; i < group_outputs * group_inputs; ++i)
          if (const std::size_t n = group_outputs * row + i / group_inputs, k = group_inputs * group + i % group_inputs;
              n < outputs && k < inputs) {
            const Int word = bits_of(more.at(at + i * second_bits / 8), second_bits, i % (8 / second_bits));
            Int &value = weight[n * inputs + k];
            value = saturate(value + second_value(word, value), -127, 127);
          }
        at += group_outputs * group_inputs * second_bits / 8;
      }
    return weight;
  }
};

constexpr std::array four_bit_formats{
    FourBits{"stlq_first", "stlq_tiles", "stlq_second", Scale::log, 64, 4, 4},
    FourBits{"stlq_group_first", "stlq_groups", "stlq_group_second", Scale::log, 1, 4, 4},
    FourBits{"stlq_short4_first", "stlq_short4_groups", "stlq_short4_second", Scale::log, 1, 4, 2},
    FourBits{"stlq_short8_first", "stlq_short8_groups", "stlq_short8_second", Scale::log, 1, 8, 2},
    FourBits{"int4_first", "int4_groups", "int4_second", Scale::uniform, 1, 4, 4},
    FourBits{"int4_short_first", "int4_short_groups", "int4_short_second", Scale::uniform, 1, 4, 2},
    FourBits{"int4_wide4_first", "int4_wide4_groups", "int4_wide4_second", Scale::wide, 1, 4, 2},
    FourBits{"int4_wide8_first", "int4_wide8_groups", "int4_wide8_second", Scale::wide, 1, 8, 2}};

std::vector<Int> weight_of(const NodeReader &reader, std::size_t inputs) {
  for (const FourBits &format : four_bit_formats)
    if (reader.has_constant(format.first))
      return format.weight(reader, inputs);
  return reader.constant("weight");
}

// Every row of `input` times every row of the weight.
Table accumulators(const NodeReader &reader, const Table &input) {
  const std::vector<Int> weight = weight_of(reader, input.columns);
  Table output(input.rows, weight.size() / input.columns);
  for (std::size_t m = 0; m < output.rows; ++m)
    for (std::size_t n = 0; n < output.columns; ++n) {
      for (std::size_t k = 0; k < input.columns; ++k)
        output.at(m, n) += input.at(m, k) * weight.at(n * input.columns + k);
      within(output.at(m, n), 32);
    }
  return output;
}

Table patch_embed(const NodeReader &reader, const Table &input) {
  const Table sums = accumulators(reader, input);
  const Requantizer requantize(reader);
  const std::vector<Int> position = reader.constant("position");
  const std::vector<Int> position_multiplier = reader.constant("position_multiplier");
  const auto prefix_rows = reader.node.value("prefix_rows", std::size_t{1});
  const std::string name = prefix_rows == 1 ? "class_token" : "prefix_tokens";
  const std::vector<Int> prefix = reader.constant(name);
  const Int unit = power_of_two(reader.integer("position_shift"));
  const std::string type = reader.is_int16(name) ? "int16" : "int8";
  Table output(input.rows + prefix_rows, sums.columns);
  for (std::size_t c = 0; c < output.columns; ++c) {
    for (std::size_t m = 0; m < prefix_rows; ++m)
      output.at(m, c) = prefix.at(m * output.columns + c);
    for (std::size_t m = 0; m < sums.rows; ++m) {
      const Int added = within(position.at(m * sums.columns + c) * unit, 32) * position_multiplier.at(c);
      output.at(prefix_rows + m, c) = stored(requantize(sums.at(m, c), c, added), type);
    }
  }
  return output;
}

// (C x - S) / sqrt(C Q - S^2 + epsilon) with 16 fraction bits.
Table layer_norm(const NodeReader &reader, const Table &input) {
  Table x = input;
  if (reader.has_constant("alpha")) {
    const std::vector<Int> alpha = reader.constant("alpha");
    const std::vector<Int> zero_point = reader.constant("zero_point");
    for (std::size_t m = 0; m < x.rows; ++m)
      for (std::size_t c = 0; c < x.columns; ++c)
        x.at(m, c) = (x.at(m, c) - zero_point.at(c)) * power_of_two(static_cast<int>(alpha.at(c)));
  }
  const Requantizer requantize(reader);
  const auto epsilon = reader.node.at("epsilon").get<std::int64_t>();
  const auto channels = static_cast<Int>(x.columns);
  const std::string type = reader.node.value("output_type", "int8");
  Table output(x.rows, x.columns);
  for (std::size_t m = 0; m < x.rows; ++m) {
    Int sum = 0;
    Int squares = 0;
    for (std::size_t c = 0; c < x.columns; ++c) {
      sum += x.at(m, c);
      squares += x.at(m, c) * x.at(m, c);
    }
    if (!reader.node.value("centred", true))
      sum = 0;
    Int square = within(std::max<Int>(channels * squares - sum * sum + epsilon, 1), 63);
    int doublings = 0; // of the root, by four of the square
    for (; square < power_of_two(60); square *= 4)
      ++doublings;
    const Int root = integer_root(square);
    for (std::size_t c = 0; c < x.columns; ++c)
      output.at(m, c) =
          stored(requantize(divide_by_row_constant(channels * x.at(m, c) - sum, root, doublings), c), type);
  }
  return output;
}

// x / sqrt(sum x^2) with 16 fraction bits, of numbers without the low bits that the largest of 2^23 and more can spare.
Table l2_normalize(const NodeReader &reader, const Table &input) {
  const Requantizer requantize(reader);
  const std::string type = reader.text("output_type");
  Table output(input.rows, input.columns);
  for (std::size_t m = 0; m < input.rows; ++m) {
    Int largest = 0;
    for (std::size_t c = 0; c < input.columns; ++c)
      largest = std::max(largest, input.at(m, c) < 0 ? -input.at(m, c) : input.at(m, c));
    Int unit = 1;
    while (floor_divide(largest, unit) >= power_of_two(23))
      unit *= 2;
    Int square = 0;
    for (std::size_t c = 0; c < input.columns; ++c)
      square += floor_divide(input.at(m, c), unit) * floor_divide(input.at(m, c), unit);
    square = within(std::max<Int>(square, 1), 63);
    int doublings = 0; // of the root, by four of the square
    for (; square < power_of_two(60); square *= 4)
      ++doublings;
    const Int root = integer_root(square);
    for (std::size_t c = 0; c < input.columns; ++c)
      output.at(m, c) =
          stored(requantize(divide_by_row_constant(floor_divide(input.at(m, c), unit), root, doublings), c), type);
  }
  return output;
}

// Codes times their factors, plus those of a stream where there is one.
Table rescale(const NodeReader &reader, const Table &input, const Table *stream) {
  const Requantizer requantize(reader);
  const std::vector<Int> multiplier = stream == nullptr ? std::vector<Int>() : reader.constant("residual_multiplier");
  Table output(input.rows, input.columns);
  for (std::size_t m = 0; m < input.rows; ++m)
    for (std::size_t c = 0; c < input.columns; ++c) {
      Int added = 0;
      if (stream != nullptr)
        added = within(stream->at(m, c) * power_of_two(reader.integer("residual_shift")), 32) * multiplier.at(c);
      output.at(m, c) = stored(requantize(input.at(m, c), c, added), reader.text("output_type"));
    }
  return output;
}

// d x / sqrt(d sum x^2) with 16 fraction bits, of the d channels of each head's queries and keys; values as they are.
Table normalize_heads(const NodeReader &reader, const Table &input) {
  const Requantizer requantize(reader);
  const std::size_t channels = input.columns / 3;
  const std::size_t head_dim = channels / static_cast<std::size_t>(reader.integer("heads"));
  Table output(input.rows, input.columns);
  for (std::size_t m = 0; m < input.rows; ++m)
    for (std::size_t first = 0; first < input.columns; first += head_dim) {
      Int square = 0;
      for (std::size_t c = first; c < first + head_dim; ++c)
        square += static_cast<Int>(head_dim) * input.at(m, c) * input.at(m, c);
      square = within(std::max<Int>(square, 1), 63);
      int doublings = 0;
      for (; square < power_of_two(60); square *= 4)
        ++doublings;
      const Int root = integer_root(square);
      for (std::size_t c = first; c < first + head_dim; ++c) {
        const Int value = first >= 2 * channels
                              ? input.at(m, c)
                              : divide_by_row_constant(static_cast<Int>(head_dim) * input.at(m, c), root, doublings);
        output.at(m, c) = stored(requantize(value, c), "int8");
      }
    }
  return output;
}

// Places of a padded side whose patches windows read from `rolled` on, round the end to the beginning: -1 for padding.
std::vector<int> padded_side(int side, int padded, int rolled) {
  std::vector<int> patch_at(static_cast<std::size_t>(padded), -1);
  for (int step = 0; step < side; ++step) // the step-th that windows read
    patch_at[static_cast<std::size_t>((rolled + step) % padded)] = (rolled + step) % side;
  return patch_at;
}

Table place_rows(const NodeReader &reader, const Table &input, bool pads) {
  const int width = reader.integer("grid_width");
  const std::vector<int> down =
      padded_side(reader.integer("grid_height"), reader.integer("padded_height"), reader.integer("rolled"));
  const std::vector<int> right = padded_side(width, reader.integer("padded_width"), reader.integer("rolled"));
  const std::vector<Int> constant = pads ? reader.constant("padding") : std::vector<Int>();
  Table output(pads ? down.size() * right.size() : static_cast<std::size_t>(width * reader.integer("grid_height")),
               input.columns);
  for (std::size_t y = 0; y < down.size(); ++y)
    for (std::size_t x = 0; x < right.size(); ++x) {
      const std::size_t place = y * right.size() + x;
      const bool empty = down[y] < 0 || right[x] < 0;
      const auto patch = empty ? 0 : static_cast<std::size_t>(down[y] * width + right[x]);
      for (std::size_t c = 0; c < input.columns; ++c)
        if (pads)
          output.at(place, c) = empty ? constant.at(c) : input.at(patch, c);
        else if (!empty)
          output.at(patch, c) = input.at(place, c);
    }
  return output;
}

// Pairs of a head's channels, half a head apart, turned by the angles of their row's patch.
Table rotate(const NodeReader &reader, const Table &input) {
  const auto heads = static_cast<std::size_t>(reader.integer("heads"));
  const auto first = static_cast<std::size_t>(reader.integer("first"));
  const std::vector<Int> cosine = reader.constant("cosine");
  const std::vector<Int> sine = reader.constant("sine");
  const std::size_t channels = input.columns / 3;
  const std::size_t head_dim = channels / heads;
  const std::size_t pairs = head_dim / 2;
  const std::size_t columns = cosine.size() / (input.rows - first);
  Table output = input;
  for (std::size_t m = first; m < input.rows; ++m)
    for (std::size_t head = 0; head < 2 * heads; ++head)
      for (std::size_t pair = 0; pair < pairs; ++pair) {
        const std::size_t at = (m - first) * columns + (columns == pairs ? 0 : head % heads * pairs) + pair;
        const Int a = input.at(m, head * head_dim + pair);
        const Int b = input.at(m, head * head_dim + pairs + pair);
        const auto rounded = [](Int sum) { return stored(floor_divide(sum + 8192, 16384), "int8"); };
        output.at(m, head * head_dim + pair) = rounded(a * cosine.at(at) - b * sine.at(at));
        output.at(m, head * head_dim + pairs + pair) = rounded(b * cosine.at(at) + a * sine.at(at));
      }
  return output;
}

Table multiply(const NodeReader &reader, const Table &a, const Table &b) {
  const Requantizer requantize(reader);
  const std::vector<Int> zero_a = reader.constant("zero_point");
  const std::vector<Int> zero_b = reader.constant("factor_zero_point");
  Table output(a.rows, a.columns);
  for (std::size_t m = 0; m < a.rows; ++m)
    for (std::size_t c = 0; c < a.columns; ++c)
      output.at(m, c) =
          stored(requantize((a.at(m, c) - zero_a.at(c)) * (b.at(m, c) - zero_b.at(c)), c), reader.text("output_type"));
  return output;
}

// max(x, 0) - tail(|x|) on 64 chords: tail(u) = u (1 - Phi(u)) up to u = 4, or u / (1 + exp(k u)) with k = 1.702 up to
// u = 6 (quick-GELU) and k = 1 up to u = 10 (SiLU), where chords from 2 on are 2 and 4 times as long.
Int gelu(Int x, int fraction_bits, const std::string &function) {
  const Int longer = function == "silu" ? 4 : function == "quick_gelu" ? 2 : 1;
  const auto tail = [&](Int i) -> Int {
    if (i >= 64)
      return 0;
    const auto place = static_cast<double>(i);
    if (longer > 1) {
      const double u = i <= 32 ? place / 16 : 2 + (place - 32) * static_cast<double>(longer) / 16;
      return std::llround(65536 * u / (1 + std::exp((function == "silu" ? 1 : 1.702) * u)));
    }
    return std::llround(65536 * place / 16 * 0.5 * std::erfc(place / 16 / std::sqrt(2.0)));
  };
  Int magnitude = x < 0 ? -x : x;
  if (const Int two = 2 * power_of_two(fraction_bits); magnitude > two)
    magnitude = two - two / longer + floor_divide(magnitude, longer);
  magnitude = std::min<Int>(magnitude, 4 * power_of_two(fraction_bits) - 1);
  const Int chord_length = power_of_two(fraction_bits - 4);
  const Int chord = magnitude / chord_length;
  const Int fraction = magnitude % chord_length * (32768 / chord_length);
  const Int slope = tail(chord + 1) - tail(chord);
  const Int tail16 = tail(chord) + floor_divide(slope * fraction + 16384, 32768);
  const Int unit = power_of_two(16 - fraction_bits);
  return std::max<Int>(x, 0) - floor_divide(tail16 + unit / 2, unit);
}

Table linear(const NodeReader &reader, const Table &input, const std::map<std::string, Table> &values) {
  Table output = accumulators(reader, input);
  const Requantizer requantize(reader);
  const std::string epilogue = reader.node.at("epilogue").get<std::string>();
  const auto each = [&](const std::function<Int(Int value, std::size_t m, std::size_t n)> &result) {
    for (std::size_t n = 0; n < output.columns; ++n)
      for (std::size_t m = 0; m < output.rows; ++m)
        output.at(m, n) = result(output.at(m, n), m, n);
  };
  if (epilogue == "requantize") {
    each([&](Int value, std::size_t, std::size_t n) { return stored(requantize(value, n), "int8"); });
  } else if (epilogue == "requantize16") {
    each([&](Int value, std::size_t, std::size_t n) { return stored(requantize(value, n), "int16"); });
  } else if (epilogue == "logits") {
    each([&](Int value, std::size_t, std::size_t n) { return requantize(value, n); });
  } else if (epilogue == "gelu") {
    const int fraction_bits = reader.integer("gelu_fraction_bits");
    const std::string function = reader.node.value("gelu_function", "gelu");
    const std::vector<Int> multiplier = reader.constant("gelu_multiplier");
    const std::vector<Int> zero_point = reader.constant("gelu_zero_point");
    each([&](Int value, std::size_t, std::size_t n) {
      const Int result = gelu(saturate(requantize(value, n), -32767, 32767), fraction_bits, function);
      return saturate(zero_point.at(n) + floor_divide(result * multiplier.at(n) + 16384, 32768), -128, 127);
    });
  } else {
    const Table &stream = values.at(reader.text("residual"));
    const Int unit = power_of_two(reader.integer("residual_shift"));
    const std::vector<Int> multiplier = reader.constant("residual_multiplier");
    const std::string type = reader.text("output_type");
    each([&](Int value, std::size_t m, std::size_t n) {
      const Int shifted = within(stream.at(m, n) * unit, 32);
      return stored(requantize(value, n, shifted * multiplier.at(n)), type);
    });
  }
  return output;
}

Table take_rows(const NodeReader &reader, const Table &input) {
  Table output(static_cast<std::size_t>(reader.integer("rows")), input.columns);
  std::copy_n(input.values.begin(), output.values.size(), output.values.begin());
  return output;
}

// The rows' sum, of merged tokens as often as they stand for patches; dividing by their number is the multiplier's
// part.
Table mean_rows(const NodeReader &reader, const Table &input, const std::vector<Int> &sizes) {
  const Requantizer requantize(reader);
  const auto first = static_cast<std::size_t>(reader.integer("first"));
  Table output(1, input.columns);
  for (std::size_t c = 0; c < input.columns; ++c) {
    Int sum = 0;
    for (std::size_t m = 0; m < static_cast<std::size_t>(reader.integer("rows")); ++m)
      sum += input.at(first + m, c) * (sizes.empty() ? 1 : sizes.at(first + m));
    output.at(0, c) = stored(requantize(sum, c), reader.text("output_type"));
  }
  return output;
}

Table flatten(const NodeReader &, const Table &input) {
  Table output(1, input.rows * input.columns);
  output.values = input.values;
  return output;
}

Table join(const Table &a, const Table &b) {
  Table output(a.rows, a.columns + b.columns);
  for (std::size_t m = 0; m < a.rows; ++m)
    for (std::size_t c = 0; c < output.columns; ++c)
      output.at(m, c) = c < a.columns ? a.at(m, c) : b.at(m, c - a.columns);
  return output;
}

// x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2] of [grid_height, grid_width, C] beside one another.
Table merge_patches(const NodeReader &reader, const Table &input) {
  const auto height = static_cast<std::size_t>(reader.integer("grid_height"));
  const auto width = static_cast<std::size_t>(reader.integer("grid_width"));
  Table output(height * width / 4, 4 * input.columns);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < input.columns; ++c)
        output.at(y / 2 * (width / 2) + x / 2, (x % 2 * 2 + y % 2) * input.columns + c) = input.at(y * width + x, c);
  return output;
}

json graph_of(const SafetensorsFile &file) {
  return json::parse(file.metadata().at("intvit.graph"));
}

// The output of the node of that name.
std::vector<std::int32_t> naive_output(const SafetensorsFile &file, const Image &image, const std::string &name) {
  const json graph = graph_of(file);
  std::map<std::string, Table> values;
  Table pixels(graph.at("image_height").get<std::size_t>(), graph.at("image_width").get<std::size_t>() * 3);
  std::copy(image.rgb.begin(), image.rgb.end(), pixels.values.begin());
  values.emplace("image", std::move(pixels));
  for (const json &node : graph.at("nodes")) {
    const NodeReader reader{file, node};
    const Table &input = values.at(node.at("input").get<std::string>());
    const std::string kind = node.at("op").get<std::string>();
    const auto second = [&](const char *key) -> const Table & { return values.at(node.at(key).get<std::string>()); };
    const std::vector<Int> sizes = node.contains("sizes") ? remaining_sizes(second("sizes")) : std::vector<Int>();
    const auto with_sizes = [&](auto operation) {
      return [&, operation](const NodeReader &r, const Table &x) { return operation(r, x, sizes); };
    };
    const auto product = [&](const NodeReader &r, const Table &x) { return multiply(r, x, second("factor")); };
    const auto beside = [&](const NodeReader &, const Table &x) { return join(x, second("beside")); };
    const auto rescaled = [&](const NodeReader &r, const Table &x) {
      return rescale(r, x, node.contains("residual") ? &second("residual") : nullptr);
    };
    const auto pad = [](const NodeReader &r, const Table &x) { return place_rows(r, x, true); };
    const auto crop = [](const NodeReader &r, const Table &x) { return place_rows(r, x, false); };
    const auto merge = [&](const NodeReader &, const Table &x) { return naive_merge_tokens(x, second("groups")); };
    const auto linear_map = [&](const NodeReader &r, const Table &x) { return linear(r, x, values); };
    const std::map<std::string, std::function<Table(const NodeReader &, const Table &)>> operations = {
        {"patches", patches},
        {"patch_embed", patch_embed},
        {"layer_norm", layer_norm},
        {"linear", linear_map},
        {"attention", with_sizes(naive_attention)},
        {"window_attention", naive_window_attention},
        {"take_rows", take_rows},
        {"mean_rows", with_sizes(mean_rows)},
        {"flatten", flatten},
        {"merge_patches", merge_patches},
        {"l2_normalize", l2_normalize},
        {"match_tokens", with_sizes(naive_match_tokens)},
        {"merge_tokens", merge},
        {"rotate", rotate},
        {"multiply", product},
        {"join", beside},
        {"rescale", rescaled},
        {"normalize_heads", normalize_heads},
        {"pad_grid", pad},
        {"crop_grid", crop}};
    Table output = operations.at(kind)(reader, input);
    values.emplace(node.at("name").get<std::string>(), std::move(output));
  }
  std::vector<std::int32_t> output;
  for (const Int value : values.at(name).values)
    output.push_back(static_cast<std::int32_t>(value));
  return output;
}

} // namespace

std::vector<std::int32_t> naive_logits(const SafetensorsFile &file, const Image &image) {
  return naive_output(file, image, graph_of(file).at("nodes").back().at("name").get<std::string>());
}

std::vector<std::int32_t> naive_features(const SafetensorsFile &file, const Image &image) {
  const json graph = graph_of(file);
  if (!graph.contains("features"))
    return {};
  return naive_output(file, image, graph.at("features").get<std::string>());
}

std::vector<std::int32_t> naive_patch_tokens(const SafetensorsFile &file, const Image &image, int patches,
                                             int channels) {
  const json graph = graph_of(file);
  if (!graph.contains("tokens"))
    return {};
  const std::vector<std::int32_t> all = naive_output(file, image, graph.at("tokens").get<std::string>());
  return {all.end() - std::ptrdiff_t{patches} * channels, all.end()};
}

} // namespace intvit::test

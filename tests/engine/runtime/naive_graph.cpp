#include "tests/engine/runtime/naive_graph.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

namespace intvit::test {
namespace {

using nlohmann::json;
__extension__ using Int = __int128;

struct Table {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<Int> values;

  Table(std::size_t r, std::size_t c) : rows(r), columns(c), values(r * c) {}
  Int &at(std::size_t r, std::size_t c) { return values.at(r * columns + c); }
  const Int &at(std::size_t r, std::size_t c) const { return values.at(r * columns + c); }
};

Int power_of_two(int exponent) {
  return Int{1} << exponent;
}

// The value itself, which must fit a signed integer of so many bits.
Int within(Int value, int bits) {
  if (value < -power_of_two(bits - 1) || value >= power_of_two(bits - 1))
    throw std::logic_error("a value does not fit " + std::to_string(bits) + " bits");
  return value;
}

Int floor_divide(Int dividend, Int divisor) {
  Int quotient = dividend / divisor;
  if (quotient * divisor > dividend)
    --quotient;
  return quotient;
}

Int saturate(Int value, Int low, Int high) {
  return value < low ? low : value > high ? high : value;
}

// floor(n * factor / 2^shift + 1/2) with the 30-bit factor that stands for 2^16 / divisor; see docs/numerics.md,
// "Division by a row's constant". `scaled` is the divisor times 2^left, in [2^30, 2^31).
Int divide_by_row_constant(Int n, Int scaled, int left) {
  const Int factor = power_of_two(60) / scaled;
  const int shift = 44 - left;
  return within(floor_divide(within(n, 32) * factor + power_of_two(shift - 1), power_of_two(shift)), 32);
}

Int integer_root(Int square) {
  Int low = 0;
  Int high = power_of_two(33);
  while (high - low > 1) {
    const Int middle = (low + high) / 2;
    (middle * middle <= square ? low : high) = middle;
  }
  return low;
}

// The node under evaluation, with its fields and constants.
struct NodeReader {
  const SafetensorsFile &file;
  const json &node;

  int integer(const char *field) const { return node.at(field).get<int>(); }

  std::vector<Int> constant(const std::string &suffix) const {
    const TensorView *view = file.find(node.at("name").get<std::string>() + "." + suffix);
    if (view == nullptr)
      throw std::logic_error("no constant " + suffix);
    const std::size_t size = element_size(view->dtype);
    std::vector<Int> values;
    for (std::size_t at = 0; at < view->bytes.size(); at += size) {
      Int value = 0;
      for (std::size_t i = 0; i < size; ++i)
        value += static_cast<Int>(std::to_integer<unsigned>(view->bytes[at + i])) << (8 * i);
      if (view->dtype != DType::u8 && value >= power_of_two(static_cast<int>(8 * size) - 1))
        value -= power_of_two(static_cast<int>(8 * size));
      values.push_back(value);
    }
    return values;
  }

  bool is_int16(const std::string &suffix) const {
    return file.find(node.at("name").get<std::string>() + "." + suffix)->dtype == DType::i16;
  }
};

// floor((value * multiplier + residual + offset) / 2^shift).
class Requantizer {
public:
  explicit Requantizer(const NodeReader &reader)
      : multiplier_(reader.constant("multiplier")), offset_(reader.constant("offset")),
        shift_(reader.integer("shift")) {}

  Int operator()(Int value, std::size_t channel, Int residual = 0) const {
    const Int product = within(within(value, 32) * multiplier_.at(channel), 64);
    return within(floor_divide(within(product + residual + offset_.at(channel), 64), power_of_two(shift_)), 32);
  }

private:
  std::vector<Int> multiplier_;
  std::vector<Int> offset_;
  int shift_;
};

Table patches(const NodeReader &reader, const Table &image) {
  const auto patch = static_cast<std::size_t>(reader.integer("patch"));
  const std::size_t across = image.columns / 3 / patch;
  Table output(image.rows / patch * across, patch * patch * 3);
  for (std::size_t p = 0; p < output.rows; ++p)
    for (std::size_t i = 0; i < output.columns; ++i) {
      const std::size_t y = p / across * patch + i / (patch * 3);
      const std::size_t x = p % across * patch * 3 + i % (patch * 3);
      output.at(p, i) = image.at(y, x) - 128;
    }
  return output;
}

// Every row of `input` times every row of the weight.
Table accumulators(const NodeReader &reader, const Table &input) {
  const std::vector<Int> weight = reader.constant("weight");
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
  const std::vector<Int> class_token = reader.constant("class_token");
  const Int unit = power_of_two(reader.integer("position_shift"));
  const Int low = reader.is_int16("class_token") ? -32767 : -128;
  const Int high = reader.is_int16("class_token") ? 32767 : 127;
  Table output(input.rows + 1, sums.columns);
  for (std::size_t c = 0; c < output.columns; ++c) {
    output.at(0, c) = class_token.at(c);
    for (std::size_t m = 0; m < sums.rows; ++m) {
      const Int added = within(position.at(m * sums.columns + c) * unit, 32) * position_multiplier.at(c);
      output.at(m + 1, c) = saturate(requantize(sums.at(m, c), c, added), low, high);
    }
  }
  return output;
}

// (C x - S) / sqrt(C Q - S^2 + epsilon) with 16 fraction bits.
Table layer_norm(const NodeReader &reader, const Table &input) {
  Table x = input;
  const bool ptf = reader.file.find(reader.node.at("name").get<std::string>() + ".alpha") != nullptr;
  if (ptf) {
    const std::vector<Int> alpha = reader.constant("alpha");
    const std::vector<Int> zero_point = reader.constant("zero_point");
    for (std::size_t m = 0; m < x.rows; ++m)
      for (std::size_t c = 0; c < x.columns; ++c)
        x.at(m, c) = (x.at(m, c) - zero_point.at(c)) * power_of_two(static_cast<int>(alpha.at(c)));
  }
  const Requantizer requantize(reader);
  const auto epsilon = reader.node.at("epsilon").get<std::int64_t>();
  const auto channels = static_cast<Int>(x.columns);
  Table output(x.rows, x.columns);
  for (std::size_t m = 0; m < x.rows; ++m) {
    Int sum = 0;
    Int squares = 0;
    for (std::size_t c = 0; c < x.columns; ++c) {
      sum += x.at(m, c);
      squares += x.at(m, c) * x.at(m, c);
    }
    Int square = within(std::max<Int>(channels * squares - sum * sum + epsilon, 1), 63);
    int doublings = 0; // of the root, by four of the square
    for (; square < power_of_two(60); square *= 4)
      ++doublings;
    const Int root = integer_root(square);
    for (std::size_t c = 0; c < x.columns; ++c)
      output.at(m, c) =
          saturate(requantize(divide_by_row_constant(channels * x.at(m, c) - sum, root, doublings), c), -128, 127);
  }
  return output;
}

// max(x, 0) - tail(|x|), tail(u) = u (1 - Phi(u)) on 64 chords up to u = 4.
Int gelu(Int x, int fraction_bits) {
  const auto tail = [](Int i) -> Int {
    const double u = static_cast<double>(i) / 16;
    return i < 64 ? std::llround(65536 * u * 0.5 * std::erfc(u / std::sqrt(2.0))) : 0;
  };
  const Int magnitude = std::min<Int>(x < 0 ? -x : x, 4 * power_of_two(fraction_bits) - 1);
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
  for (std::size_t n = 0; n < output.columns; ++n)
    for (std::size_t m = 0; m < output.rows; ++m) {
      Int &value = output.at(m, n);
      if (epilogue == "requantize") {
        value = saturate(requantize(value, n), -128, 127);
      } else if (epilogue == "logits") {
        value = requantize(value, n);
      } else if (epilogue == "gelu") {
        const Int result = gelu(saturate(requantize(value, n), -32767, 32767), reader.integer("gelu_fraction_bits"));
        const Int scaled = result * reader.constant("gelu_multiplier").at(n);
        value = saturate(reader.constant("gelu_zero_point").at(n) + floor_divide(scaled + 16384, 32768), -128, 127);
      } else {
        const Table &stream = values.at(reader.node.at("residual").get<std::string>());
        const Int shifted = within(stream.at(m, n) * power_of_two(reader.integer("residual_shift")), 32);
        const bool int16 = reader.node.at("output_type") == "int16";
        value = saturate(requantize(value, n, shifted * reader.constant("residual_multiplier").at(n)),
                         int16 ? -32767 : -128, int16 ? 32767 : 127);
      }
    }
  return output;
}

// The weights of one row of distances, and what they are divided by.
std::vector<Int> softmax(const NodeReader &reader, const std::vector<Int> &distances, Int &divisor) {
  const int units = reader.integer("units_per_octave");
  const auto exp = [&](Int distance) {
    const Int rest = distance % units;
    const Int polynomial = rest * rest - reader.integer("exp_linear") * rest + reader.integer("exp_constant");
    const Int scaled = std::max<Int>(polynomial, 0) * power_of_two(reader.integer("exp_octaves"));
    return within(scaled, 64) /
           power_of_two(static_cast<int>(distance / units) > 100 ? 100 : static_cast<int>(distance / units));
  };
  std::vector<Int> weights;
  Int sum = 0;
  Int weight_sum = 0;
  for (const Int distance : distances)
    sum += exp(distance);
  within(sum, 32);
  // The nearest power of two to the rounded ratio, 1.5 * 2^k going up.
  const auto log2_of_ratio = [&](Int of) {
    const Int ratio = floor_divide(2 * sum + of, 2 * of);
    int code = 0;
    while (2 * ratio >= 3 * power_of_two(code))
      ++code;
    return code;
  };
  const bool lis8 = reader.node.at("softmax") == "lis8";
  const int log_unit = lis8 ? std::min(15 + log2_of_ratio(exp(0)), 23) : 15; // weights are 2^(log_unit - code)
  for (const Int distance : distances) {
    Int weight = 0;
    if (reader.node.at("softmax") == "int8") {
      if (distance < 255)
        weight = floor_divide(exp(distance) * 255 + exp(0) / 2, exp(0));
    } else if (reader.node.at("softmax") == "int16") {
      // At most 16 bits, and sums over a row below 2^24.
      const Int largest = std::min<Int>(65535, (power_of_two(24) - 1) / static_cast<Int>(distances.size()));
      Int unit = 1;
      while (floor_divide(2 * exp(0) + unit, 2 * unit) > largest)
        unit *= 2;
      if (distance < 255)
        weight = floor_divide(2 * exp(distance) + unit, 2 * unit);
    } else if (exp(distance) > 0 && !(lis8 && distance == 255)) {
      const int code = log2_of_ratio(exp(distance));
      weight = code > log_unit ? 0 : power_of_two(log_unit - code);
    }
    weights.push_back(weight);
    weight_sum += weight;
  }
  const bool log_int = lis8 || reader.node.at("softmax") == "lis4";
  divisor = log_int && !reader.node.at("renormalize").get<bool>() ? power_of_two(log_unit) : weight_sum;
  return weights;
}

Table attention(const NodeReader &reader, const Table &qkv) {
  const std::size_t channels = qkv.columns / 3;
  const auto heads = static_cast<std::size_t>(reader.integer("heads"));
  const std::size_t head_dim = channels / heads;
  const auto queries = static_cast<std::size_t>(reader.integer("queries"));
  const std::vector<Int> score_multiplier = reader.constant("score_multiplier");
  const Int score_unit = power_of_two(reader.integer("score_shift"));
  const Requantizer requantize(reader);
  Table output(queries == 0 ? qkv.rows : queries, channels);
  for (std::size_t head = 0; head < heads; ++head)
    for (std::size_t i = 0; i < output.rows; ++i) {
      std::vector<Int> distances(qkv.rows);
      for (std::size_t j = 0; j < qkv.rows; ++j)
        for (std::size_t d = head * head_dim; d < (head + 1) * head_dim; ++d)
          distances[j] += qkv.at(i, d) * qkv.at(j, channels + d);
      const Int largest = *std::max_element(distances.begin(), distances.end());
      for (Int &distance : distances)
        distance = std::min<Int>(
            floor_divide(within((largest - distance) * score_multiplier.at(head) + score_unit / 2, 33), score_unit),
            255);
      Int divisor = 0;
      const std::vector<Int> weights = softmax(reader, distances, divisor);
      int doublings = 0;
      for (; divisor < power_of_two(30); divisor *= 2)
        ++doublings;
      for (std::size_t d = head * head_dim; d < (head + 1) * head_dim; ++d) {
        Int sum = 0;
        for (std::size_t j = 0; j < qkv.rows; ++j)
          sum += weights[j] * qkv.at(j, 2 * channels + d);
        output.at(i, d) = saturate(requantize(divide_by_row_constant(sum, divisor, doublings), d), -128, 127);
      }
    }
  return output;
}

Table take_rows(const NodeReader &reader, const Table &input) {
  Table output(static_cast<std::size_t>(reader.integer("rows")), input.columns);
  std::copy_n(input.values.begin(), output.values.size(), output.values.begin());
  return output;
}

} // namespace

std::vector<std::int32_t> naive_logits(const SafetensorsFile &file, const Image &image) {
  const json graph = json::parse(file.metadata().at("intvit.graph"));
  std::map<std::string, Table> values;
  Table pixels(graph.at("image_height").get<std::size_t>(), graph.at("image_width").get<std::size_t>() * 3);
  std::copy(image.rgb.begin(), image.rgb.end(), pixels.values.begin());
  values.emplace("image", std::move(pixels));
  for (const json &node : graph.at("nodes")) {
    const NodeReader reader{file, node};
    const Table &input = values.at(node.at("input").get<std::string>());
    const std::string kind = node.at("op").get<std::string>();
    Table output = kind == "patches"       ? patches(reader, input)
                   : kind == "patch_embed" ? patch_embed(reader, input)
                   : kind == "layer_norm"  ? layer_norm(reader, input)
                   : kind == "linear"      ? linear(reader, input, values)
                   : kind == "attention"   ? attention(reader, input)
                                           : take_rows(reader, input);
    values.emplace(node.at("name").get<std::string>(), std::move(output));
  }
  std::vector<std::int32_t> logits;
  for (const Int value : values.at(graph.at("nodes").back().at("name").get<std::string>()).values)
    logits.push_back(static_cast<std::int32_t>(value));
  return logits;
}

} // namespace intvit::test

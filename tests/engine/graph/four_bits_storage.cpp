// How model files hold weights of four bits: what words of two bits stand for and where they stand, that bind reads
// what the builder writes, and every way in which constants with words of two bits can be wrong.
#include "engine/ops/four_bits_storage.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/graph/builder.hpp"
#include "tests/engine/graph/bind_messages.hpp"
#include "tests/kernels/four_bits_case.hpp"

namespace intvit {
namespace {

using kernels::WeightFormat;
using kernels::WordScale;
using test::bind_message;
using test::FourBitCase;
using test::ModelParts;

using Bytes = std::vector<std::uint8_t>;

// docs/format.md's table, by the names of the engine's.
struct Way {
  std::string first;
  std::string groups;
  std::string second;
  WeightFormat format;
  int group_outputs;
  int group_inputs;
  int second_bits;

  // Sizes of the constants' rows, and how many groups there are in one.
  int in_a_row(int in) const { return (in + group_inputs - 1) / group_inputs; }
  int bit_bytes(int in) const { return (in_a_row(in) + 7) / 8; }
  int group_bytes() const { return group_outputs * group_inputs * second_bits / 8; }
};

const std::vector<Way> ways{
    {"stlq_first", "stlq_tiles", "stlq_second", WeightFormat::stlq_tiles, 64, 4, 4},
    {"stlq_group_first", "stlq_groups", "stlq_group_second", WeightFormat::stlq_groups, 1, 4, 4},
    {"int4_first", "int4_groups", "int4_second", WeightFormat::int4, 1, 4, 4},
    {"int4_short_first", "int4_short_groups", "int4_short_second", WeightFormat::int4, 1, 4, 2},
    {"int4_wide8_first", "int4_wide8_groups", "int4_wide8_second", WeightFormat::int4_wide, 1, 8, 2},
    {"stlq_short8_first", "stlq_short8_groups", "stlq_short8_second", WeightFormat::stlq_groups, 1, 8, 2},
    {"int4_wide4_first", "int4_wide4_groups", "int4_wide4_second", WeightFormat::int4_wide, 1, 4, 2},
    {"stlq_short4_first", "stlq_short4_groups", "stlq_short4_second", WeightFormat::stlq_groups, 1, 4, 2}};
const std::vector<Way> short_ways(ways.begin() + 3, ways.end());

const FourBitStorage &storage_of(const Way &way) {
  return *std::find_if(four_bit_storages.begin(), four_bit_storages.end(),
                       [&](const FourBitStorage &storage) { return storage.first() == way.first; });
}

// The paper's LogDequant, times 2^7.
int log_value(int code) {
  return code == 0 ? 0 : static_cast<int>(std::copysign(std::ldexp(128.0, -std::abs(code)), code));
}

int signed_code(int word) {
  return word < 8 ? word : word - 16;
}

// What a first word stands for, and two bits beside it.
int first_value(WeightFormat format, int code) {
  return format == WeightFormat::int4 ? 16 * code : format == WeightFormat::int4_wide ? 2 * code : log_value(code);
}
int short_value(WeightFormat format, int first, int bits) {
  constexpr int finer[] = {0, 4, -8, -4};
  constexpr int wider[] = {-48, -16, 16, 48};
  constexpr double parts[] = {0, 0.25, -0.25, -0.125};
  if (format == WeightFormat::int4)
    return finer[bits];
  if (format == WeightFormat::int4_wide)
    return wider[bits];
  const double part = parts[bits] * log_value(first);
  return std::abs(part) < 1 ? 0 : static_cast<int>(part);
}

FourBitWeights owned(const FourBitCase &weights) {
  return {weights.format, weights.out_features, weights.in_features, weights.first, weights.groups, weights.second};
}

// The linear map "h" of so many inputs.
void add_product(GraphBuilder &builder, int in, const FourBitWeights &weights) {
  const auto requantize = [&](const std::string &node, int outputs) {
    builder.requantization(node, std::vector<std::int32_t>(static_cast<std::size_t>(outputs), 1),
                           std::vector<std::int64_t>(static_cast<std::size_t>(outputs)));
  };
  builder.add("p", image_value, Patches{1});
  builder.add("l", "p", Linear{.shift = 32});
  builder.weights("l", in, std::vector<std::int8_t>(3 * static_cast<std::size_t>(in)));
  requantize("l", in);
  builder.add("h", "l", Linear{.epilogue = kernels::Epilogue::logits, .shift = 32});
  builder.weights("h", weights);
  requantize("h", weights.out_features);
}

// What the node's constants stand for, word by word.
std::vector<std::int8_t> short_values(const Way &way, const StoredFourBits &stored, int out, int in) {
  std::vector<std::int8_t> values;
  std::size_t at = 0; // of the next group's second words
  for (int n = 0; n < out; ++n)
    for (int k = 0; k < in; ++k) {
      const int code =
          signed_code(stored.first.at(static_cast<std::size_t>(n * ((in + 1) / 2) + k / 2)) >> k % 2 * 4 & 15);
      const int group = k / way.group_inputs;
      const int i = k % way.group_inputs;
      const bool two =
          (stored.groups.at(static_cast<std::size_t>(n * way.bit_bytes(in) + group / 8)) >> group % 8 & 1) != 0;
      int value = first_value(way.format, code);
      if (two)
        value += short_value(way.format, code, stored.second.at(at + static_cast<std::size_t>(i / 4)) >> i % 4 * 2 & 3);
      values.push_back(static_cast<std::int8_t>(value));
      if (two && (i + 1 == way.group_inputs || k + 1 == in))
        at += static_cast<std::size_t>(way.group_bytes());
    }
  CHECK(at == stored.second.size());
  return values;
}

TEST_CASE("words of two bits: the second word that they are, beside every first one") {
  for (int first = -7; first <= 7; ++first)
    for (int bits = 0; bits < 4; ++bits) {
      CAPTURE(first, bits);
      const auto code = [&](WordScale scale) {
        return signed_code(short_word(scale, static_cast<std::uint8_t>(first & 15), bits));
      };
      CHECK(log_value(code(WordScale::log)) == short_value(WeightFormat::stlq_groups, first, bits));
      CHECK(code(WordScale::uniform) == short_value(WeightFormat::int4, first, bits));
      CHECK(16 * code(WordScale::wide) == short_value(WeightFormat::int4_wide, first, bits));
    }
  for (int bits = 0; bits < 4; ++bits)
    CHECK(16 * signed_code(short_word(WordScale::wide, 8, bits)) == short_value(WeightFormat::int4_wide, -8, bits));
}

TEST_CASE("words of two bits: where they stand, and which words kernels read") {
  FourBitWeights weights;
  SECTION("log") {
    // 0, 64, -64, 4, 2, -8, 1 and -1; with three words of 0 that could be said otherwise.
    const Bytes first{0x10, 0x5F, 0xC6, 0x97};
    REQUIRE(restore(storage_of(short_ways[2]), 1, 8, {first, {1}, {0b01'10'01'11, 0b00'10'11'01}}, weights).empty());
    CHECK(decode_four_bits(weights) == std::vector<std::int8_t>{0, 64 + 16, -64 + 16, 4 + 1, 2, -8 + 1, 1, -1});
    CHECK(weights.groups == Bytes{3});
    CHECK(weights.second == Bytes{0x30, 0x73, 0x70, 0x00});
    const StoredWeights again = store(weights);
    REQUIRE(again.storage == &storage_of(short_ways[2]));
    CHECK(again.constants.second == Bytes{0b01'10'01'00, 0b00'00'11'00});
  }
  SECTION("uniform") {
    REQUIRE(restore(storage_of(short_ways[0]), 1, 5, {{0x10, 0x97, 0x02}, {2}, {0b11}}, weights).empty());
    CHECK(decode_four_bits(weights) == std::vector<std::int8_t>{0, 16, 112, -112, 32 - 4});
    CHECK(weights.groups == Bytes{2});
    CHECK(weights.second == Bytes{0x0C, 0});
  }
  SECTION("wide") {
    // Two outputs of nine inputs: -8, 7, 0, -1, 3, 3, 3, 3, 5. The second has second words in both groups.
    const Bytes row{0x78, 0xF0, 0x33, 0x33, 0x05};
    Bytes first = row;
    first.insert(first.end(), row.begin(), row.end());
    REQUIRE(restore(storage_of(short_ways[1]), 2, 9, {first, {0, 3}, {0b10'01'11'00, 0b11'10'01'00, 0b11, 0}}, weights)
                .empty());
    CHECK(decode_four_bits(weights) == std::vector<std::int8_t>{-16, 14, 0, -2, 6, 6, 6, 6, 10, //
                                                                -64, 62, -16, 14, -42, -10, 22, 54, 58});
    CHECK(weights.groups == Bytes{0, 7});
    CHECK(weights.second == Bytes{0x3D, 0x1F, 0xFD, 0x31, 0x03, 0});
  }
}

TEST_CASE("weights of four bits in files: bind reads what the builder writes, which takes the fewest bytes") {
  const Way way = GENERATE(from_range(ways));
  const WeightFormat format = way.format;
  test::Random random(2);
  int seen = 0; // files that hold the weights in this way
  for (const int in : {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 32, 33, 63, 65, 70})
    for (int round = 0; round < 4; ++round) {
      const int out = random.between(1, 150);
      CAPTURE(way.first, in, out);
      const FourBitCase expected = test::make_four_bits(random, format, out, in, way.second_bits);
      const FourBitWeights weights = owned(expected);
      GraphBuilder builder(1, 1);
      add_product(builder, in, weights);
      ModelParts parts(builder);
      parts.add_blank_golden(out);
      for (const Way &one : ways)
        if (parts.tensors.count("h." + one.first) != 0) {
          REQUIRE(one.format == format);
          seen += one.first == way.first ? 1 : 0;
          const auto constant = [&](const std::string &name) {
            return parts.tensors.at("h." + name).as<std::uint8_t>();
          };
          const StoredFourBits stored{constant(one.first), constant(one.groups), constant(one.second)};
          if (one.second_bits == 2)
            CHECK(short_values(one, stored, out, in) == expected.values);
          CHECK(stored.bytes() <= weights.bytes());
          if (one.first != way.first) { // as small as this one
            int groups = 0;
            for (int n = 0; n < out; n += way.group_outputs)
              for (int group = 0; group < way.in_a_row(in); ++group)
                groups += weights.view().has_second_words(n / way.group_outputs, group * way.group_inputs / 4) ? 1 : 0;
            const int rows = (out + way.group_outputs - 1) / way.group_outputs;
            CHECK(stored.bytes() <= weights.first.size() + static_cast<std::size_t>(rows * way.bit_bytes(in) +
                                                                                    groups * way.group_bytes()));
          }
        }

      const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
      REQUIRE(file.ok());
      const Result<Program> program = file->bind();
      REQUIRE(program.ok());
      CHECK(program->nodes.back().operation->linear_map->weights.format == format);
      const FourBitWeights &read = program->nodes.back().operation->linear_map->weights.four_bits;
      CHECK(read.first == weights.first);
      CHECK(read.groups == weights.groups);
      CHECK(read.second == weights.second);
      CHECK(decode_four_bits(read) == expected.values);
    }
  CHECK(seen > 15);
}

TEST_CASE("weights of four bits in files: words that two bits cannot say are stored with four, or not at all") {
  // Of nine inputs, each with the code 1 and this second one: on the log scale 64, of which 3 is a quarter.
  const auto weights = [](WeightFormat format, int second) {
    const std::vector<std::int8_t> first(9, 1);
    const std::vector<std::int8_t> seconds(9, static_cast<std::int8_t>(second));
    const Result<FourBitWeights> encoded = encode_four_bits(format, 1, 9, first, seconds, Bytes{1, 1, 1});
    REQUIRE(encoded.ok());
    return *encoded;
  };
  const auto first_constant = [](const FourBitWeights &words) {
    const StoredWeights stored = store(words);
    return stored.storage == nullptr ? std::string("none") : stored.storage->first();
  };
  const auto message = [](const FourBitWeights &words) {
    GraphBuilder builder(1, 1);
    add_product(builder, 9, words);
    return builder.status().message();
  };
  const std::string none = "weights of node h: no model file can hold such words";

  CHECK(first_constant(weights(WeightFormat::stlq_groups, 3)) == "stlq_short4_first");
  CHECK(first_constant(weights(WeightFormat::stlq_groups, 2)) == "stlq_group_first");
  CHECK(first_constant(weights(WeightFormat::stlq_groups, 4)) == "stlq_group_first");
  CHECK(first_constant(weights(WeightFormat::int4, -4)) == "int4_short_first");
  CHECK(first_constant(weights(WeightFormat::int4, -3)) == "int4_first");
  CHECK(message(weights(WeightFormat::int4_wide, 3)) == "");
  for (const int even : {-2, 0, 2})
    CHECK(message(weights(WeightFormat::int4_wide, even)) == none);

  // Groups of four inputs with second words: groups of eight hold the first two together and the third by itself.
  struct Marks {
    std::uint8_t bits;
    Bytes second;
    std::string group_inputs; // of the fewest bytes
  };
  for (const Marks &marks : {Marks{0b011, {0x33, 0x33, 0x33, 0x33}, "8"}, Marks{0b100, {0x03, 0}, "4"},
                             Marks{0b001, {0x33, 0x33}, "4"}, Marks{0b110, {0x33, 0x33, 0x03, 0}, "4"}}) {
    CAPTURE(int{marks.bits});
    FourBitWeights words = weights(WeightFormat::int4_wide, 3);
    words.groups = {marks.bits};
    words.second = marks.second;
    CHECK(first_constant(words) == "int4_wide" + marks.group_inputs + "_first");
    words.format = WeightFormat::stlq_groups;
    CHECK(first_constant(words) == "stlq_short" + marks.group_inputs + "_first");
  }
}

TEST_CASE("bind: constants with words of two bits that are missing or of another size") {
  const Way way = GENERATE(from_range(short_ways));
  // Two outputs of three inputs; the second has second words.
  ModelParts original = test::one_product(1, 2);
  original.set("h." + way.first, DType::u8, {2, 2}, Bytes{0x11, 0x01, 0x11, 0x01});
  original.set("h." + way.groups, DType::u8, {2, 1}, Bytes{0, 1});
  const std::int64_t group_bytes = way.group_bytes();
  original.set("h." + way.second, DType::u8, {1, group_bytes}, Bytes(static_cast<std::size_t>(group_bytes)));
  original.set("h.multiplier", DType::i32, {2}, std::vector<std::int32_t>(2));
  original.set("h.offset", DType::i64, {2}, std::vector<std::int64_t>(2));
  CHECK(bind_message(original) == "");

  const std::string node = "graph node h: tensor h.";
  for (const std::string &name : {way.groups, way.second}) {
    ModelParts parts = original;
    parts.tensors.erase("h." + name);
    CHECK(bind_message(parts) == node + name + " is missing");
  }
  const auto with_shape = [&](const std::string &name, std::int64_t rows, std::int64_t columns) {
    ModelParts parts = original;
    parts.set("h." + name, DType::u8, {rows, columns}, Bytes(static_cast<std::size_t>(rows * columns)));
    return bind_message(parts);
  };
  const std::string bytes = std::to_string(group_bytes);
  CHECK(with_shape(way.first, 2, 3) == node + way.first + " is U8 [2, 3], expected U8 [2, 2]");
  CHECK(with_shape(way.groups, 2, 2) == node + way.groups + " is U8 [2, 2], expected U8 [2, 1]");
  CHECK(with_shape(way.groups, 1, 1) == node + way.groups + " is U8 [1, 1], expected U8 [2, 1]");
  CHECK(with_shape(way.second, 2, group_bytes) ==
        node + way.second + " is U8 [2, " + bytes + "], expected U8 [1, " + bytes + "]");
  CHECK(with_shape(way.second, 1, group_bytes + 1) ==
        node + way.second + " is U8 [1, " + std::to_string(group_bytes + 1) + "], expected U8 [1, " + bytes + "]");
  // A bit more or less asks for another number of groups.
  CHECK(with_shape(way.groups, 2, 1) ==
        node + way.second + " is U8 [1, " + bytes + "], expected U8 [0, " + bytes + "]");
}

TEST_CASE("bind: words that are no code, or words and bits that belong to nothing, where second words have two bits") {
  const Way way = GENERATE(from_range(short_ways));
  // Of an odd number of inputs a row's last byte of first words has one word; the last group has three weights.
  const int out = 3;
  const int in = way.group_inputs + 3;
  const FourBitStorage &storage = storage_of(way);
  StoredFourBits good;
  const int row_bytes = (in + 1) / 2;
  good.first.assign(static_cast<std::size_t>(out * row_bytes), 0x21);
  for (int n = 1; n <= out; ++n)
    good.first[static_cast<std::size_t>(n * row_bytes - 1)] = 0x01;
  good.groups = {3, 0, 2};
  const auto group_bytes = static_cast<std::size_t>(way.group_bytes());
  good.second.assign(3 * group_bytes, 0xE4);
  for (const std::size_t group : {std::size_t{1}, std::size_t{2}}) { // of three weights
    std::fill_n(&good.second[group * group_bytes], group_bytes, std::uint8_t{0});
    good.second[group * group_bytes] = 0b01'10'11;
  }
  CHECK(count_marked_groups(storage, out, in, good.groups) == 3);

  // What bind() says of a model with such constants is what restore() says, and the node.
  const auto bound = [&](const StoredFourBits &stored) {
    GraphBuilder builder(1, 1);
    add_product(builder, in, {WeightFormat::int4, out, in, good.first, Bytes(3), {}});
    ModelParts parts(builder);
    parts.add_blank_golden(out);
    std::erase_if(parts.tensors, [](const auto &tensor) { return tensor.first.starts_with("h.int4"); });
    parts.set("h." + way.first, DType::u8, {out, row_bytes}, stored.first);
    parts.set("h." + way.groups, DType::u8, {out, 1}, stored.groups);
    parts.set("h." + way.second, DType::u8, {3, static_cast<std::int64_t>(group_bytes)}, stored.second);
    return bind_message(parts);
  };
  const auto defect = [&](Bytes StoredFourBits::*constant, std::size_t index, int byte) {
    StoredFourBits stored = good;
    (stored.*constant).at(index) = static_cast<std::uint8_t>(byte);
    FourBitWeights weights;
    std::string text = restore(storage, out, in, stored, weights);
    CHECK(bound(stored) == (text.empty() ? "" : "graph node h: tensor h." + text));
    return text;
  };
  const auto word = [](const std::string &constant, int output, int input) {
    return constant + ": the word of output " + std::to_string(output) + ", input " + std::to_string(input) + " ";
  };
  const std::string outside = "belongs to no weight and is not 0";
  CHECK(bound(good) == "");

  const auto first_byte = static_cast<std::size_t>(row_bytes);
  for (const bool high : {false, true})
    CHECK(defect(&StoredFourBits::first, first_byte + 1, high ? 0x81 : 0x18) ==
          (way.format == WeightFormat::int4_wide ? "" : word(way.first, 1, high ? 3 : 2) + "is -8, which is no code"));
  CHECK(defect(&StoredFourBits::first, 2 * first_byte - 1, 0x11) == word(way.first, 1, in) + outside);
  CHECK(defect(&StoredFourBits::first, 2 * first_byte - 1, 0x81) == word(way.first, 1, in) + outside);

  for (int bit = 2; bit < 8; ++bit)
    CHECK(defect(&StoredFourBits::groups, 1, 1 << bit) ==
          way.groups + ": bit " + std::to_string(bit) + " of row 1 belongs to no group and is not 0");

  for (const auto &[group, output] : {std::pair(std::size_t{1}, 0), {std::size_t{2}, 2}})
    for (int i = 3; i < way.group_inputs; ++i)
      for (int bits = 1; bits < 4; ++bits) {
        const std::size_t index = group * group_bytes + static_cast<std::size_t>(i / 4);
        CHECK(defect(&StoredFourBits::second, index, good.second[index] | bits << i % 4 * 2) ==
              word(way.second, output, way.group_inputs + i) + outside);
      }
  for (std::size_t byte = 0; byte < group_bytes; ++byte) // every word of a whole group may be any
    for (int bits = 0; bits < 256; ++bits) {
      FourBitWeights weights;
      StoredFourBits stored = good;
      stored.second[byte] = static_cast<std::uint8_t>(bits);
      CHECK(restore(storage, out, in, stored, weights).empty());
      CHECK(decode_four_bits(weights) == short_values(way, stored, out, in));
    }
}

} // namespace
} // namespace intvit

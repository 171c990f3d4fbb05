// Weights of four bits in model files: STLQ's are read as they stand there, and every way in which constants with words
// of four bits can be wrong.
#include <catch2/catch.hpp>

#include "engine/ops/four_bits_weights.hpp"
#include "tests/engine/graph/bind_messages.hpp"
#include "tests/kernels/four_bits_case.hpp"

namespace intvit {
namespace {

using kernels::WeightFormat;
using test::bind_message;
using test::FourBitCase;
using test::ModelParts;

// The constants of a format, and bytes of a group.
struct Names {
  std::string first;
  std::string groups;
  std::string second;
  std::int64_t group_bytes;
};

const Names &names(WeightFormat format) {
  static const Names tiles{"stlq_first", "stlq_tiles", "stlq_second", 128};
  static const Names groups{"stlq_group_first", "stlq_groups", "stlq_group_second", 2};
  static const Names int4{"int4_first", "int4_groups", "int4_second", 2};
  return format == WeightFormat::int4 ? int4 : format == WeightFormat::stlq_groups ? groups : tiles;
}

void set_weights(ModelParts &parts, const std::string &node, const FourBitCase &weights) {
  const Names &constants = names(weights.format);
  const auto matrix = [&](const std::string &name, const std::vector<std::uint8_t> &bytes, std::int64_t columns) {
    parts.set(node + "." + name, DType::u8, {static_cast<std::int64_t>(bytes.size()) / columns, columns}, bytes);
  };
  parts.tensors.erase(node + ".weight");
  matrix(constants.first, weights.first, (weights.in_features + 1) / 2);
  matrix(constants.groups, weights.groups, ((weights.in_features + 3) / 4 + 7) / 8);
  matrix(constants.second, weights.second, constants.group_bytes);
}

FourBitCase tiles(test::Random &random, int out, int in) {
  return test::make_four_bits(random, WeightFormat::stlq_tiles, out, in);
}

// The tiny model with such weights in its patch embedding, [16, 192], and its head, [5, 16].
ModelParts stlq_parts() {
  test::Random random(1);
  ModelParts parts = test::tiny_parts();
  FourBitCase embed = tiles(random, 16, 192);
  while (embed.second.empty() || embed.second.size() == std::size_t{48} * 128)
    embed = tiles(random, 16, 192);
  set_weights(parts, "patch_embed", embed);
  // All tiles but the last.
  FourBitCase head = tiles(random, 5, 16);
  while (head.groups[0] != 7)
    head = tiles(random, 5, 16);
  set_weights(parts, "head", head);
  return parts;
}

void message(const ModelParts &parts, const std::string &node, const std::string &text) {
  CHECK(bind_message(parts) == "graph node " + node + ": " + text);
}

TEST_CASE("bind: STLQ weights are read as they stand in the file") {
  const ModelParts parts = stlq_parts();
  CHECK(bind_message(parts) == "");
  const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
  REQUIRE(file.ok());
  CHECK(file->tensors().metadata().find("intvit.required_features")->second.find("\"weights.stlq\"") !=
        std::string::npos);
  const Result<Program> program = file->bind();
  REQUIRE(program.ok());
  const BoundOperation &head = *program->nodes.back().operation;
  CHECK(head.linear_map->weights.format == WeightFormat::stlq_tiles);
  CHECK(head.linear_map->weights.out_features == 5);
  CHECK(head.linear_map->weights.in_features == 16);
  CHECK(head.linear_map->weights.four_bits.first == parts.tensors.at("head.stlq_first").as<std::uint8_t>());
  CHECK(head.linear_map->weights.four_bits.groups == parts.tensors.at("head.stlq_tiles").as<std::uint8_t>());
  CHECK(head.linear_map->weights.four_bits.second == parts.tensors.at("head.stlq_second").as<std::uint8_t>());
  CHECK(head.linear_map->weights.four_bits.two_word_groups() == 3);
  CHECK(head.linear_map->weights.four_bits.group_count() == 4);
  for (const BoundNode &node : program->nodes)
    if (const auto *linear = node.as<BoundLinear>(); linear != nullptr && node.name != "head")
      CHECK(linear->linear_map->weights.format == WeightFormat::int8);
}

TEST_CASE("bind: STLQ weights without any second word") {
  ModelParts parts = stlq_parts();
  parts.set("head.stlq_tiles", DType::u8, {1, 1}, std::vector<std::uint8_t>{0});
  parts.set("head.stlq_second", DType::u8, {0, 128}, std::vector<std::uint8_t>{});
  CHECK(bind_message(parts) == "");
}

TEST_CASE("bind: each STLQ constant missing, of another type, rank or shape") {
  const ModelParts original = stlq_parts();
  for (const char *suffix : {"stlq_first", "stlq_tiles", "stlq_second"}) {
    const std::string name = std::string("head.") + suffix;
    const ModelParts::Tensor &tensor = original.tensors.at(name);
    const std::string shape = std::to_string(tensor.shape[0]) + ", " + std::to_string(tensor.shape[1]);
    ModelParts parts = original;
    parts.tensors.erase(name);
    // Without the first words nothing says that the weights are STLQ.
    const bool first = name == "head.stlq_first";
    message(parts, "head", "tensor " + (first ? std::string("head.weight") : name) + " is missing");

    parts = original;
    parts.tensors.at(name).dtype = DType::i8;
    message(parts, "head", "tensor " + name + " is I8 [" + shape + "], expected U8 [" + shape + "]");

    parts = original;
    parts.tensors.at(name).shape.push_back(1);
    message(parts, "head", "tensor " + name + " has shape [" + shape + ", 1], expected rank 2");

    for (const std::size_t dimension : {std::size_t{0}, std::size_t{1}}) {
      if (first && dimension == 0)
        continue; // says how many outputs there are
      parts = original;
      ModelParts::Tensor &changed = parts.tensors.at(name);
      ++changed.shape[dimension];
      changed.bytes.resize(static_cast<std::size_t>(changed.shape[0] * changed.shape[1]));
      message(parts, "head",
              "tensor " + name + " is U8 [" + std::to_string(changed.shape[0]) + ", " +
                  std::to_string(changed.shape[1]) + "], expected U8 [" + shape + "]");
    }
  }
  ModelParts parts = original;
  parts.tensors.at("head.stlq_first") = {DType::u8, {0, 8}, {}};
  message(parts, "head", "the weight has 0 rows");
  parts.tensors.at("head.stlq_first") = {DType::u8, {4, 8}, std::vector<std::byte>(32)};
  parts.set("head.stlq_tiles", DType::u8, {1, 1}, std::vector<std::uint8_t>{0});
  parts.set("head.stlq_second", DType::u8, {0, 128}, std::vector<std::uint8_t>{});
  message(parts, "head", "tensor head.multiplier is I32 [5], expected I32 [4]");
}

TEST_CASE("bind: more or fewer second words than the tiles' bits say") {
  ModelParts parts = stlq_parts();
  parts.set_element<std::uint8_t>("head.stlq_tiles", 0, 15);
  message(parts, "head", "tensor head.stlq_second is U8 [3, 128], expected U8 [4, 128]");
  parts.set_element<std::uint8_t>("head.stlq_tiles", 0, 1);
  message(parts, "head", "tensor head.stlq_second is U8 [3, 128], expected U8 [1, 128]");
}

TEST_CASE("bind: words that are no code") {
  for (const bool high : {false, true}) {
    ModelParts parts = stlq_parts();
    const auto spoil = [&](const std::string &name, std::size_t index) {
      const auto byte = parts.tensors.at(name).as<std::uint8_t>()[index];
      parts.set_element<std::uint8_t>(name, index, high ? (byte & 15) | 0x80 : (byte & 0xF0) | 8);
    };
    spoil("head.stlq_first", 3 * 8 + 2);
    const char *input = high ? "5" : "4";
    message(parts, "head",
            std::string("tensor head.stlq_first: the word of output 3, input ") + input + " is -8, which is no code");
    parts = stlq_parts();
    spoil("head.stlq_second", 128 + 2 * 3);
    message(parts, "head",
            std::string("tensor head.stlq_second: the word of output 3, input ") + input + " is -8, which is no code");
  }
}

TEST_CASE("bind: words and bits that belong to nothing") {
  ModelParts parts = stlq_parts();
  parts.set_element<std::uint8_t>("head.stlq_tiles", 0, 7 | 16);
  message(parts, "head", "tensor head.stlq_tiles: bit 4 of row 0 belongs to no group and is not 0");
  parts = stlq_parts();
  for (const std::size_t byte : {std::size_t{2 * 5}, std::size_t{127}}) {
    ModelParts changed = parts;
    changed.set_element<std::uint8_t>("head.stlq_second", 2 * 128 + byte, 0x80);
    message(changed, "head",
            "tensor head.stlq_second: the word of output " + std::to_string(byte / 2) + ", input " +
                (byte % 2 == 0 ? "9" : "11") + " belongs to no weight and is not 0");
  }

  // Three inputs: a row's last byte has one word, and a tile one column outside.
  test::Random random(3);
  FourBitCase weights = tiles(random, 5, 3);
  while (weights.second.empty())
    weights = tiles(random, 5, 3);
  ModelParts odd = test::one_product(1, 5);
  set_weights(odd, "h", weights);
  odd.set("h.multiplier", DType::i32, {5}, std::vector<std::int32_t>(5));
  odd.set("h.offset", DType::i64, {5}, std::vector<std::int64_t>(5));
  CHECK(bind_message(odd) == "");
  parts = odd;
  parts.set_element<std::uint8_t>("h.stlq_first", 2 * 4 + 1, 0x10);
  message(parts, "h", "tensor h.stlq_first: the word of output 4, input 3 belongs to no weight and is not 0");
  parts = odd;
  parts.set_element<std::uint8_t>("h.stlq_second", 2 * 4 + 1, 0x10);
  message(parts, "h", "tensor h.stlq_second: the word of output 4, input 3 belongs to no weight and is not 0");
}

TEST_CASE("bind: of groups of one output, too, what is no code or belongs to nothing") {
  const auto format = GENERATE(WeightFormat::stlq_groups, WeightFormat::int4);
  const Names &constants = names(format);
  test::Random random(4);
  FourBitCase weights = test::make_four_bits(random, format, 5, 3);
  while (weights.second.size() < 4 || weights.groups[2] == 0)
    weights = test::make_four_bits(random, format, 5, 3);
  ModelParts original = test::one_product(1, 5);
  set_weights(original, "h", weights);
  original.set("h.multiplier", DType::i32, {5}, std::vector<std::int32_t>(5));
  original.set("h.offset", DType::i64, {5}, std::vector<std::int64_t>(5));
  CHECK(bind_message(original) == "");

  const auto with = [&](const std::string &constant, std::size_t index, std::uint8_t byte) {
    ModelParts parts = original;
    parts.set_element<std::uint8_t>("h." + constant, index, byte);
    return bind_message(parts);
  };
  const std::string node = "graph node h: tensor h.";
  CHECK(with(constants.first, 2 * 2, 0x18) ==
        node + constants.first + ": the word of output 2, input 0 is -8, which is no code");
  CHECK(with(constants.first, 2 * 2 + 1, 0x10) ==
        node + constants.first + ": the word of output 2, input 3 belongs to no weight and is not 0");
  CHECK(with(constants.groups, 2, 3) == node + constants.groups + ": bit 1 of row 2 belongs to no group and is not 0");
  const std::size_t count = weights.second.size() / 2;
  CHECK(with(constants.groups, 2, 0) == node + constants.second + " is U8 [" + std::to_string(count) +
                                            ", 2], expected U8 [" + std::to_string(count - 1) + ", 2]");
  // Second words on the uniform scale may be -8.
  const std::size_t before = static_cast<std::size_t>(weights.groups[0] + weights.groups[1]);
  CHECK(with(constants.second, 2 * before, 0x18) ==
        (format == WeightFormat::int4
             ? ""
             : node + constants.second + ": the word of output 2, input 0 is -8, which is no code"));
  CHECK(with(constants.second, 2 * before + 1, 0x10) ==
        node + constants.second + ": the word of output 2, input 3 belongs to no weight and is not 0");
}

TEST_CASE("bind: two formats of weights in one node") {
  ModelParts parts = stlq_parts();
  parts.set("head.weight", DType::i8, {5, 16}, std::vector<std::int8_t>(80));
  CHECK(bind_message(parts) == "tensor head.stlq_first is not used by the graph");
}

TEST_CASE("bind: decoded STLQ weights must not overflow an accumulator") {
  // 128 * 127 * 132105 >= 2^31; one column less is below it.
  for (const std::size_t in : {std::size_t{132'104}, std::size_t{132'105}}) {
    ModelParts parts;
    parts.description.graph = {.image_height = 1,
                               .image_width = 1,
                               .nodes = {{"p", {"image"}, Patches{1}},
                                         {"l", {"p"}, Linear{.shift = 32}},
                                         {"h", {"l"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 32}}}};
    parts.description.recipe = squash_recipe(1, 1);
    parts.add_blank_golden(1);
    const auto columns = static_cast<std::int64_t>(in);
    parts.set("l.weight", DType::i8, {columns, 3}, std::vector<std::int8_t>(3 * in));
    parts.set("l.multiplier", DType::i32, {columns}, std::vector<std::int32_t>(in));
    parts.set("l.offset", DType::i64, {columns}, std::vector<std::int64_t>(in));
    const std::vector<std::int8_t> words(in, -1);
    const std::vector<std::uint8_t> all((in + 3) / 4, 1);
    const Result<FourBitWeights> weights =
        encode_four_bits(WeightFormat::stlq_tiles, 1, static_cast<int>(in), words, words, all);
    REQUIRE(weights.ok());
    set_weights(parts, "h",
                {weights->format, 1, static_cast<int>(in), weights->first, weights->groups, weights->second, {}});
    parts.set("h.multiplier", DType::i32, {1}, std::vector<std::int32_t>(1));
    parts.set("h.offset", DType::i64, {1}, std::vector<std::int64_t>(1));
    const std::string expected = "graph node h: the accumulator of channel 0 could overflow 32 bits";
    CHECK(bind_message(parts) == (in == 132'104 ? "" : expected));
  }
}

} // namespace
} // namespace intvit

// What norms behind branches, cosine attention and padded grids need: where they do not fit a graph.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/runtime/model.hpp"
#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using kernels::ElementType;
using test::bind_message;
using test::ModelParts;

// Before the head, of the last norm's codes.
ModelParts with_node(const char *name, std::vector<std::string> inputs, Operation operation) {
  ModelParts parts = test::tiny_parts();
  auto &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 1, {name, std::move(inputs), std::move(operation)});
  parts.node("head").inputs[0] = name;
  return parts;
}

void set_requantization(ModelParts &parts, const std::string &node, std::int64_t channels, std::int32_t multiplier) {
  parts.set(node + ".multiplier", DType::i32, {channels},
            std::vector<std::int32_t>(static_cast<std::size_t>(channels), multiplier));
  parts.set(node + ".offset", DType::i64, {channels}, std::vector<std::int64_t>(static_cast<std::size_t>(channels)));
}

TEST_CASE("bind: rescale") {
  ModelParts parts = with_node("scaled", {"norm"}, Rescale{.shift = 40});
  set_requantization(parts, "scaled", 16, 1 << 30);
  CHECK(bind_message(parts) == "");
  const std::int64_t room = INT64_MAX - (std::int64_t{1} << 37);
  parts.set("scaled.offset", DType::i64, {16}, std::vector<std::int64_t>(16, room));
  CHECK(bind_message(parts) == "");
  parts.set("scaled.offset", DType::i64, {16}, std::vector<std::int64_t>(16, room + 1));
  CHECK(bind_message(parts) == "graph node scaled: the requantization of channel 0 could overflow 64 bits");
  parts.set("scaled.offset", DType::i64, {16}, std::vector<std::int64_t>(16));

  auto &operation = parts.operation<Rescale>("scaled");
  operation.output_type = ElementType::int16;
  CHECK(bind_message(parts) == "graph node head: its input must be int8");
  operation.output_type = ElementType::int8;
  operation.adds = true;
  operation.residual_shift = 23;
  parts.node("scaled").inputs = {"norm", "norm"};
  CHECK(bind_message(parts).find("scaled.residual_multiplier") != std::string::npos);
  parts.set("scaled.residual_multiplier", DType::i32, {16}, std::vector<std::int32_t>(16, INT32_MAX));
  CHECK(bind_message(parts) == "");
  // The three together: 2^37, 2^30 (2^31 - 1) and this.
  const std::int64_t left = room - (std::int64_t{1} << 30) * INT32_MAX;
  parts.set("scaled.offset", DType::i64, {16}, std::vector<std::int64_t>(16, left));
  CHECK(bind_message(parts) == "");
  parts.set("scaled.offset", DType::i64, {16}, std::vector<std::int64_t>(16, left + 1));
  CHECK(bind_message(parts) == "graph node scaled: the requantization of channel 0 could overflow 64 bits");
  parts.set("scaled.offset", DType::i64, {16}, std::vector<std::int64_t>(16));

  parts.node("scaled").inputs = {"norm", "blocks.0.norm1"};
  CHECK(bind_message(parts) == "graph node scaled: the residual's shape is not the output's");
  parts.node("scaled").inputs = {"norm", "image"};
  CHECK(bind_message(parts) == "graph node scaled: the residual must be int8 or int16");
  parts.node("scaled").inputs = {"image", "image"};
  CHECK(bind_message(parts) == "graph node scaled: its input must be int8 or int16");
}

TEST_CASE("bind: a residual of 16 bits is shifted by less") {
  ModelParts parts = test::tiny_parts_int16();
  auto &nodes = parts.description.graph.nodes;
  const auto stream = std::find_if(nodes.begin(), nodes.end(),
                                   [](const Node &node) { return std::holds_alternative<PatchEmbed>(node.operation); });
  const std::string name = stream->name;
  nodes.insert(stream + 1, {"scaled", {name, name}, Rescale{.shift = 60, .adds = true, .residual_shift = 16}});
  set_requantization(parts, "scaled", 16, 1);
  parts.set("scaled.residual_multiplier", DType::i32, {16}, std::vector<std::int32_t>(16, 1));
  CHECK(bind_message(parts) == "graph node scaled: residual_shift is above 15");
}

TEST_CASE("bind: normalize_heads") {
  ModelParts parts = test::tiny_parts();
  auto &nodes = parts.description.graph.nodes;
  const auto attention = std::find_if(
      nodes.begin(), nodes.end(), [](const Node &node) { return std::holds_alternative<Attention>(node.operation); });
  REQUIRE(attention != nodes.end());
  const int heads = std::get<Attention>(attention->operation).heads;
  const std::string qkv = attention->inputs[0];
  attention->inputs[0] = "unit";
  nodes.insert(attention, {"unit", {qkv}, NormalizeHeads{.heads = heads, .shift = 40}});
  set_requantization(parts, "unit", 48, 1 << 20);
  const std::string wanted = "graph node unit: its input must be int16 with 3 * heads * head_dim columns";
  CHECK(bind_message(parts) == wanted);
  parts.operation<Linear>(qkv.c_str()).epilogue = kernels::Epilogue::requantize16;
  CHECK(bind_message(parts) == "");
  parts.operation<NormalizeHeads>("unit").heads = 5;
  CHECK(bind_message(parts) == wanted);
  parts.operation<NormalizeHeads>("unit").heads = heads;
  std::vector<std::int64_t> offset(48);
  const std::int64_t room = INT64_MAX - (std::int64_t{1} << 35);
  offset[47] = room; // of a value
  parts.set("unit.offset", DType::i64, {48}, offset);
  CHECK(bind_message(parts) == "");
  offset[47] = room + 1;
  parts.set("unit.offset", DType::i64, {48}, offset);
  CHECK(bind_message(parts) == "graph node unit: the requantization of channel 47 could overflow 64 bits");
  offset[47] = 0;
  offset[31] = room; // a key's bound is larger
  parts.set("unit.offset", DType::i64, {48}, offset);
  CHECK(bind_message(parts) == "graph node unit: the requantization of channel 31 could overflow 64 bits");
}

TEST_CASE("bind: pad_grid and crop_grid") {
  // Four patches of the tiny model's one class token and four.
  ModelParts parts = with_node("padded", {"norm"}, PadGrid{{1, 1, 2, 2, 0}});
  auto &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 1, {"cropped", {"padded"}, CropGrid{{1, 1, 2, 2, 0}}});
  parts.node("head").inputs[0] = "cropped";
  parts.set("padded.padding", DType::i8, {16}, std::vector<std::int8_t>(16, 3));
  CHECK(bind_message(parts) == "");
  parts.set("padded.padding", DType::i8, {15}, std::vector<std::int8_t>(15, 3));
  CHECK(bind_message(parts).find("padded.padding") != std::string::npos);
  parts.set("padded.padding", DType::i8, {16}, std::vector<std::int8_t>(16, 3));

  auto &pad = parts.operation<PadGrid>("padded").padding;
  auto &crop = parts.operation<CropGrid>("cropped").padding;
  const auto message = [&](GridPadding &changed, const GridPadding &to) {
    const GridPadding before = changed;
    changed = to;
    std::string text = bind_message(parts);
    changed = before;
    return text;
  };
  CHECK(message(pad, {1, 1, 3, 1, 0}) == "graph node padded: a grid of 1 rows and 1 columns cannot be padded to 3 rows "
                                         "and 1 columns: no side may be less, or more than twice as long");
  CHECK(message(pad, {2, 1, 1, 1, 0}).find("cannot be padded") != std::string::npos);
  CHECK(message(crop, {1, 2, 2, 1, 0}).find("cannot be padded") != std::string::npos);
  CHECK(message(pad, {1, 1, 2, 2, 1}) == "graph node padded: rolled must be below the grid's sides");
  CHECK(message(pad, {2, 1, 2, 2, 0}) == "graph node padded: a grid of 2 rows and 1 columns is not 1 patches");
  CHECK(message(crop, {2, 2, 3, 3, 0}) == "graph node cropped: a grid of 3 rows and 3 columns is not 4 patches");
  CHECK(message(pad, {8192, 1, 16384, 2, 0}).find("is not 1 patches") != std::string::npos);
  CHECK(message(pad, {8192, 512, 8192, 1024, 0}) == "graph node padded: a grid of more than 2097152 patches");
  parts.node("padded").inputs[0] = "image";
  CHECK(bind_message(parts) == "graph node padded: its input must be int8 or int16");
  parts.node("padded").inputs[0] = "norm";
  parts.node("cropped").inputs[0] = "image";
  CHECK(bind_message(parts) == "graph node cropped: its input must not be the image");
}

} // namespace
} // namespace intvit

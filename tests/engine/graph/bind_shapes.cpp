// Graphs whose nodes do not fit together.
#include <tuple>

#include <catch2/catch.hpp>

#include "engine/runtime/model.hpp"
#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

const Attention one_head{.heads = 1, .score_shift = 1, .exp = {.constant = 1}, .shift = 32};

// A graph of its own: `nodes` on an image of this size, no constants yet.
ModelParts small_graph(int width, int height, std::vector<Node> nodes) {
  ModelParts parts;
  parts.description.graph = {.image_height = height, .image_width = width, .nodes = std::move(nodes)};
  parts.description.recipe = squash_recipe(width, height);
  parts.add_blank_golden(1);
  return parts;
}

// Node w: 64 rows of 2^18 + 1 columns.
ModelParts wide_rows() {
  constexpr int columns = (1 << 18) + 1;
  ModelParts parts = small_graph(8, 8, {{"p", {"image"}, Patches{1}}, {"w", {"p"}, Linear{.shift = 32}}});
  parts.set("w.weight", DType::i8, {columns, 3}, std::vector<std::int8_t>(3 * columns));
  parts.set("w.multiplier", DType::i32, {columns}, std::vector<std::int32_t>(columns));
  parts.set("w.offset", DType::i64, {columns}, std::vector<std::int64_t>(columns));
  return parts;
}

// What a node that follows `first` says.
std::string message_of(const ModelParts &parts, const std::string &node) {
  const std::string message = bind_message(parts);
  const std::string start = "graph node " + node + ": ";
  REQUIRE(message.rfind(start, 0) == 0);
  return message.substr(start.size());
}

TEST_CASE("bind: an input that no earlier node writes") {
  ModelParts parts = test::tiny_parts();
  parts.node("blocks.1.norm1").inputs[0] = "block.0.mlp.fc2";
  CHECK(bind_message(parts) == "graph node blocks.1.norm1: reads \"block.0.mlp.fc2\", which no earlier node writes");
  parts.node("blocks.1.norm1").inputs[0] = "blocks.1.norm1";
  CHECK(bind_message(parts) == "graph node blocks.1.norm1: reads \"blocks.1.norm1\", which no earlier node writes");
  parts = test::tiny_parts();
  parts.node("blocks.0.attn.proj").inputs[1] = "head";
  CHECK(bind_message(parts) == "graph node blocks.0.attn.proj: reads \"head\", which no earlier node writes");
}

TEST_CASE("bind: a projection like a head's can be an embedding") {
  ModelParts parts = test::tiny_parts();
  parts.description.graph.result = ResultKind::embedding;
  CHECK(bind_message(parts) == "graph: names features, but the last node gives no logits");
  test::remove_features(parts);
  const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
  REQUIRE(file.ok());
  CHECK(file->tensors().metadata().at("intvit.required_features").find("\"result\"") != std::string::npos);
  const Result<std::shared_ptr<const Model>> model = Model::create(*file);
  REQUIRE(model.ok());
  CHECK_FALSE((*model)->has_head());
  CHECK((*model)->features() == (*model)->classes());
}

TEST_CASE("bind: features are one row of int32 besides logits") {
  ModelParts parts = test::tiny_parts();
  Graph &graph = parts.description.graph;
  REQUIRE(graph.features == "features");
  CHECK(bind_message(parts) == "");
  for (const char *name : {"norm", "head", "image", "nothing"}) {
    graph.features = name;
    CHECK(bind_message(parts) ==
          "graph: features \"" + std::string(name) + "\": no node before the last gives one row of int32 so named");
  }
  graph.features = "features";
  parts.operation<Linear>("head").epilogue = kernels::Epilogue::requantize;
  CHECK(bind_message(parts) == "graph: the last node must give one row of int32 logits or features");

  // Without a head the result is the features.
  parts = test::tiny_parts();
  graph.nodes.pop_back();
  for (const char *name : {"head.weight", "head.multiplier", "head.offset"})
    parts.tensors.erase(name);
  parts.operation<LayerNorm>("norm").output_type = kernels::ElementType::int32;
  CHECK(bind_message(parts) == "graph: names features, but the last node gives no logits");
}

TEST_CASE("bind: a name that stands twice") {
  ModelParts parts = test::tiny_parts();
  std::vector<Node> &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.begin(), nodes.front());
  CHECK(bind_message(parts) == "graph node patches: the name stands twice");
  parts = small_graph(8, 8, {{"image", {"image"}, Patches{4}}});
  CHECK(bind_message(parts) == "graph node image: the name stands twice");
}

TEST_CASE("bind: the last node must give one row of logits") {
  const std::string message = "graph: the last node must give one row of int32 logits or features";
  ModelParts parts = test::tiny_parts();
  parts.description.graph.nodes.pop_back();
  CHECK(bind_message(parts) == message);
  parts = test::tiny_parts();
  parts.operation<Linear>("head").epilogue = kernels::Epilogue::requantize;
  CHECK(bind_message(parts) == message);
  CHECK(bind_message(small_graph(8, 8, {{"p", {"image"}, Patches{8}}})) == message);

  parts = small_graph(
      8, 8, {{"p", {"image"}, Patches{4}}, {"h", {"p"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 32}}});
  parts.set("h.weight", DType::i8, {1, 48}, std::vector<std::int8_t>(48));
  parts.set("h.multiplier", DType::i32, {1}, std::vector<std::int32_t>(1));
  parts.set("h.offset", DType::i64, {1}, std::vector<std::int64_t>(1));
  CHECK(bind_message(parts) == message);
  parts.operation<Patches>("p").patch = 8;
  parts.set("h.weight", DType::i8, {1, 192}, std::vector<std::int8_t>(192));
  CHECK(bind_message(parts) == "");
}

TEST_CASE("bind: patches of something that they do not cut evenly") {
  CHECK(message_of(small_graph(16, 24, {{"p", {"image"}, Patches{7}}}), "p") ==
        "an image of 16x24 pixels is not a whole number of patches of 7");
  CHECK(message_of(small_graph(16, 20, {{"p", {"image"}, Patches{8}}}), "p") ==
        "an image of 16x20 pixels is not a whole number of patches of 8");
  CHECK(message_of(small_graph(20, 16, {{"p", {"image"}, Patches{8}}}), "p") ==
        "an image of 20x16 pixels is not a whole number of patches of 8");
  CHECK(message_of(small_graph(8, 8, {{"p", {"image"}, Patches{9}}}), "p") ==
        "an image of 8x8 pixels is not a whole number of patches of 9");
  CHECK(message_of(small_graph(8, 8, {{"p", {"image"}, Patches{4}}, {"q", {"p"}, Patches{4}}}), "q") ==
        "cuts up something that is not the image");
}

TEST_CASE("bind: the image goes through patches only") {
  ModelParts parts = test::tiny_parts();
  parts.node("patch_embed").inputs[0] = "image";
  CHECK(message_of(parts, "patch_embed") == "its input must be int8 patches");
  const std::vector<std::pair<Operation, std::string>> operations = {
      {LayerNorm{.shift = 32}, "its input must be int8 or int16"},
      {Linear{.shift = 32}, "its input must be int8"},
      {one_head, "its input must be int8 with 3 * heads * head_dim columns"}};
  for (const auto &[operation, message] : operations)
    CHECK(message_of(small_graph(8, 8, {{"x", {"image"}, operation}}), "x") == message);
}

TEST_CASE("bind: 16-bit streams and logits are no input of a matrix product") {
  ModelParts parts = test::tiny_parts_int16();
  parts.node("blocks.0.attn.qkv").inputs[0] = "patch_embed";
  CHECK(message_of(parts, "blocks.0.attn.qkv") == "its input must be int8");
  parts = test::tiny_parts_int16();
  parts.node("blocks.0.attn").inputs[0] = "patch_embed";
  CHECK(message_of(parts, "blocks.0.attn") == "its input must be int8 with 3 * heads * head_dim columns");
  parts = test::tiny_parts();
  for (const auto &[operation, message] :
       std::vector<std::pair<Operation, std::string>>{{LayerNorm{.shift = 32}, "its input must be int8 or int16"},
                                                      {Linear{.shift = 32}, "its input must be int8"}}) {
    ModelParts longer = parts;
    longer.description.graph.nodes.push_back({"more", {"head"}, operation});
    CHECK(message_of(longer, "more") == message);
  }
}

TEST_CASE("bind: what is added to the residual stream must have its shape") {
  ModelParts parts = test::tiny_parts();
  const auto residual = [&parts]() -> std::string & { return parts.node("blocks.0.attn.proj").inputs[1]; };
  residual() = "image";
  CHECK(message_of(parts, "blocks.0.attn.proj") == "the residual must be int8 or int16");
  residual() = "patches"; // 4 rows of 192
  CHECK(message_of(parts, "blocks.0.attn.proj") == "the residual's shape is not the output's");
  residual() = "blocks.0.attn.qkv"; // 5 rows of 48
  CHECK(message_of(parts, "blocks.0.attn.proj") == "the residual's shape is not the output's");
  parts = test::tiny_parts();
  parts.node("blocks.1.attn.proj").inputs[1] = "blocks.0.mlp.fc2"; // 5 rows, not 1
  CHECK(message_of(parts, "blocks.1.attn.proj") == "the residual's shape is not the output's");
}

TEST_CASE("bind: a 16-bit stream leaves fewer bits for the residual's shift") {
  ModelParts parts = test::tiny_parts_int16();
  parts.operation<Linear>("blocks.0.attn.proj").residual_shift = 16;
  CHECK(message_of(parts, "blocks.0.attn.proj") == "residual_shift is above 15");
}

TEST_CASE("bind: layer_norm") {
  ModelParts parts = test::tiny_parts();
  parts.set_element<std::uint8_t>("norm.alpha", 15, 7);
  CHECK(bind_message(parts) == "");
  for (const std::uint8_t alpha : std::initializer_list<std::uint8_t>{8, 128, 255}) {
    parts.set_element("norm.alpha", 15, alpha);
    CHECK(message_of(parts, "norm") == "an alpha is above 7");
  }
  // A patch of 74 pixels has 16428 channels.
  CHECK(message_of(small_graph(74, 74, {{"p", {"image"}, Patches{74}}, {"n", {"p"}, LayerNorm{.shift = 32}}}), "n") ==
        "more than 16384 channels");
}

TEST_CASE("bind: the GELU's output scales") {
  ModelParts parts = test::tiny_parts();
  parts.set_element<std::int16_t>("blocks.1.mlp.fc1.gelu_multiplier", 31, 1);
  CHECK(bind_message(parts) == "");
  for (const std::int16_t multiplier : std::initializer_list<std::int16_t>{0, -1, -32768}) {
    parts.set_element("blocks.1.mlp.fc1.gelu_multiplier", 31, multiplier);
    CHECK(message_of(parts, "blocks.1.mlp.fc1") == "a gelu_multiplier is below 1");
  }
}

TEST_CASE("bind: attention's shape") {
  ModelParts parts = test::tiny_parts();
  auto &attention = parts.operation<Attention>("blocks.0.attn");
  for (const int heads : {3, 5, 32}) { // of 16 channels
    attention.heads = heads;
    CHECK(message_of(parts, "blocks.0.attn") == "its input must be int8 with 3 * heads * head_dim columns");
  }
  attention.heads = 2;
  attention.queries = 6; // of 5 tokens
  CHECK(message_of(parts, "blocks.0.attn") == "too many tokens or queries");

  // Patches of one pixel are tokens of one channel.
  CHECK(message_of(small_graph(113, 145, {{"p", {"image"}, Patches{1}}, {"a", {"p"}, one_head}}), "a") ==
        "too many tokens or queries");
  // 3 * 35 * 35 columns: a head of 1225.
  CHECK(message_of(small_graph(35, 35, {{"p", {"image"}, Patches{35}}, {"a", {"p"}, one_head}}), "a") ==
        "head_dim must be from 1 to 1024");
}

TEST_CASE("bind: more patches than there are tokens") {
  ModelParts parts = small_graph(128, 128, {{"p", {"image"}, Patches{1}}, {"e", {"p"}, PatchEmbed{32, 0}}});
  CHECK(message_of(parts, "e") == "more than 16383 patches");
}

TEST_CASE("bind: prefix tokens count as tokens, and their shape is the field's") {
  ModelParts parts = small_graph(128, 128, {{"p", {"image"}, Patches{1}}, {"e", {"p"}, PatchEmbed{32, 0, 0}}});
  CHECK(message_of(parts, "e") == "tensor e.weight is missing");
  parts.operation<PatchEmbed>("e").prefix_rows = 7;
  CHECK(message_of(parts, "e") == "more than 16377 patches");

  for (const ModelParts &original : {test::tiny_parts(), test::tiny_parts_int16()}) {
    const ModelParts::Tensor token = original.tensors.at("patch_embed.class_token");
    const bool int8 = token.dtype == DType::i8;
    parts = original;
    parts.tensors.erase("patch_embed.class_token");
    for (const int rows : {0, 2, 5}) {
      CAPTURE(int8, rows);
      parts.operation<PatchEmbed>("patch_embed").prefix_rows = rows;
      parts.tensors.erase("patch_embed.prefix_tokens");
      CHECK(message_of(parts, "patch_embed") == "tensor patch_embed.prefix_tokens is missing");
      ModelParts::Tensor prefix{token.dtype, {rows, 16}, {}};
      for (int row = 0; row < rows; ++row)
        prefix.bytes.insert(prefix.bytes.end(), token.bytes.begin(), token.bytes.end());
      parts.tensors["patch_embed.prefix_tokens"] = prefix;
      CHECK(bind_message(parts) == "");
      const std::string message = "prefix_tokens must be I8 or I16 [" + std::to_string(rows) + ", 16]";
      parts.tensors["patch_embed.prefix_tokens"].dtype = int8 ? DType::u8 : DType::u16;
      CHECK(message_of(parts, "patch_embed") == message);
      for (const std::int64_t wrong : {rows + 1, std::max(rows - 1, 1)}) {
        prefix.shape = {wrong, 16};
        prefix.bytes.resize(static_cast<std::size_t>(wrong) * token.bytes.size());
        parts.tensors["patch_embed.prefix_tokens"] = prefix;
        CHECK(message_of(parts, "patch_embed") == message);
      }
    }
    parts = original;
    parts.set("patch_embed.prefix_tokens", DType::i8, {1, 16}, std::vector<std::int8_t>(16));
    CHECK(bind_message(parts) == "tensor patch_embed.prefix_tokens is not used by the graph");
  }
}

TEST_CASE("bind: the output of a layer_norm has the type that it says") {
  ModelParts parts = test::tiny_parts();
  parts.operation<LayerNorm>("blocks.0.norm1").output_type = kernels::ElementType::int16;
  CHECK(message_of(parts, "blocks.0.attn.qkv") == "its input must be int8");
  parts.operation<LayerNorm>("blocks.0.norm1").output_type = kernels::ElementType::int32;
  CHECK(message_of(parts, "blocks.0.attn.qkv") == "its input must be int8");

  // Features: the last layer_norm's int32 output of one row is a result.
  parts = test::tiny_parts();
  test::remove_features(parts);
  parts.description.graph.nodes.pop_back();
  for (const char *name : {"head.weight", "head.multiplier", "head.offset"})
    parts.tensors.erase(name);
  parts.operation<LayerNorm>("norm").output_type = kernels::ElementType::int32;
  parts.description.labels.clear();
  parts.add_blank_golden(16);
  CHECK(bind_message(parts) == "");
  parts.operation<LayerNorm>("norm").output_type = kernels::ElementType::int16;
  CHECK(bind_message(parts) == "graph: the last node must give one row of int32 logits or features");
}

TEST_CASE("bind: requantize16 writes a stream") {
  ModelParts parts = test::tiny_parts_int16();
  parts.operation<Linear>("blocks.0.attn.qkv").epilogue = kernels::Epilogue::requantize16;
  CHECK(message_of(parts, "blocks.0.attn") == "its input must be int8 with 3 * heads * head_dim columns");
}

TEST_CASE("bind: mean_rows") {
  // The mean of the 4 patches' rows behind the class token.
  ModelParts parts = test::tiny_parts();
  parts.node("norm").inputs[0] = "mean";
  auto &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 2, {"mean", {"patch_embed"}, MeanRows{.first = 1, .rows = 4, .shift = 40}});
  parts.set("mean.multiplier", DType::i32, {16}, std::vector<std::int32_t>(16, 1 << 29));
  parts.set("mean.offset", DType::i64, {16}, std::vector<std::int64_t>(16));
  CHECK(bind_message(parts) == "");
  for (const auto &[first, rows] : {std::pair(2, 4), {5, 1}, {0, 6}, {16383, 16384}}) {
    parts.operation<MeanRows>("mean").first = first;
    parts.operation<MeanRows>("mean").rows = rows;
    CHECK(message_of(parts, "mean") ==
          "takes rows " + std::to_string(first) + " to " + std::to_string(first + rows - 1) + " of 5");
  }
  parts.operation<MeanRows>("mean") = {.first = 4, .rows = 1, .shift = 40, .output_type = kernels::ElementType::int32};
  CHECK(message_of(parts, "norm") == "its input must be int8 or int16");
  CHECK(message_of(small_graph(8, 8, {{"m", {"image"}, MeanRows{.rows = 1, .shift = 32}}}), "m") ==
        "its input must be int8 or int16");
}

TEST_CASE("bind: l2_normalize") {
  ModelParts parts = test::tiny_parts();
  parts.node("head").inputs[0] = "unit";
  auto &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 1, {"unit", {"features"}, L2Normalize{.shift = 40}});
  parts.set("unit.multiplier", DType::i32, {16}, std::vector<std::int32_t>(16, 1 << 29));
  parts.set("unit.offset", DType::i64, {16}, std::vector<std::int64_t>(16));
  CHECK(bind_message(parts) == "");
  parts.operation<L2Normalize>("unit").output_type = kernels::ElementType::int16;
  CHECK(message_of(parts, "head") == "its input must be int8");
  parts.node("unit").inputs[0] = "norm";
  CHECK(message_of(parts, "unit") == "its input must be int32");
  CHECK(message_of(small_graph(8, 8, {{"u", {"image"}, L2Normalize{.shift = 32}}}), "u") == "its input must be int32");
}

TEST_CASE("bind: patches that do not cover the image") {
  const auto message = [](int width, int height, bool partial) {
    return bind_message(small_graph(width, height,
                                    {{"p", {"image"}, Patches{8, partial}},
                                     {"h", {"p"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 32}}}));
  };
  const std::string whole = "graph node p: an image of 20x17 pixels is not a whole number of patches of 8";
  CHECK(message(20, 17, false) == whole);
  CHECK(message(20, 17, true).rfind("graph node h: ", 0) == 0); // which has no constants
  CHECK(message(7, 17, true) == "graph node p: an image of 7x17 pixels is not a whole number of patches of 8");
  CHECK(message(16, 24, true).rfind("graph node h: ", 0) == 0);
}

TEST_CASE("bind: flatten") {
  CHECK(message_of(small_graph(8, 8, {{"f", {"image"}, Flatten{}}}), "f") == "its input must not be the image");
  ModelParts parts = wide_rows();
  parts.description.graph.nodes.push_back({"f", {"w"}, Flatten{}});
  CHECK(message_of(parts, "f") == "would give 16777280 columns, more than 16777216");
}

TEST_CASE("bind: merge_patches") {
  const auto merged = [](int height, int width) {
    return small_graph(24, 16,
                       {{"p", {"image"}, Patches{4}},
                        {"m", {"p"}, MergePatches{height, width}},
                        {"h", {"m"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 32}}});
  };
  ModelParts parts = merged(4, 6);
  CHECK(message_of(parts, "h") == "tensor h.weight is missing");
  parts.set("h.weight", DType::i8, {1, 191}, std::vector<std::int8_t>(191));
  CHECK(message_of(parts, "h") == "tensor h.weight is I8 [1, 191], expected I8 [1, 192]");
  for (const auto &[height, width] : {std::pair(3, 8), {8, 3}})
    CHECK(message_of(merged(height, width), "m") ==
          "a grid of " + std::to_string(height) + " rows and " + std::to_string(width) + " columns cannot be halved");
  for (const auto &[height, width] : {std::pair(4, 8), {2, 6}, {16384, 16384}})
    CHECK(message_of(merged(height, width), "m") ==
          "a grid of " + std::to_string(height) + " rows and " + std::to_string(width) + " columns is not 24 patches");
  CHECK(message_of(small_graph(8, 8, {{"m", {"image"}, MergePatches{2, 4}}}), "m") ==
        "its input must not be the image");
  parts = wide_rows();
  for (const auto &[name, input, side] : {std::tuple("a", "w", 8), {"b", "a", 4}, {"c", "b", 2}})
    parts.description.graph.nodes.push_back({name, {input}, MergePatches{side, side}});
  CHECK(message_of(parts, "c") == "would give 16777280 columns, more than 16777216");
}

TEST_CASE("bind: take_rows of the image, which is not in the arena") {
  ModelParts parts = small_graph(8, 8, {{"t", {"image"}, TakeRows{4}}, {"p", {"t"}, Patches{4}}});
  CHECK(message_of(parts, "t") == "its input must not be the image");
}

TEST_CASE("bind: take_rows") {
  ModelParts parts = test::tiny_parts();
  parts.operation<TakeRows>("head_tokens").rows = 6;
  CHECK(message_of(parts, "head_tokens") == "takes 6 rows of 5");
}

} // namespace
} // namespace intvit

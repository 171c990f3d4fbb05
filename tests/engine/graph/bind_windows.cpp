// Attention within windows: what does not fit together, and constants at the edge of what kernels can take.
#include <limits>

#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

constexpr int head_dim = 4;
constexpr int heads = 2;

// 12 x 8 patches of one pixel, a linear map to two heads of 4, windows of 4 shifted by 1.
ModelParts windows() {
  ModelParts parts;
  const Attention attention{.heads = heads, .score_shift = 10, .exp = {16, 62, 1487, 8}, .shift = 40};
  parts.description.graph = {.image_height = 8,
                             .image_width = 12,
                             .nodes = {{"p", {"image"}, Patches{1}},
                                       {"qkv", {"p"}, Linear{.shift = 40}},
                                       {"a", {"qkv"}, WindowAttention{attention, 8, 12, 4, 1}},
                                       {"t", {"a"}, TakeRows{1}},
                                       {"h", {"t"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 40}}}};
  parts.description.recipe = squash_recipe(12, 8);
  const auto linear = [&](const std::string &name, int out, int in) {
    parts.set(name + ".weight", DType::i8, {out, in},
              std::vector<std::int8_t>(static_cast<std::size_t>(out) * static_cast<std::size_t>(in), 1));
    parts.set(name + ".multiplier", DType::i32, {out}, std::vector<std::int32_t>(static_cast<std::size_t>(out), 1));
    parts.set(name + ".offset", DType::i64, {out}, std::vector<std::int64_t>(static_cast<std::size_t>(out)));
  };
  linear("qkv", 3 * heads * head_dim, 3);
  linear("h", 1, heads * head_dim);
  parts.set("a.multiplier", DType::i32, {heads * head_dim}, std::vector<std::int32_t>(heads * head_dim, 1));
  parts.set("a.offset", DType::i64, {heads * head_dim}, std::vector<std::int64_t>(heads * head_dim));
  parts.set("a.score_multiplier", DType::i32, {heads}, std::vector<std::int32_t>(heads, 100));
  parts.set("a.relative_bias", DType::i32, {heads, 49}, std::vector<std::int32_t>(heads * 49));
  parts.add_blank_golden(1);
  return parts;
}

std::string message_of(const ModelParts &parts) {
  const std::string message = bind_message(parts);
  const std::string start = "graph node a: ";
  return message.rfind(start, 0) == 0 ? message.substr(start.size()) : message;
}

TEST_CASE("bind: windows that do not fit the grid") {
  ModelParts parts = windows();
  CHECK(message_of(parts) == "");
  auto &attention = parts.operation<WindowAttention>("a");
  attention.grid_height = 12;
  CHECK(message_of(parts) == "a grid of 12 rows and 12 columns is not 96 patches");
  attention.grid_height = 16384;
  attention.grid_width = 16384;
  CHECK(message_of(parts) == "a grid of 16384 rows and 16384 columns is not 96 patches");
  for (const auto &[height, width] : {std::pair(6, 16), {16, 6}}) {
    attention.grid_height = height;
    attention.grid_width = width;
    CHECK(message_of(parts) == "a grid of " + std::to_string(height) + " rows and " + std::to_string(width) +
                                   " columns is not a whole number of windows of 4");
  }
  attention = {attention.attention, 8, 12, 4, 4};
  CHECK(message_of(parts) == "window_shift must be below window");
  attention = {attention.attention, 8, 12, 2, 1};
  CHECK(message_of(parts) == "tensor a.relative_bias is I32 [2, 49], expected I32 [2, 9]");
  attention = {attention.attention, 8, 12, 4, 1};
  attention.attention.heads = 3;
  CHECK(message_of(parts) == "its input must be int8 with 3 * heads * head_dim columns");
}

TEST_CASE("bind: constants of windows missing, of another type or shape") {
  ModelParts parts = windows();
  parts.tensors.erase("a.relative_bias");
  CHECK(message_of(parts) == "tensor a.relative_bias is missing");
  parts.set("a.relative_bias", DType::i32, {49, heads}, std::vector<std::int32_t>(heads * 49));
  CHECK(message_of(parts) == "tensor a.relative_bias is I32 [49, 2], expected I32 [2, 49]");
  parts.set("a.relative_bias", DType::i16, {heads, 49}, std::vector<std::int16_t>(heads * 49));
  CHECK(message_of(parts) == "tensor a.relative_bias is I16 [2, 49], expected I32 [2, 49]");
}

TEST_CASE("bind: biases, masks and multipliers at the edge of 32 bits") {
  constexpr std::int64_t products = std::int64_t{head_dim} << 15;
  for (const int window_shift : {0, 1})
    for (int shift = 1; shift <= 31; ++shift)
      for (const std::int32_t bias : {0, 1000, 1 << 20}) {
        ModelParts parts = windows();
        parts.operation<WindowAttention>("a").window_shift = window_shift;
        parts.operation<WindowAttention>("a").attention.score_shift = shift;
        parts.set_element("a.relative_bias", 49 + 7, bias);
        parts.set_element("a.relative_bias", 49 + 48, -bias);
        const std::int64_t range = products + 2 * std::int64_t{bias};
        const auto expected = [&](std::int64_t multiplier) -> std::string {
          const std::int64_t far = std::int64_t{255} << shift;
          const std::int64_t mask = window_shift == 0 ? 0 : range + (far + multiplier - 1) / multiplier;
          if (mask > 1 << 29)
            return "a score_multiplier is too small to mask scores";
          const std::int64_t largest = (range + mask) * multiplier + (std::int64_t{1} << (shift - 1));
          return largest < std::int64_t{1} << 32 ? "" : "a score_multiplier could overflow 32 bits";
        };
        // Head 0 has no bias: it fits wherever head 1 does.
        for (const std::int32_t multiplier : {1, 2, 100, 1000, 2040, 5000, 16'000, 32'000, 33'000}) {
          CAPTURE(window_shift, shift, bias, multiplier);
          for (const std::size_t head : {std::size_t{0}, std::size_t{1}})
            parts.set_element("a.score_multiplier", head, multiplier);
          CHECK(message_of(parts) == expected(multiplier));
        }
        for (const std::int32_t multiplier : {0, -1, std::numeric_limits<std::int32_t>::min()}) {
          parts.set_element("a.score_multiplier", 0, multiplier);
          CHECK(message_of(parts) == "a score_multiplier could overflow 32 bits");
        }
      }
}

TEST_CASE("bind: a relative bias out of range") {
  ModelParts parts = windows();
  parts.operation<WindowAttention>("a").window_shift = 0;
  parts.operation<WindowAttention>("a").attention.score_shift = 1;
  for (int head = 0; head < heads; ++head)
    parts.set_element<std::int32_t>("a.score_multiplier", static_cast<std::size_t>(head), 1);
  for (const std::int32_t sign : {-1, 1}) {
    parts.set_element<std::int32_t>("a.relative_bias", 50, sign * (1 << 28));
    CHECK(message_of(parts) == "");
    parts.set_element<std::int32_t>("a.relative_bias", 50, sign * ((1 << 28) + 1));
    CHECK(message_of(parts) == "a relative_bias is beyond 268435456");
  }
  parts.set_element("a.relative_bias", 50, std::numeric_limits<std::int32_t>::min());
  CHECK(message_of(parts) == "a relative_bias is beyond 268435456");
}

TEST_CASE("bind: masked tokens must not weigh") {
  ModelParts parts = windows();
  auto &attention = parts.operation<WindowAttention>("a");
  attention.attention.exp = {64, 249, 23800, 8}; // 255 steps are four octaves
  for (const kernels::Softmax softmax :
       {kernels::Softmax::lis4, kernels::Softmax::lis8, kernels::Softmax::int8, kernels::Softmax::int16}) {
    attention.attention.softmax = softmax;
    attention.window_shift = 1;
    CHECK(message_of(parts) ==
          (softmax == kernels::Softmax::lis4 ? "the exp polynomial gives masked tokens a weight" : ""));
    attention.window_shift = 0;
    CHECK(message_of(parts) == "");
  }
}

// 64 x 64 patches in windows of 32: 2^10 tokens, whose biases take 2^20 elements a head.
ModelParts large_windows(int count) {
  ModelParts parts = windows();
  Graph &graph = parts.description.graph;
  graph.image_height = 64;
  graph.image_width = 64;
  parts.description.recipe = squash_recipe(64, 64);
  parts.add_blank_golden(1);
  constexpr int many = 16;
  const Attention attention{.heads = many, .score_shift = 10, .exp = {16, 62, 1487, 8}, .shift = 40};
  parts.set("qkv.weight", DType::i8, {3 * many, 3}, std::vector<std::int8_t>(9 * many, 1));
  parts.set("qkv.multiplier", DType::i32, {3 * many}, std::vector<std::int32_t>(3 * many, 1));
  parts.set("qkv.offset", DType::i64, {3 * many}, std::vector<std::int64_t>(3 * many));
  parts.set("h.weight", DType::i8, {1, many}, std::vector<std::int8_t>(many));
  for (const char *name : {"a.multiplier", "a.offset", "a.score_multiplier", "a.relative_bias"})
    parts.tensors.erase(name);
  graph.nodes.erase(graph.nodes.begin() + 2);
  for (int i = 0; i < count; ++i) {
    const std::string name = i == 0 ? "a" : "a" + std::to_string(i);
    graph.nodes.insert(graph.nodes.begin() + 2 + i, {name, {"qkv"}, WindowAttention{attention, 64, 64, 32, 0}});
    parts.set(name + ".multiplier", DType::i32, {many}, std::vector<std::int32_t>(many, 1));
    parts.set(name + ".offset", DType::i64, {many}, std::vector<std::int64_t>(many));
    parts.set(name + ".score_multiplier", DType::i32, {many}, std::vector<std::int32_t>(many, 100));
    parts.set(name + ".relative_bias", DType::i32, {many, 63 * 63}, std::vector<std::int32_t>(many * 63 * 63));
  }
  return parts;
}

TEST_CASE("bind: biases that would take too much memory") {
  CHECK(bind_message(large_windows(4)) == "");
  CHECK(bind_message(large_windows(5)) ==
        "graph node a4: the constants that its graph makes of those in the file would take more than 320 MB");
  ModelParts parts = large_windows(1);
  constexpr int more = 17;
  parts.operation<WindowAttention>("a").attention.heads = more;
  parts.set("qkv.weight", DType::i8, {3 * more, 3}, std::vector<std::int8_t>(9 * more, 1));
  parts.set("qkv.multiplier", DType::i32, {3 * more}, std::vector<std::int32_t>(3 * more, 1));
  parts.set("qkv.offset", DType::i64, {3 * more}, std::vector<std::int64_t>(3 * more));
  parts.set("a.score_multiplier", DType::i32, {more}, std::vector<std::int32_t>(more, 100));
  parts.set("a.multiplier", DType::i32, {more}, std::vector<std::int32_t>(more, 1));
  parts.set("a.offset", DType::i64, {more}, std::vector<std::int64_t>(more));
  CHECK(message_of(parts) == "its biases would take more than 16777216 elements");
}

} // namespace
} // namespace intvit

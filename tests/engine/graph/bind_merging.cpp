// Merging of tokens: what does not fit together, and constants at the edge of what kernels can take.
#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

constexpr int two_heads = 2;
constexpr int channels = two_heads * 4;

const Attention two_head_scores{.heads = two_heads, .score_shift = 10, .exp = {16, 62, 1487, 8}, .shift = 40};

// 5 x 4 patches of one pixel as codes of two heads; matched, merged, matched again; the attention of those that remain,
// and the mean of a stream.
ModelParts merging() {
  ModelParts parts;
  Attention sized = two_head_scores;
  sized.sized = true;
  MatchTokens first{.pairs = 6, .first = 2, .weighted = true, .attention = two_head_scores};
  MatchTokens second{.pairs = 3, .attention = two_head_scores};
  second.attention.sized = true;
  const Linear linear_map{.shift = 40};
  parts.description.graph = {.image_height = 4,
                             .image_width = 5,
                             .nodes = {{"p", {"image"}, Patches{1}},
                                       {"qkv", {"p"}, linear_map},
                                       {"first", {"qkv"}, first},
                                       {"merged", {"p", "first"}, MergeTokens{}},
                                       {"qkv2", {"merged"}, linear_map},
                                       {"second", {"qkv2", "first"}, second},
                                       {"a", {"qkv2", "first"}, sized},
                                       {"m", {"a", "second"}, MergeTokens{}},
                                       {"mean", {"m", "second"}, MeanRows{.rows = 11, .shift = 40, .sized = true}},
                                       {"h", {"mean"}, Linear{.epilogue = kernels::Epilogue::logits, .shift = 40}}}};
  parts.description.recipe = squash_recipe(5, 4);
  const auto requantization = [&](const std::string &name, int out) {
    parts.set(name + ".multiplier", DType::i32, {out}, std::vector<std::int32_t>(static_cast<std::size_t>(out), 1));
    parts.set(name + ".offset", DType::i64, {out}, std::vector<std::int64_t>(static_cast<std::size_t>(out)));
  };
  const auto linear = [&](const std::string &name, int out, int in) {
    parts.set(name + ".weight", DType::i8, {out, in},
              std::vector<std::int8_t>(static_cast<std::size_t>(out) * static_cast<std::size_t>(in), 1));
    requantization(name, out);
  };
  linear("qkv", 3 * channels, 3);
  linear("qkv2", 3 * channels, 3);
  linear("h", 1, channels);
  requantization("a", channels);
  requantization("mean", channels);
  for (const char *name : {"a", "first", "second"})
    parts.set(std::string(name) + ".score_multiplier", DType::i32, {two_heads},
              std::vector<std::int32_t>(two_heads, 100));
  parts.add_blank_golden(1);
  return parts;
}

// What a changed model says of a node.
template <typename Change> std::string merging_message(const std::string &node, const Change &change) {
  ModelParts parts = merging();
  change(parts);
  const std::string message = bind_message(parts);
  const std::string start = "graph node " + node + ": ";
  return message.rfind(start, 0) == 0 ? message.substr(start.size()) : message;
}

TEST_CASE("bind: merging of tokens") {
  ModelParts parts = merging();
  CHECK(bind_message(parts) == "");
}

TEST_CASE("bind: more tokens are to merge than may") {
  const auto first = [](auto change) {
    return merging_message("first", [&](ModelParts &parts) { change(parts.operation<MatchTokens>("first")); });
  };
  CHECK(first([](MatchTokens &op) { op.pairs = 10; }) == "cannot merge 10 pairs of the 18 of 20 tokens that may merge");
  CHECK(first([](MatchTokens &op) { op.first = 16; }) == "cannot merge 6 pairs of the 4 of 20 tokens that may merge");
  CHECK(first([](MatchTokens &op) { op.first = 16384; }) ==
        "cannot merge 6 pairs of the 0 of 20 tokens that may merge");
  CHECK(first([](MatchTokens &op) { op.first = 0; }) ==
        "tokens are weighted by the first one's attention, which must not merge itself: \"first\" is 0");
  CHECK(first([](MatchTokens &op) { op.attention.heads = 3; }) == "its input must have 3 * heads * head_dim columns");
}

TEST_CASE("bind: inputs of merging that are something else") {
  const auto with_input = [](const std::string &node, std::size_t index, const std::string &input) {
    return merging_message(node, [&](ModelParts &parts) { parts.node(node).inputs.at(index) = input; });
  };
  CHECK(with_input("first", 0, "p") == "its input must have 3 * heads * head_dim columns");
  CHECK(with_input("first", 0, "image") == "its input must be int8 with columns of queries, keys and values");
  const std::string sizes =
      "its sizes must be what match_tokens gives, of as many remaining tokens as its input has rows";
  for (const char *other : {"merged", "qkv2"})
    CHECK(with_input("second", 1, other) == sizes);
  for (const char *other : {"qkv", "second"})
    CHECK(with_input("a", 1, other) == sizes);
  for (const char *other : {"m", "first"})
    CHECK(with_input("mean", 1, other) == sizes);
  const std::string groups = "its groups must be what match_tokens gives of as many tokens as its input has rows";
  for (const char *other : {"p", "qkv", "image"})
    CHECK(with_input("merged", 1, other) == groups);
  CHECK(with_input("m", 1, "first") == groups);
  CHECK(with_input("merged", 0, "image") == "its input must be int8 or int16");
}

TEST_CASE("bind: a copy of what match_tokens gives is not what it gives") {
  const auto replaced = [](const Operation &copy) {
    return merging_message("merged", [&](ModelParts &parts) {
      std::vector<Node> &nodes = parts.description.graph.nodes;
      nodes.insert(nodes.begin() + 3, Node{"copy", {"first"}, copy});
      parts.node("merged").inputs[1] = "copy";
    });
  };
  const std::string groups = "its groups must be what match_tokens gives of as many tokens as its input has rows";
  CHECK(replaced(TakeRows{3}) == groups);
  CHECK(replaced(TakeRows{1}) == groups);
  CHECK(replaced(Flatten{}) == groups);
}

TEST_CASE("bind: scores that sizes would make too large") {
  const auto with_multiplier = [](const std::string &node, std::int32_t multiplier, int shift) {
    return merging_message(node, [&](ModelParts &parts) {
      if (node == "a")
        parts.operation<Attention>("a").score_shift = shift;
      else
        parts.operation<MatchTokens>(node).attention.score_shift = shift;
      parts.set(node + ".score_multiplier", DType::i32, {two_heads}, std::vector<std::int32_t>{multiplier, multiplier});
    });
  };
  CHECK(with_multiplier("a", 1000, 20) == "");
  CHECK(with_multiplier("a", 40'000, 20) == "a score_multiplier could overflow 32 bits");
  CHECK(with_multiplier("first", 40'000, 20) == "a score_multiplier could overflow 32 bits");
  CHECK(with_multiplier("a", 1, 24) == "a score_multiplier is too small for the sizes of tokens");
  CHECK(with_multiplier("first", 1, 24) == "");
  CHECK(with_multiplier("a", 0, 10) == "a score_multiplier could overflow 32 bits");
}

TEST_CASE("bind: the mean of merged tokens is proven for the tokens that there were at first") {
  const auto with_multiplier = [](std::int64_t tokens, std::int64_t more) {
    return merging_message("mean", [&](ModelParts &parts) {
      const std::int64_t bound = tokens * 128 * INT32_MAX;
      parts.set("mean.multiplier", DType::i32, {channels}, std::vector<std::int32_t>(channels, INT32_MAX));
      parts.set("mean.offset", DType::i64, {channels}, std::vector<std::int64_t>(channels, INT64_MAX - bound + more));
    });
  };
  CHECK(with_multiplier(20, 0) == "");
  CHECK(with_multiplier(20, 1) != "");
}

} // namespace
} // namespace intvit

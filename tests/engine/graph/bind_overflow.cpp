// Constants at the edge of what a kernel computes without overflow: the last value that fits binds, the next does not.
#include <limits>

#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"
#include "tests/kernels/exact.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

using test::absolute;
using test::Int128;

constexpr Int128 limit63 = Int128{1} << 63;

// What |accumulator * multiplier + residual| can be at most, in a channel of a node: from the definitions in
// docs/numerics.md.
Int128 largest_sum(const ModelParts &parts, const Node &node, std::size_t channel, std::int32_t multiplier) {
  Int128 factor = 0;
  Int128 residual = 0;
  if (std::holds_alternative<LayerNorm>(node.operation)) {
    factor = (Int128{5} << 16) + 1; // 16 channels: their root plus 1, with 16 fraction bits, and a rounding
  } else if (std::holds_alternative<Attention>(node.operation)) {
    factor = Int128{1} << 24;
  } else if (const auto *mean = std::get_if<MeanRows>(&node.operation)) {
    factor = Int128{parts.tensors.at("patch_embed.class_token").dtype == DType::i8 ? 128 : 32768} * mean->rows;
  } else {
    const ModelParts::Tensor &weight = parts.tensors.at(node.name + ".weight");
    const auto columns = static_cast<std::size_t>(weight.shape[1]);
    const std::vector<std::int8_t> values = weight.as<std::int8_t>();
    for (std::size_t k = 0; k < columns; ++k)
      factor += 128 * absolute(values[channel * columns + k]);
  }
  if (const auto *embed = std::get_if<PatchEmbed>(&node.operation))
    residual = (Int128{32768} << embed->position_shift) *
               absolute(parts.tensors.at(node.name + ".position_multiplier").as<std::int32_t>()[channel]);
  const auto *linear = std::get_if<Linear>(&node.operation);
  if (linear != nullptr && linear->epilogue == kernels::Epilogue::residual) {
    // Both tiny models keep one type of stream throughout.
    const bool int8 = parts.tensors.at("patch_embed.class_token").dtype == DType::i8;
    residual = (Int128{int8 ? 128 : 32768} << linear->residual_shift) *
               absolute(parts.tensors.at(node.name + ".residual_multiplier").as<std::int32_t>()[channel]);
  }
  return factor * absolute(multiplier) + residual;
}

// With a node whose output nobody reads: the mean of the first three rows of the embedding.
ModelParts with_mean(ModelParts parts) {
  std::vector<Node> &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 1, {"mean", {"patch_embed"}, MeanRows{.first = 0, .rows = 3, .shift = 40}});
  parts.set("mean.multiplier", DType::i32, {16}, std::vector<std::int32_t>(16, 1 << 29));
  parts.set("mean.offset", DType::i64, {16}, std::vector<std::int64_t>(16));
  return parts;
}

TEST_CASE("bind: offsets at the edge of 64 bits, in every node") {
  for (const ModelParts &original : {with_mean(test::tiny_parts()), with_mean(test::tiny_parts_int16())})
    for (const Node &node : original.description.graph.nodes) {
      const auto constant = original.tensors.find(node.name + ".multiplier");
      if (constant == original.tensors.end())
        continue;
      const std::size_t channel = constant->second.as<std::int32_t>().size() - 2;
      const std::string message = "graph node " + node.name + ": the requantization of channel " +
                                  std::to_string(channel) + " could overflow 64 bits";
      for (const std::int32_t multiplier :
           {constant->second.as<std::int32_t>()[channel], std::int32_t{0}, std::numeric_limits<std::int32_t>::min()}) {
        const auto last = static_cast<std::int64_t>(limit63 - 1 - largest_sum(original, node, channel, multiplier));
        CAPTURE(node.name, multiplier, last);
        REQUIRE(last > 0);
        ModelParts parts = original;
        parts.set_element(node.name + ".multiplier", channel, multiplier);
        for (const std::int64_t sign : {1, -1}) {
          parts.set_element(node.name + ".offset", channel, sign * last);
          CHECK(bind_message(parts) == "");
          if (last == std::numeric_limits<std::int64_t>::max())
            continue;
          parts.set_element(node.name + ".offset", channel, sign * (last + 1));
          CHECK(bind_message(parts) == message);
        }
        parts.set_element(node.name + ".offset", channel, std::numeric_limits<std::int64_t>::min());
        CHECK(bind_message(parts) == message);
      }
    }
}

TEST_CASE("bind: the residual's product counts towards the 64 bits") {
  for (const ModelParts &original : {test::tiny_parts(), test::tiny_parts_int16()}) {
    ModelParts parts = original;
    for (const char *name : {"patch_embed.position_multiplier", "blocks.0.mlp.fc2.residual_multiplier"})
      parts.set_element(name, 7, std::numeric_limits<std::int32_t>::min());
    const bool int8 = original.tensors.at("patch_embed.class_token").dtype == DType::i8;
    parts.operation<PatchEmbed>("patch_embed").position_shift = 15;
    parts.operation<Linear>("blocks.0.mlp.fc2").residual_shift = int8 ? 23 : 15;
    CHECK(bind_message(parts) == ""); // 2^61 and what the branch gives: room enough
    for (const char *node : {"patch_embed", "blocks.0.mlp.fc2"}) {
      ModelParts changed = parts;
      const auto multiplier = parts.tensors.at(std::string(node) + ".multiplier").as<std::int32_t>()[7];
      const auto last = static_cast<std::int64_t>(limit63 - 1 - largest_sum(parts, parts.node(node), 7, multiplier));
      changed.set_element(std::string(node) + ".offset", 7, last);
      CHECK(bind_message(changed) == "");
      changed.set_element(std::string(node) + ".offset", 7, last + 1);
      CHECK(bind_message(changed) ==
            "graph node " + std::string(node) + ": the requantization of channel 7 could overflow 64 bits");
    }
  }
}

// One patch of 210 x 210 pixels, one matrix product with two outputs: the largest in-features of a small file.
ModelParts wide_graph(std::size_t full_weights) {
  constexpr std::size_t columns = 210 * 210 * 3;
  ModelParts parts = test::one_product(210, 2);
  std::vector<std::int8_t> weights(2 * columns);
  std::fill_n(weights.begin() + columns, full_weights, static_cast<std::int8_t>(-128));
  parts.set("h.weight", DType::i8, {2, columns}, weights);
  parts.set("h.multiplier", DType::i32, {2}, std::vector<std::int32_t>{1, 1});
  parts.set("h.offset", DType::i64, {2}, std::vector<std::int64_t>{0, 0});
  return parts;
}

TEST_CASE("bind: weights at the edge of a 32-bit accumulator") {
  // 128 * 128 * 131072 = 2^31.
  const std::string message = "graph node h: the accumulator of channel 1 could overflow 32 bits";
  CHECK(bind_message(wide_graph(131071)) == "");
  CHECK(bind_message(wide_graph(131072)) == message);
  ModelParts parts = wide_graph(131072);
  parts.set_element<std::int8_t>("h.weight", 210 * 210 * 3, -127);
  CHECK(bind_message(parts) == "");
  parts.set_element<std::int8_t>("h.weight", 2 * 210 * 210 * 3 - 1, 1);
  CHECK(bind_message(parts) == message);
}

TEST_CASE("bind: score multipliers at the edge of 32 bits") {
  const ModelParts original = test::tiny_parts();
  constexpr std::int64_t largest_distance = 8 << 15; // head_dim is 8
  for (int shift = 1; shift <= 31; ++shift) {
    const std::int64_t room = (std::int64_t{1} << 32) - 1 - (std::int64_t{1} << (shift - 1));
    const auto last = static_cast<std::int32_t>(room / largest_distance);
    ModelParts parts = original;
    parts.operation<Attention>("blocks.0.attn").score_shift = shift;
    parts.set_element<std::int32_t>("blocks.0.attn.score_multiplier", 0, 1);
    for (const std::int32_t multiplier : {1, last}) {
      parts.set_element("blocks.0.attn.score_multiplier", 1, multiplier);
      CHECK(bind_message(parts) == "");
    }
    for (const std::int32_t multiplier :
         {last + 1, std::numeric_limits<std::int32_t>::max(), 0, -1, std::numeric_limits<std::int32_t>::min()}) {
      CAPTURE(shift, multiplier);
      parts.set_element("blocks.0.attn.score_multiplier", 1, multiplier);
      CHECK(bind_message(parts) == "graph node blocks.0.attn: a score_multiplier could overflow 32 bits");
    }
  }
}

TEST_CASE("bind: exp polynomials that rise or whose sum over a row overflows") {
  const std::string message = "graph node blocks.0.attn: the exp polynomial rises or its sum over a row could overflow";
  ModelParts parts = test::tiny_parts();
  auto &exp = parts.operation<Attention>("blocks.0.attn").exp;
  const auto is_valid = [&](kernels::ExpPolynomial polynomial) {
    exp = polynomial;
    const std::string said = bind_message(parts);
    CHECK((said.empty() || said == message));
    return said.empty();
  };
  // 5 tokens: 5 * constant * 2^octaves < 2^31.
  CHECK(is_valid({16, 1000, 429496729, 0}));
  CHECK_FALSE(is_valid({16, 1000, 429496730, 0}));
  CHECK(is_valid({16, 1000, 429496729 >> 10, 10}));
  CHECK_FALSE(is_valid({16, 1000, (429496729 >> 10) + 1, 10}));
  CHECK_FALSE(is_valid({16, 1000, 1 << 30, 30}));
  // Between distances 14 and 15 the parabola changes by 29 - linear.
  CHECK(is_valid({16, 29, 5000, 4}));
  CHECK_FALSE(is_valid({16, 28, 5000, 4}));
  CHECK(is_valid({15, 28, 5000, 4}));
  // From one octave to the next the table must not rise either: 4870 at distance 10 is above 5000 / 2.
  CHECK(is_valid({11, 23, 5000, 4}));
  CHECK_FALSE(is_valid({255, 23, 5000, 4}));
}

} // namespace
} // namespace intvit

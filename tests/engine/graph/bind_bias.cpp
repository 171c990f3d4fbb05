// Attention with position biases over a whole grid: what does not fit together, and constants at the edge.
#include <limits>

#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

constexpr std::int64_t biased_heads = 2;

// The first block of the tiny model: a class token and 2 x 2 patches.
ModelParts biased_parts() {
  ModelParts parts = test::tiny_parts();
  parts.operation<Attention>("blocks.0.attn").biased = true;
  parts.set("blocks.0.attn.relative_bias", DType::i32, {biased_heads, 3, 3},
            std::vector<std::int32_t>(biased_heads * 9));
  parts.set("blocks.0.attn.prefix_bias", DType::i32, {biased_heads, 3}, std::vector<std::int32_t>(biased_heads * 3));
  return parts;
}

std::string biased_message(const ModelParts &parts) {
  const std::string message = bind_message(parts);
  const std::string start = "graph node blocks.0.attn: ";
  return message.rfind(start, 0) == 0 ? message.substr(start.size()) : message;
}

TEST_CASE("bind: position biases over a grid") {
  CHECK(bind_message(biased_parts()) == "");
  ModelParts parts = biased_parts();
  parts.tensors.erase("blocks.0.attn.prefix_bias");
  CHECK(biased_message(parts) == "tensor blocks.0.attn.prefix_bias is missing");
  parts = biased_parts();
  parts.tensors.erase("blocks.0.attn.relative_bias");
  CHECK(biased_message(parts) == "tensor blocks.0.attn.relative_bias is missing");
  parts = biased_parts();
  parts.set("blocks.0.attn.relative_bias", DType::i32, {biased_heads, 9}, std::vector<std::int32_t>(biased_heads * 9));
  CHECK(biased_message(parts).find("blocks.0.attn.relative_bias") != std::string::npos);

  // Of all grids those fit that have no more patches than there are tokens.
  const auto with_grid = [&](std::int64_t rows, std::int64_t columns) {
    parts.set("blocks.0.attn.relative_bias", DType::i32, {biased_heads, rows, columns},
              std::vector<std::int32_t>(static_cast<std::size_t>(biased_heads * rows * columns)));
    return biased_message(parts);
  };
  for (const auto &[rows, columns] : {std::pair{1, 1}, {1, 9}, {3, 3}, {9, 1}})
    CHECK(with_grid(rows, columns) == "");
  for (const auto &[rows, columns] : {std::pair{2, 3}, {3, 2}, {3, 5}, {1, 11}, {0, 3}})
    CHECK(with_grid(rows, columns) == "its relative_bias of " + std::to_string(rows) + " x " + std::to_string(columns) +
                                          " distances is that of no grid of 5 tokens or fewer");
}

TEST_CASE("bind: position biases as large as they may be, and larger") {
  for (const char *name : {"blocks.0.attn.relative_bias", "blocks.0.attn.prefix_bias"}) {
    ModelParts parts = biased_parts();
    parts.set("blocks.0.attn.score_multiplier", DType::i32, {biased_heads}, std::vector<std::int32_t>(biased_heads, 1));
    parts.operation<Attention>("blocks.0.attn").score_shift = 18;
    for (const std::int32_t sign : {-1, 1}) {
      parts.set_element<std::int32_t>(name, 2, sign * (1 << 28));
      CHECK(bind_message(parts) == "");
      parts.set_element<std::int32_t>(name, 2, sign * ((1 << 28) + 1));
      CHECK(biased_message(parts) == "a relative_bias is beyond 268435456");
    }
    parts.set_element(name, 2, std::numeric_limits<std::int32_t>::min());
    CHECK(biased_message(parts) == "a relative_bias is beyond 268435456");
    // Heads of 8 channels: two scores of a row differ by up to 2^15 * 8 and the biases' range.
    parts.set_element<std::int32_t>(name, 2, 1 << 20);
    const std::int64_t range = (std::int64_t{1} << 18) + (1 << 20);
    const auto largest = static_cast<std::int32_t>(((std::int64_t{1} << 32) - 1 - (1 << 17)) / range);
    parts.set_element(std::string("blocks.0.attn.score_multiplier"), 0, largest);
    CHECK(bind_message(parts) == "");
    parts.set_element(std::string("blocks.0.attn.score_multiplier"), 0, largest + 1);
    CHECK(biased_message(parts) == "a score_multiplier could overflow 32 bits");
  }
}

} // namespace
} // namespace intvit

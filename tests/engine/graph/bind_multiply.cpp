// The product of two values in graphs, and where it does not fit.
#include <algorithm>

#include <catch2/catch.hpp>

#include "kernels/multiply.hpp"
#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

std::string product_message(const ModelParts &parts) {
  const std::string message = bind_message(parts);
  const std::string start = "graph node product: ";
  REQUIRE(message.rfind(start, 0) == 0);
  return message.substr(start.size());
}

TEST_CASE("bind: multiply") {
  // Of the last norm's codes and themselves, before the head.
  ModelParts parts = test::tiny_parts();
  auto &nodes = parts.description.graph.nodes;
  nodes.insert(nodes.end() - 1, {"product", {"norm", "norm"}, Multiply{.shift = 40}});
  parts.node("head").inputs[0] = "product";
  parts.set("product.zero_point", DType::i8, {16}, std::vector<std::int8_t>(16, -128));
  parts.set("product.factor_zero_point", DType::i8, {16}, std::vector<std::int8_t>(16, 127));
  parts.set("product.multiplier", DType::i32, {16}, std::vector<std::int32_t>(16, 1 << 29));
  parts.set("product.offset", DType::i64, {16}, std::vector<std::int64_t>(16));
  CHECK(bind_message(parts) == "");

  parts.set("product.factor_zero_point", DType::i8, {15}, std::vector<std::int8_t>(15));
  CHECK(bind_message(parts).find("product.factor_zero_point") != std::string::npos);
  parts.set("product.factor_zero_point", DType::i8, {16}, std::vector<std::int8_t>(16));

  const std::int64_t room = INT64_MAX - (std::int64_t{1} << 29) * kernels::max_product;
  parts.set("product.offset", DType::i64, {16}, std::vector<std::int64_t>(16, room));
  CHECK(bind_message(parts) == "");
  parts.set("product.offset", DType::i64, {16}, std::vector<std::int64_t>(16, room + 1));
  CHECK(product_message(parts) == "the requantization of channel 0 could overflow 64 bits");
  parts.set("product.offset", DType::i64, {16}, std::vector<std::int64_t>(16));

  parts.operation<Multiply>("product").output_type = kernels::ElementType::int16;
  CHECK(bind_message(parts) == "graph node head: its input must be int8");

  parts.node("product").inputs = {"blocks.0.norm1", "norm"};
  CHECK(product_message(parts) == "its factor's shape is not its input's");
  for (const std::vector<std::string> &inputs :
       {std::vector<std::string>{"image", "norm"}, {"norm", "image"}, {"norm", "features"}}) {
    parts.node("product").inputs = inputs;
    CHECK(product_message(parts) == "its input and its factor must be int8");
  }
}

} // namespace
} // namespace intvit

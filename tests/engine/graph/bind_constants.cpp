// One constant at a time missing or of another type or shape: the message names it.
#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

std::string text(const std::vector<std::int64_t> &shape) {
  std::string result;
  for (const std::int64_t dimension : shape)
    result += (result.empty() ? "" : ", ") + std::to_string(dimension);
  return "[" + result + "]";
}

// Same size, another meaning.
DType other_sign(DType dtype) {
  switch (dtype) {
  case DType::i8:
    return DType::u8;
  case DType::u8:
    return DType::i8;
  case DType::i16:
    return DType::u16;
  case DType::i32:
    return DType::f32;
  default:
    return DType::u64;
  }
}

bool is_golden(const std::string &name) {
  return name.rfind("golden.", 0) == 0;
}

std::string node_of(const std::string &tensor) {
  return tensor.substr(0, tensor.rfind('.'));
}

bool is_class_token(const std::string &tensor) {
  return tensor == "patch_embed.class_token";
}

// A copy of `tensor` that is one shorter along `dimension`.
ModelParts::Tensor shorter(const ModelParts::Tensor &tensor, std::size_t dimension) {
  ModelParts::Tensor result = tensor;
  --result.shape[dimension];
  std::size_t elements = 1;
  for (const std::int64_t length : result.shape)
    elements *= static_cast<std::size_t>(length);
  result.bytes.resize(elements * element_size(result.dtype));
  return result;
}

TEST_CASE("bind: the tiny models bind, and every kind of constant is among theirs") {
  CHECK(bind_message(test::tiny_parts()) == "");
  CHECK(bind_message(test::tiny_parts_int16()) == "");
  const ModelParts parts = test::tiny_parts();
  for (const char *name :
       {"patch_embed.weight", "patch_embed.multiplier", "patch_embed.offset", "patch_embed.position",
        "patch_embed.position_multiplier", "patch_embed.class_token", "norm.multiplier", "norm.offset", "norm.alpha",
        "norm.zero_point", "blocks.0.mlp.fc1.gelu_multiplier", "blocks.0.mlp.fc1.gelu_zero_point",
        "blocks.1.mlp.fc2.residual_multiplier", "blocks.1.attn.score_multiplier", "blocks.1.attn.multiplier",
        "blocks.1.attn.offset", "head.weight", "head.multiplier", "head.offset"})
    CHECK(parts.tensors.count(name) == 1);
  CHECK(parts.tensors.at("patch_embed.class_token").dtype == DType::i8);
  CHECK(test::tiny_parts_int16().tensors.at("patch_embed.class_token").dtype == DType::i16);
  CHECK(test::tiny_parts_int16().tensors.count("norm.alpha") == 0);
}

TEST_CASE("bind: each constant missing") {
  for (const ModelParts &original : {test::tiny_parts(), test::tiny_parts_int16()})
    for (const auto &[name, tensor] : original.tensors) {
      if (is_golden(name))
        continue;
      ModelParts parts = original;
      parts.tensors.erase(name);
      CHECK(bind_message(parts) == "graph node " + node_of(name) + ": tensor " + name + " is missing");
    }
}

TEST_CASE("bind: each constant of another element type") {
  const ModelParts original = test::tiny_parts();
  for (const auto &[name, tensor] : original.tensors) {
    if (is_golden(name))
      continue;
    ModelParts parts = original;
    ModelParts::Tensor &changed = parts.tensors.at(name);
    changed.dtype = other_sign(tensor.dtype);
    const std::string expected = is_class_token(name)
                                     ? "class_token must be I8 or I16 [16]"
                                     : "tensor " + name + " is " + std::string(safetensors_name(changed.dtype)) + " " +
                                           text(tensor.shape) + ", expected " +
                                           std::string(safetensors_name(tensor.dtype)) + " " + text(tensor.shape);
    CHECK(bind_message(parts) == "graph node " + node_of(name) + ": " + expected);
  }
}

TEST_CASE("bind: each constant of another rank") {
  const ModelParts original = test::tiny_parts();
  for (const auto &[name, tensor] : original.tensors) {
    if (is_golden(name))
      continue;
    ModelParts parts = original;
    ModelParts::Tensor &changed = parts.tensors.at(name);
    changed.shape.insert(changed.shape.begin(), 1);
    CHECK(bind_message(parts) == "graph node " + node_of(name) + ": tensor " + name + " has shape " +
                                     text(changed.shape) + ", expected rank " + std::to_string(tensor.shape.size()));
    if (tensor.shape.size() != 2)
      continue;
    changed = tensor;
    changed.shape = {tensor.shape[0] * tensor.shape[1]};
    CHECK(bind_message(parts) == "graph node " + node_of(name) + ": tensor " + name + " has shape " +
                                     text(changed.shape) + ", expected rank 2");
  }
}

TEST_CASE("bind: each constant shorter than the graph needs") {
  const ModelParts original = test::tiny_parts();
  for (const auto &[name, tensor] : original.tensors) {
    if (is_golden(name))
      continue;
    const std::string suffix = name.substr(name.rfind('.') + 1);
    for (std::size_t dimension = 0; dimension < tensor.shape.size(); ++dimension) {
      if (suffix == "weight" && dimension == 0)
        continue; // says how many outputs there are: see the next test
      ModelParts parts = original;
      parts.tensors.at(name) = shorter(tensor, dimension);
      const std::string expected = is_class_token(name)
                                       ? "class_token must be I8 or I16 [16]"
                                       : "tensor " + name + " is " + std::string(safetensors_name(tensor.dtype)) + " " +
                                             text(parts.tensors.at(name).shape) + ", expected " +
                                             std::string(safetensors_name(tensor.dtype)) + " " + text(tensor.shape);
      CHECK(bind_message(parts) == "graph node " + node_of(name) + ": " + expected);
    }
  }
}

TEST_CASE("bind: a weight's rows say how many outputs there are, and the other constants must agree") {
  const ModelParts original = test::tiny_parts();
  ModelParts parts = original;
  parts.tensors.at("head.weight") = shorter(original.tensors.at("head.weight"), 0);
  CHECK(bind_message(parts) == "graph node head: tensor head.multiplier is I32 [5], expected I32 [4]");

  // Shorter in all of them, the graph fits together again; but not the labels.
  for (const char *name : {"head.multiplier", "head.offset", "golden.logits"})
    parts.tensors.at(name) = shorter(original.tensors.at(name), 0);
  CHECK(bind_message(parts) == "has 5 labels for 4 classes");
  parts.description.labels.pop_back();
  CHECK(bind_message(parts) == "");

  parts.tensors.at("head.weight") = {DType::i8, {0, 16}, {}};
  CHECK(bind_message(parts) == "graph node head: the weight has 0 rows");
  parts.tensors.at("head.weight") = {DType::i8, {(1 << 24) + 1, 0}, {}};
  CHECK(bind_message(parts) == "graph node head: the weight has 16777217 rows");
}

TEST_CASE("bind: a tensor that the graph does not use") {
  ModelParts parts = test::tiny_parts();
  parts.set("head.bias", DType::f32, {1}, std::vector<std::int32_t>{0});
  CHECK(bind_message(parts) == "tensor head.bias is not used by the graph");

  // 8-bit streams have alphas, 16-bit streams do not.
  parts = test::tiny_parts_int16();
  parts.set("norm.alpha", DType::u8, {16}, std::vector<std::uint8_t>(16));
  CHECK(bind_message(parts) == "tensor norm.alpha is not used by the graph");
}

TEST_CASE("bind: the number of labels") {
  ModelParts parts = test::tiny_parts();
  parts.description.labels.clear();
  CHECK(bind_message(parts) == "");
  parts.description.labels.assign(6, "x");
  CHECK(bind_message(parts) == "has 6 labels for 5 classes");
}

TEST_CASE("bind: the golden image and logits") {
  const ModelParts original = test::tiny_parts();
  const std::string message = "the golden image and logits are missing or do not fit the graph";
  for (const char *name : {"golden.image", "golden.logits"}) {
    ModelParts parts = original;
    parts.tensors.erase(name);
    CHECK(bind_message(parts) == message);
    parts.tensors[name] = original.tensors.at(name);
    parts.tensors[name].dtype = other_sign(original.tensors.at(name).dtype);
    CHECK(bind_message(parts) == message);
    parts.tensors[name] = shorter(original.tensors.at(name), 0);
    CHECK(bind_message(parts) == message);
  }
  ModelParts parts = original;
  parts.tensors.at("golden.image").shape = {16 * 16 * 3};
  CHECK(bind_message(parts) == message);
}

} // namespace
} // namespace intvit

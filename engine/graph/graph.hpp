// The graph of a quantized Vision Transformer: a list of nodes in the order in which they run.
//
// A node reads the outputs of earlier nodes, by name, and constants of its own: the tensors named "<node>.<constant>".
// The operations are a closed set, and each is defined in docs/numerics.md. Sizes that can be read off a constant's
// shape are not repeated here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "kernels/linear.hpp"
#include "kernels/softmax.hpp"

namespace intvit {

// The name by which nodes refer to the graph's input, uint8 [height, width, 3].
inline constexpr const char *image_value = "image";

// Image to rows of pixels: int8 [patches, patch * patch * 3].
struct Patches {
  int patch = 0; // side in pixels
};

// Patches to the residual stream: linear map plus position, with the class token's row in front.
// Constants: weight i8 [C, K], multiplier i32 [C], offset i64 [C], position i16 [patches, C], position_multiplier i32
// [C], class_token i8 or i16 [C], whose type is the stream's.
struct PatchEmbed {
  int shift = 0;
  int position_shift = 0;
};

// Residual stream to int8 codes.
// Constants: multiplier i32 [C], offset i64 [C]; for an int8 stream also alpha u8 [C], zero_point i8 [C].
struct LayerNorm {
  int shift = 0;
  std::int64_t epsilon = 0; // C^2 eps / scale^2
};

// Constants: weight i8 [N, K], multiplier i32 [N], offset i64 [N];
// gelu: gelu_multiplier i16 [N], gelu_zero_point i8 [N]; residual: residual_multiplier i32 [N].
struct Linear {
  kernels::Epilogue epilogue = kernels::Epilogue::requantize;
  int shift = 0;
  int gelu_fraction_bits = 0;                              // gelu
  std::string residual;                                    // residual: the node whose output is added to
  int residual_shift = 0;                                  // residual
  kernels::CodeType output_type = kernels::CodeType::int8; // residual
};

// q, k, v codes [tokens, 3 C] to codes [queries, C].
// Constants: score_multiplier i32 [heads], multiplier i32 [C], offset i64 [C].
struct Attention {
  int heads = 0;
  int queries = 0; // how many of the first tokens ask; 0: all
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
  int score_shift = 0;
  kernels::ExpPolynomial exp;
  int shift = 0;
};

// The first rows of a value.
struct TakeRows {
  int rows = 0;
};

using Operation = std::variant<Patches, PatchEmbed, LayerNorm, Linear, Attention, TakeRows>;

struct Node {
  std::string name; // also its output's name
  std::string input;
  Operation operation;
};

// The largest models have a few hundred; planning the memory of so many takes quadratic time.
inline constexpr std::size_t max_graph_nodes = 16384;

// The last node's output is the result: int32 logits [1, classes].
struct Graph {
  int image_height = 0; // pixels
  int image_width = 0;
  int logit_fraction_bits = 0; // a logit is an integer in units of 2^-this
  std::vector<Node> nodes;
};

} // namespace intvit

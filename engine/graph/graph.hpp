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
#include "kernels/requantize.hpp"
#include "kernels/softmax.hpp"

namespace intvit {

// The name by which nodes refer to the graph's input, uint8 [height, width, 3].
inline constexpr const char *image_value = "image";

// Image to rows of pixels: int8 [patches, patch * patch * 3].
struct Patches {
  int patch = 0; // side in pixels
};

// Patches to the residual stream: linear map plus position, with the rows of tokens that are no patches (class,
// distillation, registers) in front.
// Constants: weight i8 [C, K], multiplier i32 [C], offset i64 [C], position i16 [patches, C], position_multiplier i32
// [C], prefix_tokens i8 or i16 [prefix_rows, C], whose type is the stream's; one row alone is class_token [C].
struct PatchEmbed {
  int shift = 0;
  int position_shift = 0;
  int prefix_rows = 1;
};

// Residual stream to int8 codes, to int16 codes of another stream, or to int32 features.
// Constants: multiplier i32 [C], offset i64 [C]; for an int8 stream also alpha u8 [C], zero_point i8 [C].
struct LayerNorm {
  int shift = 0;
  std::int64_t epsilon = 0; // C^2 eps / scale^2
  kernels::ElementType output_type = kernels::ElementType::int8;
};

// Constants: weight i8 [N, K], multiplier i32 [N], offset i64 [N];
// gelu: gelu_multiplier i16 [N], gelu_zero_point i8 [N]; residual: residual_multiplier i32 [N].
struct Linear {
  kernels::Epilogue epilogue = kernels::Epilogue::requantize;
  int shift = 0;
  int gelu_fraction_bits = 0;                                    // gelu
  std::string residual;                                          // residual: the node whose output is added to
  int residual_shift = 0;                                        // residual
  kernels::ElementType output_type = kernels::ElementType::int8; // residual
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

// The largest side of a window.
inline constexpr int max_window = 32;

// Attention of every window of a grid of patches to itself, [grid_height * grid_width, 3 C] to [grid_height *
// grid_width, C]: Swin's. With a window_shift windows begin so many patches further down and to the right, and what
// leaves the grid comes back on the other side; there, tokens that are no neighbours do not see one another.
// Constants: those of Attention, and relative_bias i32 [heads, (2 window - 1)^2] in units of the head's scores: for a
// query and a token that is y rows above and x columns to the left of it, element (y + window - 1) * (2 window - 1) +
// x + window - 1.
struct WindowAttention {
  Attention attention; // of a window; queries is 0
  int grid_height = 0; // a multiple of window, as is grid_width
  int grid_width = 0;
  int window = 0;       // side
  int window_shift = 0; // below window
};

// The first rows of a value.
struct TakeRows {
  int rows = 0;
};

// The mean of rows [first, first + rows): one row.
// Constants: multiplier i32 [C], offset i64 [C], from the rows' sum.
struct MeanRows {
  int first = 0;
  int rows = 0;
  int shift = 0;
  kernels::ElementType output_type = kernels::ElementType::int8;
};

// All rows one after the other as a single one.
struct Flatten {};

// Four neighbours on a grid of patches, [grid_height * grid_width, C], to one row of 4 C: top left, bottom left, top
// right, bottom right.
struct MergePatches {
  int grid_height = 0; // both even
  int grid_width = 0;
};

using Operation = std::variant<Patches, PatchEmbed, LayerNorm, Linear, Attention, WindowAttention, TakeRows, MeanRows,
                               Flatten, MergePatches>;

struct Node {
  std::string name; // also its output's name
  std::string input;
  Operation operation;
};

// The largest models have a few hundred; planning the memory of so many takes quadratic time.
inline constexpr std::size_t max_graph_nodes = 16384;

// The last node's output is the result: int32 logits [1, classes], or features. A graph with logits may name another
// node whose output, int32 [1, features], is the image's features besides.
struct Graph {
  int image_height = 0; // pixels
  int image_width = 0;
  int logit_fraction_bits = 0; // a logit is an integer in units of 2^-this
  std::string features;        // empty: none besides the result
  int feature_fraction_bits = 0;
  std::vector<Node> nodes;
};

} // namespace intvit

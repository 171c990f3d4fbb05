// Models whose constants are integers from a generator, not quantized real numbers: the same bytes on every machine,
// with every compiler, whatever becomes of the quantizer.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/residual.hpp"
#include "kernels/softmax.hpp"

namespace intvit::test {

// What becomes of the tokens behind the last block.
enum class IntegerHead {
  class_token, // one prefix row, normalized, to logits
  distilled,   // two prefix rows, normalized, one beside the other, to logits
  pooled,      // no prefix row; the mean of all patches, normalized, to logits
  registers,   // five prefix rows; the mean of the patches alone, normalized, to logits
  features,    // five prefix rows, of which the first, normalized, is the result
  joined,      // five prefix rows; the first beside the mean of the patches, of normalized rows, to logits
  // A picture that patches do not cover whole, a LayerNorm before the first block, quick-GELU; one prefix row,
  // normalized and projected, that is brought to length 1, to logits: CLIP with class embeddings.
  words,
};

struct IntegerModel {
  kernels::ElementType stream = kernels::ElementType::int8; // int8: with alpha and zero point
  kernels::Softmax softmax = kernels::Softmax::lis4;
  bool renormalize = true;
  IntegerHead head = IntegerHead::class_token;
  bool stlq = false;    // weights of one and two words, in every linear map
  bool merged = false;  // tokens are merged in the first two blocks
  bool rotated = false; // queries and keys are turned, in the first block by the same angles in all heads
  // MLPs have a gate, of which SiLU is taken; those of all blocks but the first a norm between gate and second map.
  bool gated = false;
  bool rms = false;    // norms are RMSNorm's
  bool biased = false; // scores have position biases
};

inline constexpr int integer_model_width = 48; // pixels
inline constexpr int integer_model_height = 40;

// A whole model file: patches of 8, 60 channels, three blocks of three heads, 37 classes; no size is a multiple of a
// vector's. The constants spread codes over their range as trained ones do.
std::vector<std::byte> integer_model(const IntegerModel &options);

} // namespace intvit::test

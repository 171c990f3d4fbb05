// Codes of queries, keys and values, and the integers that turn the products of queries and keys into distances for the
// softmax.
#pragma once

#include <cstdint>
#include <vector>

#include "models/quantize/codes/channel_codes.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

struct AttentionCodes {
  ChannelCodes query; // zero = 0
  // A constant subtracted from all keys shifts all scores of a row by the same amount, which softmax does not see.
  // Therefore the keys of each channel are centred.
  ChannelCodes key;
  ChannelCodes value;
  std::vector<std::int32_t> multiplier; // one for each head
  int shift = 0;
  std::vector<std::int32_t> bias; // as BlockWeights::position_bias, in units of the head's scores

  ChannelCodes side_by_side() const; // of query, key and value: [3 C]
};

// What is added to scores before the softmax.
struct ScoreBiases {
  RowMatrix values; // [heads, any], in units of q k^T / sqrt(d); empty: none
  bool masks = false;
  int largest_size = 1; // how many patches a token may stand for
};

// Queries and keys after their rotation.
struct RotatedSamples {
  const SiteSamples &query;
  const SiteSamples &key;
};

// Within a head scale_q[d] * scale_k[d] is the same for all channels d, so that all products of codes have one unit.
// How the two scales share it is chosen for each channel so that least is lost. `qkv_scale` [3 C]: the scale of the
// accumulators from which queries, keys and values are requantized.
//
// Where queries and keys are rotated, the two channels of a pair have one scale, wide enough for what they are before
// and after it, and zero = 0, about which they are turned.
//
// With PublishedOptions::per_tensor all three have the scale of the tensor that they make up together and zero = 0:
// without renormalization of the softmax a value of 0 must have the code 0.
AttentionCodes choose_attention_codes(const SiteSamples &query, const SiteSamples &key, const SiteSamples &value,
                                      int heads, const QuantizeOptions &options, const Eigen::ArrayXd &qkv_scale,
                                      const ScoreBiases &biases = {}, const RotatedSamples *rotated = nullptr);

} // namespace intvit

// Weights of four bits (kernels/four_bits.hpp) that own their memory, from codes or values. How model files hold them
// is engine/ops/four_bits_storage.hpp's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/status.hpp"
#include "kernels/weights.hpp"

namespace intvit {

// The members of kernels::FourBitMatrix.
struct FourBitWeights {
  kernels::WeightFormat format = kernels::WeightFormat::stlq_tiles; // one of four bits
  int out_features = 0;
  int in_features = 0;
  std::vector<std::uint8_t> first;
  std::vector<std::uint8_t> groups;
  std::vector<std::uint8_t> second;

  kernels::FourBitLayout layout() const { return kernels::four_bit_layout(format); }
  kernels::FourBitMatrix view() const {
    return {layout(), out_features, in_features, first.data(), groups.data(), second.data()};
  }

  std::size_t group_count() const {
    return static_cast<std::size_t>(layout().group_rows(out_features)) *
           static_cast<std::size_t>(kernels::word_groups_in_row(in_features));
  }
  std::size_t two_word_groups() const { return second.size() / static_cast<std::size_t>(layout().group_bytes()); }
  std::size_t bytes() const { return first.size() + groups.size() + second.size(); }
};

// `first`, `second`: codes, [out_features, in_features], row-major, in the range of word_codes(); those of second words
// on the wide scale are odd. `two_words`: 1 or 0 for every group, [layout.group_rows(), word_groups_in_row()]. `second`
// may be empty where no group has second words. Errors: bad_argument (a size, a code or a flag out of range; a second
// word that is not 0 in a group without).
Result<FourBitWeights> encode_four_bits(kernels::WeightFormat format, int out_features, int in_features,
                                        std::span<const std::int8_t> first, std::span<const std::int8_t> second,
                                        std::span<const std::uint8_t> two_words);

// The same from the weights that they are to stand for: on the log scale a first word is the power of two that is next
// in the logarithm, on the uniform one the next multiple of 16; a second word is the rest. On the wide scale a second
// word is the next of -48, -16, 16 and 48. Errors also: a weight that its group's words cannot express.
Result<FourBitWeights> encode_four_bit_values(kernels::WeightFormat format, int out_features, int in_features,
                                              std::span<const std::int8_t> weights,
                                              std::span<const std::uint8_t> two_words);

// With as few second words as the weights allow, given to so many neighbouring groups together.
Result<FourBitWeights> encode_four_bit_values(kernels::WeightFormat format, int out_features, int in_features,
                                              std::span<const std::int8_t> weights, int groups_together = 1);

// The smallest code of a first or second word on a scale, and the largest.
struct WordCodes {
  int smallest;
  int largest;
};
constexpr WordCodes word_codes(kernels::WordScale scale, bool second) {
  if (scale == kernels::WordScale::wide)
    return second ? WordCodes{-3, 3} : WordCodes{-8, 7};
  return {second && scale == kernels::WordScale::uniform ? -8 : -kernels::largest_word_code,
          kernels::largest_word_code};
}

// Whether one word of the scale is enough for a weight.
bool is_one_word(kernels::WordScale scale, std::int8_t weight);

// kernels::decode_four_bits() into memory of its own: int8 [out_features, in_features].
std::vector<std::int8_t> decode_four_bits(const FourBitWeights &weights);

} // namespace intvit

// Weights of four bits (kernels/four_bits.hpp) that own their memory: from codes or values to the form that model files
// hold, and back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
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

// How model files hold them: the node's constants, in place of "weight".
struct FourBitStorage {
  kernels::WeightFormat format;
  std::array<const char *, 3> names;
  int second_bits = 4; // of a second word. Where 2, these are the upper bits of its code, whose lower ones are 0

  constexpr const char *first() const { return std::get<0>(names); }
  constexpr const char *groups() const { return std::get<1>(names); }
  constexpr const char *second() const { return std::get<2>(names); }
  constexpr int group_bytes() const { return kernels::four_bit_layout(format).group_bytes() * second_bits / 4; }
};
inline constexpr std::array<FourBitStorage, 4> four_bit_storages{
    {{kernels::WeightFormat::stlq_tiles, {{"stlq_first", "stlq_tiles", "stlq_second"}}},
     {kernels::WeightFormat::stlq_groups, {{"stlq_group_first", "stlq_groups", "stlq_group_second"}}},
     {kernels::WeightFormat::int4, {{"int4_first", "int4_groups", "int4_second"}}},
     {kernels::WeightFormat::int4, {{"int4_short_first", "int4_short_groups", "int4_short_second"}}, 2}}};

// The one that takes the fewest bytes; of equal ones the first.
const FourBitStorage &storage_of(const FourBitWeights &weights);

// Second words as the storage has them, and back: those of a group beside one another, from the lowest bits on.
std::vector<std::uint8_t> stored_second_words(const FourBitStorage &storage, std::vector<std::uint8_t> words);
std::vector<std::uint8_t> second_words_of(const FourBitStorage &storage, std::vector<std::uint8_t> stored);

// For weights that were read from a file, with `first` and `groups` of the sizes that the matrix needs: how many groups
// of second words there must be.
std::int64_t count_marked_groups(const FourBitWeights &weights);

// With `second` of that size: what is wrong, beginning with the name of the storage's constant; empty where nothing is.
// A first word (and on the log scale a second one) that is no code, or a word or bit that belongs to no weight or group
// and is not 0.
std::string find_defect(const FourBitWeights &weights, const FourBitStorage &storage);

// `first`, `second`: codes, [out_features, in_features], row-major: from -7 to 7, second ones on the uniform scale from
// -8. `two_words`: 1 or 0 for every group, [layout.group_rows(), word_groups_in_row()]. `second` may be empty where no
// group has second words. Errors: bad_argument (a size, a code or a flag out of range; a second word that is not 0 in a
// group without).
Result<FourBitWeights> encode_four_bits(kernels::WeightFormat format, int out_features, int in_features,
                                        std::span<const std::int8_t> first, std::span<const std::int8_t> second,
                                        std::span<const std::uint8_t> two_words);

// The same from the weights that they are to stand for: on the log scale a first word is the power of two that is next
// in the logarithm, on the uniform one the next multiple of 16; a second word is the rest. Errors also: a weight that
// its group's words cannot express.
Result<FourBitWeights> encode_four_bit_values(kernels::WeightFormat format, int out_features, int in_features,
                                              std::span<const std::int8_t> weights,
                                              std::span<const std::uint8_t> two_words);

// As few groups with second words as the weights allow.
Result<FourBitWeights> encode_four_bit_values(kernels::WeightFormat format, int out_features, int in_features,
                                              std::span<const std::int8_t> weights);

// Whether one word of the scale is enough for a weight.
bool is_one_word(kernels::WordScale scale, std::int8_t weight);

// kernels::decode_four_bits() into memory of its own: int8 [out_features, in_features].
std::vector<std::int8_t> decode_four_bits(const FourBitWeights &weights);

} // namespace intvit

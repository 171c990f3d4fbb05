// How model files hold weights of four bits (docs/format.md, "Weights of four bits"): as they stand in memory, or with
// second words of two bits, which kernels read as words of four.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/ops/four_bits_weights.hpp"

namespace intvit {

struct FourBitStorage {
  kernels::WeightFormat format;
  std::array<const char *, 3> names;             // of the node's constants, in place of "weight"
  int second_bits = 4;                           // of a second word; 2: short_word() says which word it is
  int group_inputs = kernels::word_group_inputs; // that get second words together: 4, or with short words 4 or 8

  constexpr const char *first() const { return std::get<0>(names); }
  constexpr const char *groups() const { return std::get<1>(names); }
  constexpr const char *second() const { return std::get<2>(names); }

  // Whether its constants are those of kernels::FourBitMatrix.
  constexpr bool as_in_memory() const { return second_bits == 4; }
  constexpr int groups_in_row(int in_features) const { return (in_features + group_inputs - 1) / group_inputs; }
  // The columns of the constants `groups` and `second`.
  constexpr int group_bit_bytes(int in_features) const { return (groups_in_row(in_features) + 7) / 8; }
  constexpr int group_bytes() const {
    return kernels::four_bit_layout(format).group_outputs * group_inputs * second_bits / 8;
  }
};
inline constexpr std::array<FourBitStorage, 8> four_bit_storages{
    {{kernels::WeightFormat::stlq_tiles, {{"stlq_first", "stlq_tiles", "stlq_second"}}},
     {kernels::WeightFormat::stlq_groups, {{"stlq_group_first", "stlq_groups", "stlq_group_second"}}},
     {kernels::WeightFormat::int4, {{"int4_first", "int4_groups", "int4_second"}}},
     {kernels::WeightFormat::int4, {{"int4_short_first", "int4_short_groups", "int4_short_second"}}, 2},
     {kernels::WeightFormat::int4_wide, {{"int4_wide8_first", "int4_wide8_groups", "int4_wide8_second"}}, 2, 8},
     {kernels::WeightFormat::stlq_groups, {{"stlq_short8_first", "stlq_short8_groups", "stlq_short8_second"}}, 2, 8},
     {kernels::WeightFormat::int4_wide, {{"int4_wide4_first", "int4_wide4_groups", "int4_wide4_second"}}, 2, 4},
     {kernels::WeightFormat::stlq_groups, {{"stlq_short4_first", "stlq_short4_groups", "stlq_short4_second"}}, 2, 4}}};

// The record of these; there is one.
constexpr const FourBitStorage &four_bit_storage(kernels::WeightFormat format, int second_bits, int group_inputs) {
  const FourBitStorage *found = &four_bit_storages.front();
  for (const FourBitStorage &storage : four_bit_storages)
    if (storage.format == format && storage.second_bits == second_bits && storage.group_inputs == group_inputs)
      found = &storage;
  return *found;
}

// The word of four bits that a second word of two bits, 0 to 3, stands for beside a first word:
//   log      0; or a quarter of the first word's value, minus a quarter, minus an eighth: 0 where that is below 1
//   uniform  the code 0, 4, -8 or -4: the upper half of it
//   wide     the code -3, -1, 1 or 3
constexpr std::uint8_t short_word(kernels::WordScale scale, std::uint8_t first, int bits) {
  if (scale == kernels::WordScale::uniform)
    return static_cast<std::uint8_t>(bits << 2);
  if (scale == kernels::WordScale::wide)
    return kernels::word_of_code(2 * bits - 3);
  const int code = kernels::code_of_word(first);
  const int magnitude = (code < 0 ? -code : code) + (bits == 3 ? 3 : 2);
  if (bits == 0 || code == 0 || magnitude > kernels::largest_word_code)
    return 0;
  return kernels::word_of_code((code < 0) == (bits == 1) ? -magnitude : magnitude);
}

// A node's constants as they stand in a file.
struct StoredFourBits {
  std::vector<std::uint8_t> first;  // [out_features, first_word_bytes()]
  std::vector<std::uint8_t> groups; // [group_rows(), storage.group_bit_bytes()]
  std::vector<std::uint8_t> second; // [groups whose bit is 1, storage.group_bytes()]

  std::size_t bytes() const { return first.size() + groups.size() + second.size(); }
};

// How many bits of `groups` are 1 and belong to a group.
std::int64_t count_marked_groups(const FourBitStorage &storage, int out_features, int in_features,
                                 const std::vector<std::uint8_t> &groups);

// Weights of these sizes from constants of the sizes above. What is wrong, beginning with the name of the storage's
// constant; empty where nothing is: a word that is no code, or a word or bit that belongs to no weight or group and is
// not 0.
std::string restore(const FourBitStorage &storage, int out_features, int in_features, StoredFourBits stored,
                    FourBitWeights &weights);

// The storage that takes the fewest bytes for these weights, of equal ones the first, and what it holds.
struct StoredWeights {
  const FourBitStorage *storage;
  StoredFourBits constants;
};
StoredWeights store(const FourBitWeights &weights);

} // namespace intvit

// Weights of four bits with random codes. Written and valued here by the format's words, so that neither decoder nor
// encoder checks itself.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/weights.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

struct FourBitCase {
  kernels::WeightFormat format = kernels::WeightFormat::stlq_tiles;
  int out_features = 0;
  int in_features = 0;
  std::vector<std::uint8_t> first;
  std::vector<std::uint8_t> groups;
  std::vector<std::uint8_t> second;
  std::vector<std::int8_t> values; // [out_features, in_features]

  kernels::FourBitMatrix view() const {
    return {kernels::four_bit_layout(format), out_features, in_features, first.data(), groups.data(), second.data()};
  }
};

// Second words in no group, in all of them, or in some: half or few; now and then only the largest codes, whose sums
// saturate on the log scale. `second_bits`: 2 draws what files can hold in second words of two bits. Of int4 codes that
// are multiples of 4; of stlq_groups 0, a quarter of the first word's value, minus that and minus an eighth; and of
// stlq_groups and int4_wide second words in pairs of neighbouring groups, which are a file's groups of eight inputs.
// (There are none of two bits for stlq_tiles.)
FourBitCase make_four_bits(Random &random, kernels::WeightFormat format, int out_features, int in_features,
                           int second_bits = 4);

} // namespace intvit::test

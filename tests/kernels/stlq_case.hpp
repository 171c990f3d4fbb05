// STLQ weights with random codes. Written and valued here by the format's words, so that neither decoder nor encoder
// checks itself.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/stlq.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

struct StlqCase {
  int out_features = 0;
  int in_features = 0;
  std::vector<std::uint8_t> first;
  std::vector<std::uint8_t> tiles;
  std::vector<std::uint8_t> second;
  std::vector<std::int8_t> values; // [out_features, in_features], in units of 2^-7

  kernels::StlqMatrix view() const { return {out_features, in_features, first.data(), tiles.data(), second.data()}; }
};

// Second words in no tile, in all of them or in some; now and then only the largest codes, whose sums saturate.
StlqCase make_stlq(Random &random, int out_features, int in_features);

} // namespace intvit::test

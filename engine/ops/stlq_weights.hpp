// STLQ weights (kernels/stlq.hpp) that own their memory: from codes or values to the form that model files hold, and
// back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/status.hpp"
#include "kernels/stlq.hpp"

namespace intvit {

// A node's constants that hold them, in place of "weight".
inline constexpr const char *stlq_first_constant = "stlq_first";
inline constexpr const char *stlq_tiles_constant = "stlq_tiles";
inline constexpr const char *stlq_second_constant = "stlq_second";

// The members of kernels::StlqMatrix.
struct StlqWeights {
  int out_features = 0;
  int in_features = 0;
  std::vector<std::uint8_t> first;
  std::vector<std::uint8_t> tiles;
  std::vector<std::uint8_t> second;

  kernels::StlqMatrix view() const { return {out_features, in_features, first.data(), tiles.data(), second.data()}; }

  std::size_t tile_count() const {
    return static_cast<std::size_t>(kernels::stlq_tile_row_count(out_features)) *
           static_cast<std::size_t>(kernels::stlq_tile_column_count(in_features));
  }
  std::size_t two_word_tiles() const { return second.size() / kernels::stlq_tile_bytes; }
  std::size_t bytes() const { return first.size() + tiles.size() + second.size(); }
};

// For weights that were read from a file, with `first` and `tiles` of the sizes that the matrix needs: how many second
// words [.., stlq_tile_bytes] there must be.
std::int64_t count_marked_tiles(const StlqWeights &weights);

// With `second` of that size: what is wrong, beginning with the constant's name; empty where nothing is. A word that is
// no code, or a word or bit that belongs to no weight or tile and is not 0.
std::string find_defect(const StlqWeights &weights);

// `first`, `second`: codes from -7 to 7, [out_features, in_features], row-major. `two_words`: 1 or 0 for every tile,
// [stlq_tile_row_count, stlq_tile_column_count]. `second` may be empty where no tile has second words. Errors:
// bad_argument (a size, a code or a flag out of range; a second word that is not 0 in a tile without).
Result<StlqWeights> encode_stlq(int out_features, int in_features, std::span<const std::int8_t> first,
                                std::span<const std::int8_t> second, std::span<const std::uint8_t> two_words);

// The same from weights in units of 2^-7, [out_features, in_features]: a first word is the power of two that is next in
// the logarithm, a second word the rest. Errors also: a weight that its tile's words cannot express.
Result<StlqWeights> encode_stlq_values(int out_features, int in_features, std::span<const std::int8_t> weights,
                                       std::span<const std::uint8_t> two_words);

// kernels::decode_stlq() into memory of its own: int8 [out_features, in_features], in units of 2^-7.
std::vector<std::int8_t> decode_stlq(const StlqWeights &weights);

} // namespace intvit

// STLQ weights as the int8 weights that they stand for: the definition that every kernel's panels are tested against,
// and what the loader's overflow proof and the reference kernels read.
#include "kernels/stlq.hpp"

namespace intvit::kernels {

void decode_stlq(const StlqMatrix &matrix, std::int8_t *weights) {
  const std::ptrdiff_t in = matrix.in_features;
  for (int n = 0; n < matrix.out_features; ++n)
    for (int k = 0; k < matrix.in_features; ++k)
      weights[n * in + k] = static_cast<std::int8_t>(stlq_word_values.values[matrix.first_word(n, k)]);

  std::ptrdiff_t tile = 0; // among those with second words
  for (int tile_row = 0; tile_row < stlq_tile_row_count(matrix.out_features); ++tile_row)
    for (int tile_column = 0; tile_column < stlq_tile_column_count(matrix.in_features); ++tile_column) {
      if (!matrix.has_second_words(tile_row, tile_column))
        continue;
      const int output = tile_row * stlq_tile_outputs;
      const int input = tile_column * stlq_tile_inputs;
      for (int n = 0; n < stlq_tile_outputs && output + n < matrix.out_features; ++n)
        for (int k = 0; k < stlq_tile_inputs && input + k < matrix.in_features; ++k)
          weights[(output + n) * in + input + k] =
              stlq_value(matrix.first_word(output + n, input + k), matrix.second_word(tile, n, k));
      ++tile;
    }
}

} // namespace intvit::kernels

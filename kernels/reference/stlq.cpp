#include "kernels/stlq.hpp"

namespace intvit::kernels {

void decode_stlq(const StlqMatrix &matrix, std::int8_t *weights) {
  const std::ptrdiff_t in = matrix.in_features;
  std::ptrdiff_t tile = 0;
  for (int tile_row = 0; tile_row < stlq_tile_rows(matrix.out_features); ++tile_row)
    for (int tile_column = 0; tile_column < stlq_tile_columns(matrix.in_features); ++tile_column) {
      const int first_output = tile_row * stlq_tile_outputs;
      const int first_input = tile_column * stlq_tile_inputs;
      const bool two = matrix.has_second_words(tile_row, tile_column);
      for (int n = 0; n < stlq_tile_outputs && first_output + n < matrix.out_features; ++n)
        for (int k = 0; k < stlq_tile_inputs && first_input + k < matrix.in_features; ++k) {
          const std::uint8_t first = matrix.first_word(first_output + n, first_input + k);
          weights[(first_output + n) * in + first_input + k] =
              two ? stlq_value(first, matrix.second_word(tile, n, k)) : stlq_word_value(first);
        }
      tile += two ? 1 : 0;
    }
}

} // namespace intvit::kernels

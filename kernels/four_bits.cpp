// Weights of four bits as the int8 weights that they stand for: the definition that every kernel's panels are tested
// against, and what the loader's overflow proof and the reference kernels read.
#include "kernels/four_bits.hpp"

namespace intvit::kernels {

void decode_four_bits(const FourBitMatrix &matrix, std::int8_t *weights) {
  const std::ptrdiff_t in = matrix.in_features;
  const WordScale scale = matrix.layout.scale;
  const int group_outputs = matrix.layout.group_outputs;
  for (int n = 0; n < matrix.out_features; ++n)
    for (int k = 0; k < matrix.in_features; ++k)
      weights[n * in + k] = one_word_value(scale, matrix.first_word(n, k));

  std::ptrdiff_t place = 0; // among the groups with second words
  for (int group_row = 0; group_row < matrix.layout.group_rows(matrix.out_features); ++group_row)
    for (int group = 0; group < word_groups_in_row(matrix.in_features); ++group) {
      if (!matrix.has_second_words(group_row, group))
        continue;
      const int output = group_row * group_outputs;
      const int input = group * word_group_inputs;
      for (int n = 0; n < group_outputs && output + n < matrix.out_features; ++n)
        for (int k = 0; k < word_group_inputs && input + k < matrix.in_features; ++k)
          weights[(output + n) * in + input + k] =
              two_word_value(scale, matrix.first_word(output + n, input + k), matrix.second_word(place, n, k));
      ++place;
    }
}

} // namespace intvit::kernels

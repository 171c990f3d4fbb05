// The inner loops of the float reference and of the quantizer, compiled once for each vector width. Nothing here has
// code and nothing with code may be included: translation units that are compiled for newer processors include it.
#pragma once

#include <cstddef>

namespace intvit {

// Where the statistics of some channels are summed up; an array each.
struct CodeSums {
  double *error;         // value - dequantized value
  double *squared_error; // its square
  double *code;          // code - zero
  double *squared_code;  // its square
};

// All give the same bits: vectors lie along independent results only, each sum is taken in the order given, and each
// product and sum is rounded.
struct LoopTable {
  const char *name; // "baseline", "avx2", "avx512"

  // out[r * out_stride + n] += the sum over k in ascending order of a[r * a_stride + k] * panel[k * columns + n], for
  // r < rows (1 to tile_rows) and n < columns, which is float_columns or double_columns.
  int float_columns;
  void (*add_float_tile)(const float *a, std::ptrdiff_t a_stride, const float *panel, std::ptrdiff_t depth, int rows,
                         float *out, std::ptrdiff_t out_stride);
  int double_columns;
  void (*add_double_tile)(const double *a, std::ptrdiff_t a_stride, const double *panel, std::ptrdiff_t depth, int rows,
                          double *out, std::ptrdiff_t out_stride);

  // Quantizes values [rows, code_channels] with a scale and a zero for each channel to codes in [-128, 127], and adds
  // to the sums of each channel, row after row, each times its weight.
  void (*add_code_sums)(const double *values, const double *weights, std::ptrdiff_t rows, const double *scale,
                        const double *zero, const CodeSums &sums);

  // For `double_columns` rows of weights at once, each of which is panel[k * double_columns + n] * input_scale[k]:
  // the largest magnitude; and the sum over k of variance[k] times the square of what is left when scale[n] * step
  // times the nearest integer, which is at most `steps` in magnitude, is subtracted. `step` is a power of two.
  void (*largest_magnitudes)(const float *panel, std::ptrdiff_t depth, const double *input_scale, double *largest);
  void (*nearest_errors)(const float *panel, std::ptrdiff_t depth, const double *input_scale, const double *variance,
                         const double *scale, double step, double steps, double *error);
};

inline constexpr int tile_rows = 6;
inline constexpr int code_channels = 64;
inline constexpr int most_double_columns = 16;

extern const LoopTable loops_baseline;
extern const LoopTable loops_avx2;
extern const LoopTable loops_avx512;

} // namespace intvit

#include "engine/image/jpeg/inverse_dct.hpp"

#include <algorithm>
#include <array>

#include "engine/image/lanes.hpp"

namespace intvit {
namespace {

using namespace lanes;

// One transform of 8 numbers. Outputs i and 7 - i are the sum and the difference of an even part, which is a weighted
// sum of the even inputs, and an odd part. The weights, in units of 2^-13, are sums of libjpeg's factors (0.298631336
// is 2446, and so on). libjpeg computes the same sums in other steps; all of them are exact up to the rounding at the
// end, so the result is the same.
//   even part i: 8192 x0 + even[i][0] x4 + even[i][1] x2 + even[i][2] x6
//   odd part i:  odd[i][0] x1 + odd[i][1] x3 + odd[i][2] x5 + odd[i][3] x7
// Nothing overflows: no input exceeds 2^15, and the weights of an output add up to less than 2^16.
constexpr int weight_bits = 13;
constexpr std::int16_t one = 1 << weight_bits;
constexpr std::int16_t even_weights[4][3] = {
    {one, 10703, 4433}, {-one, 4433, -10704}, {-one, -4433, 10704}, {one, -10703, -4433}};
constexpr std::int16_t odd_weights[4][4] = {
    {11363, 9633, 6437, 2260}, {9633, -2259, -11362, -6436}, {6437, -11362, 2261, 9633}, {2260, -6436, 9633, -11363}};

// Values have two more fractional bits between the passes. The second pass removes them, and divides by 8, the scale of
// two transforms.
constexpr int pass_bits = 2;
constexpr int first_shift = weight_bits - pass_bits;
constexpr int second_shift = weight_bits + pass_bits + 3;

// Four transforms side by side; inputs come in pairs. `corner`: inputs 4 to 7 are 0.
template <int shift, bool corner>
INTVIT_INLINE void transform(I16x8 x0_x4, I16x8 x2_x6, I16x8 x1_x3, I16x8 x5_x7, std::array<I32x4, 8> &out) {
  const I32x4 rounding = I32x4{} + (1 << (shift - 1));
  for (std::size_t i = 0; i < 4; ++i) {
    const I32x4 even = multiply_add_pairs(x0_x4, one, even_weights[i][0]) +
                       multiply_add_pairs(x2_x6, even_weights[i][1], even_weights[i][2]) + rounding;
    I32x4 odd = multiply_add_pairs(x1_x3, odd_weights[i][0], odd_weights[i][1]);
    if constexpr (!corner)
      odd += multiply_add_pairs(x5_x7, odd_weights[i][2], odd_weights[i][3]);
    out[i] = (even + odd) >> shift;
    out[7 - i] = (even - odd) >> shift;
  }
}

// One pass over 8 vectors, each lane a transform of its own. `half`: the upper lanes are 0.
template <int shift, bool corner, bool half> INTVIT_INLINE void pass(std::array<I16x8, 8> &x) {
  std::array<I32x4, 8> low;
  std::array<I32x4, 8> high{};
  transform<shift, corner>(zip_low(x[0], x[4]), zip_low(x[2], x[6]), zip_low(x[1], x[3]), zip_low(x[5], x[7]), low);
  if constexpr (!half)
    transform<shift, corner>(zip_high(x[0], x[4]), zip_high(x[2], x[6]), zip_high(x[1], x[3]), zip_high(x[5], x[7]),
                             high);
  for (std::size_t i = 0; i < 8; ++i)
    x[i] = narrow(low[i], high[i]);
}

INTVIT_INLINE void transpose(std::array<I16x8, 8> &x) {
  // Three times: row i with row i + 4.
  for (int step = 0; step < 3; ++step) {
    const std::array<I16x8, 8> y = x;
    for (std::size_t i = 0; i < 4; ++i) {
      x[2 * i] = zip_low(y[i], y[i + 4]);
      x[2 * i + 1] = zip_high(y[i], y[i + 4]);
    }
  }
}

template <bool corner>
INTVIT_INLINE void transform_block(const std::int16_t *coefficients, const QuantizationTable &quantization,
                                   std::uint8_t *output, std::ptrdiff_t stride) {
  std::array<I16x8, 8> x{};
  for (std::size_t i = 0; i < (corner ? 4 : 8); ++i)
    x[i] = I16x8(load<U16x8>(coefficients + i * 8) * load<U16x8>(quantization.steps.data() + i * 8));
  pass<first_shift, corner, corner>(x);
  transpose(x);
  pass<second_shift, corner, false>(x);
  transpose(x);
  // No sum overflows: what 32 bits shifted by 18 can be is 2^13 at most.
  const I16x8 centre = I16x8{} + 128;
  for (std::size_t i = 0; i < 8; i += 2) {
    const U64x2 rows = U64x2(narrow_unsigned(x[i] + centre, x[i + 1] + centre));
    const std::uint64_t upper = rows[0];
    const std::uint64_t lower = rows[1];
    std::memcpy(output + static_cast<std::ptrdiff_t>(i) * stride, &upper, sizeof upper);
    std::memcpy(output + static_cast<std::ptrdiff_t>(i + 1) * stride, &lower, sizeof lower);
  }
}

INTVIT_INLINE void transform_any(const std::int16_t *coefficients, int last, const QuantizationTable &quantization,
                                 std::uint8_t *output, std::ptrdiff_t stride) {
  // The first ten coefficients of a file are in the upper left quarter.
  if (last < 10)
    transform_block<true>(coefficients, quantization, output, stride);
  else
    transform_block<false>(coefficients, quantization, output, stride);
}

#if defined(__x86_64__)
INTVIT_AVX2_FUNCTION void transform_any_avx2(const std::int16_t *coefficients, int last,
                                             const QuantizationTable &quantization, std::uint8_t *output,
                                             std::ptrdiff_t stride) {
  transform_any(coefficients, last, quantization, output, stride);
}
#endif

// All coefficients but the first are 0.
void fill_flat(std::int16_t dc, const QuantizationTable &quantization, std::uint8_t *output, std::ptrdiff_t stride) {
  const auto value = static_cast<std::int16_t>(dc * quantization.steps[0]); // modulo 2^16, as in the vectors
  const int sample = std::clamp((value + (1 << pass_bits)) >> 3, -128, 127) + 128;
  for (int row = 0; row < block_side; ++row)
    std::memset(output + row * stride, sample, block_side);
}

} // namespace

void inverse_dct(const std::int16_t *coefficients, int last, const QuantizationTable &quantization,
                 std::uint8_t *output, std::ptrdiff_t stride) {
  if (last == 0)
    return fill_flat(coefficients[0], quantization, output, stride);
#if defined(__x86_64__)
  if (has_avx2())
    return transform_any_avx2(coefficients, last, quantization, output, stride);
#endif
  transform_any(coefficients, last, quantization, output, stride);
}

} // namespace intvit

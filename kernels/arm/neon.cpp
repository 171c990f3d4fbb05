// The kernels for NEON as every 64-bit Arm processor has it. Compiled with the baseline's flags.
#include "kernels/arm/neon.hpp"
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"

namespace intvit::kernels {

namespace {

struct Neon {};

struct Vector : neon::Operations<Neon> {
  static constexpr int group = 2;

  // 8 elements in the register's lower half.
  static Vec load_elements(const Element *from) {
    return vreinterpretq_s32_s8(vcombine_s8(vld1_s8(from), vdup_n_s8(0)));
  }
  static Vec broadcast_codes(const Element *from) {
    std::int16_t two = 0;
    std::memcpy(&two, from, sizeof two);
    return vreinterpretq_s32_s16(vdupq_n_s16(two));
  }
  static Vec broadcast_attention_weights(const Element *from) { return broadcast_codes(from); }
  // 2 rows of 16 bytes to a panel's [columns][2].
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    const int8x16x2_t rows = {{vld1q_s8(from), vld1q_s8(from + stride)}};
    vst2q_s8(to, rows);
  }
  // Products of 8-bit numbers are at most 2^14 in magnitude and fit 16 bits, but the sum of two, 2^15 for -128 times
  // -128 twice, does not: pairs of products are added to lanes of 32 bits at once.
  static Vec dot(Vec sum, Vec input, Vec weights) {
    return vpadalq_s16(sum,
                       vmull_s8(vget_low_s8(vreinterpretq_s8_s32(input)), vget_low_s8(vreinterpretq_s8_s32(weights))));
  }
};

static_assert(VectorKernelOperations<Vector>);

} // namespace

void use_neon(KernelTable &table) {
  table.name = "neon";
  use_vector_kernels<Vector>(table);
  table.peak_product = "smull + sadalp, 8 products of 8 bits";
}

} // namespace intvit::kernels

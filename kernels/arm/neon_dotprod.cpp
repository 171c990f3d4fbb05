// The kernels for NEON with the dot product instructions. Compiled with -march=armv8.2-a+dotprod.
#include "kernels/arm/neon.hpp"
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"

namespace intvit::kernels {

namespace {

struct NeonDotprod {};

struct Vector : neon::Operations<NeonDotprod> {
  static constexpr int group = 4;

  static Vec load_elements(const Element *from) { return vreinterpretq_s32_s8(vld1q_s8(from)); }
  static Vec broadcast_codes(const Element *from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return vdupq_n_s32(four);
  }
  static Vec broadcast_attention_weights(const Element *from) { return broadcast_codes(from); }
  // 4 rows of 16 bytes to a panel's [columns][4].
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    const int8x16x4_t rows = {
        {vld1q_s8(from), vld1q_s8(from + stride), vld1q_s8(from + 2 * stride), vld1q_s8(from + 3 * stride)}};
    vst4q_s8(to, rows);
  }
  static Vec dot(Vec sum, Vec input, Vec weights) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(weights), vreinterpretq_s8_s32(input));
  }
};

static_assert(VectorKernelOperations<Vector>);

} // namespace

void use_neon_dotprod(KernelTable &table) {
  table.name = "neon-dotprod";
  use_vector_kernels<Vector>(table);
  table.peak_product = "sdot, 16 products of 8 bits";
}

} // namespace intvit::kernels

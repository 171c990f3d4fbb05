// The kernels for NEON with the dot product instructions. Compiled with -march=armv8.2-a+dotprod.
#include "kernels/arm/neon.hpp"
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"

namespace intvit::kernels {

namespace {

// Four steps at a time: a register holds a row's inputs for all of them, and sdot takes a lane of it. Broadcasting each
// group of inputs by itself would take one of the units that the products need, Cortex-A76's for one.
template <class V> struct ByLaneProduct : vector::DotProduct<V> {
  using Whole = vector::DotProduct<V>;
  using typename Whole::Element;
  using typename Whole::Input;
  using Whole::group;

  template <int vectors, int tall = V::tile_rows> class Sums : public Whole::template Sums<vectors, tall> {
    using Base = typename Whole::template Sums<vectors, tall>;
    using Base::sums_;

  public:
    using Base::Base;

    template <vector::Inputs inputs>
    INTVIT_INLINE void add(const Input &input, const Element *panel, const std::byte *notes, int steps,
                           vector::Ahead *ahead) {
      Input rest = input;
      for (; steps >= 4; steps -= 4) {
        int8x16_t rows[std::size_t{tall}];
#pragma GCC unroll 16
        for (int r = 0; r < tall; ++r) {
          rows[r] = vld1q_s8(rest.rows[r]);
          rest.rows[r] += 4 * group;
        }
        add_step<0>(rows, panel, ahead);
        add_step<1>(rows, panel, ahead);
        add_step<2>(rows, panel, ahead);
        add_step<3>(rows, panel, ahead);
      }
      if (steps > 0)
        Base::template add<inputs>(rest, panel, notes, steps, ahead);
    }

  private:
    template <int lane>
    INTVIT_INLINE void add_step(const int8x16_t (&rows)[std::size_t{tall}], const Element *&panel,
                                vector::Ahead *ahead) {
      if (ahead != nullptr) {
        __builtin_prefetch(ahead->at, 0, 2);
        ahead->at += ahead->step;
      }
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v, panel += 16) {
        const int8x16_t weights = vld1q_s8(panel);
#pragma GCC unroll 16
        for (int r = 0; r < tall; ++r)
          sums_[r][v] = vdotq_laneq_s32(sums_[r][v], weights, rows[r], lane);
      }
    }
  };
};

struct NeonDotprod {};

struct Vector : neon::Operations<NeonDotprod> {
  static constexpr int group = 4;
  using TileProduct = ByLaneProduct<Vector>;

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

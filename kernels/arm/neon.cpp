// The kernels for NEON as every 64-bit Arm processor has it. Compiled with the baseline's flags.
#include "kernels/arm/neon.hpp"
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"

namespace intvit::kernels {

namespace {

// Two products of bytes are added in 16 bits before they go to the sums: 3 instructions for 16 products instead of 4. A
// code times a weight of at least -127 is at most 128 * 127 = 16256 in magnitude, and two of these fit: 32512 < 2^15.
// Twice -128 times -128 would not. So panels with a weight of -128, and those of attention, which hold codes, add every
// product to the sums by itself.
template <class V> struct AddedProduct : vector::DotProduct<V> {
  using Whole = vector::DotProduct<V>;
  using typename Whole::Element;
  using typename Whole::Input;
  using Whole::group;
  using Whole::lanes;

  // What is noted of a panel: whether it has a weight of -128.
  static constexpr int noted_inputs = group;
  static constexpr std::ptrdiff_t notes_bytes(int) { return 4; }
  static void note(const std::int8_t (&weights)[std::size_t{group}], int, std::byte *notes) {
    for (const std::int8_t weight : weights)
      if (weight == -128)
        notes[0] = std::byte{1};
  }
  static void finish_notes(int, std::byte *) {}

  template <int vectors, int tall = V::tile_rows> class Sums : public Whole::template Sums<vectors, tall> {
    using Base = typename Whole::template Sums<vectors, tall>;
    using Base::sums_;

  public:
    using Base::Base;

    template <vector::Inputs inputs>
    INTVIT_INLINE void add(const Input &input, const Element *panel, const std::byte *notes, int steps,
                           vector::Ahead *ahead) {
      if constexpr (vectors % 2 != 0)
        Base::template add<inputs>(input, panel, notes, steps, ahead);
      else if (notes != nullptr && notes[0] == std::byte{0})
        add_pairs<inputs, true>(input, panel, steps, ahead);
      else
        add_pairs<inputs, false>(input, panel, steps, ahead);
    }

  private:
    static constexpr int registers = (vectors + 1) / 2;

    // Two steps at a time. A register holds the weights of a step for two vectors of columns. Instructions of a kind
    // stand together: on processors that keep their order, as Cortex-A53, each would wait for the one before.
    template <vector::Inputs inputs, bool fit> // whether sums of two products fit 16 bits
    INTVIT_INLINE void add_pairs(const Input &input, const Element *panel, int steps, vector::Ahead *ahead) {
      Input rest = input;
      for (; steps >= 2; steps -= 2, panel += 32 * registers) {
        if (ahead != nullptr) {
          __builtin_prefetch(ahead->at, 0, 2);
          ahead->at += 2 * ahead->step;
        }
        int8x16_t first[std::size_t{registers}];
        int8x16_t second[std::size_t{registers}];
#pragma GCC unroll 8
        for (int i = 0; i < registers; ++i) {
          first[i] = vld1q_s8(panel + 16 * i);
          second[i] = vld1q_s8(panel + 16 * (registers + i));
        }
#pragma GCC unroll 16
        for (int r = 0; r < tall; ++r) {
          const int8x16_t a = pair(rest.rows[r]);
          const int8x16_t b = pair(rest.rows[r] + group);
          rest.rows[r] += 2 * group;
          int16x8_t products[std::size_t{vectors}];
          multiply(first, a, products);
          if constexpr (fit) {
#pragma GCC unroll 8
            for (int i = 0; i < registers; ++i) {
              products[2 * i] = vmlal_s8(products[2 * i], vget_low_s8(second[i]), vget_low_s8(b));
              products[2 * i + 1] = vmlal_high_s8(products[2 * i + 1], second[i], b);
            }
          } else {
            accumulate(products, r);
            multiply(second, b, products);
          }
          accumulate(products, r);
        }
      }
      if (steps > 0)
        Base::template add<inputs>(rest, panel, nullptr, steps, ahead);
    }

    INTVIT_INLINE static void multiply(const int8x16_t (&weights)[std::size_t{registers}], int8x16_t input,
                                       int16x8_t (&products)[std::size_t{vectors}]) {
#pragma GCC unroll 8
      for (int i = 0; i < registers; ++i) {
        products[2 * i] = vmull_s8(vget_low_s8(weights[i]), vget_low_s8(input));
        products[2 * i + 1] = vmull_high_s8(weights[i], input);
      }
    }
    INTVIT_INLINE void accumulate(const int16x8_t (&products)[std::size_t{vectors}], int r) {
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v)
        sums_[r][v] = vpadalq_s16(sums_[r][v], products[v]);
    }

    // Two inputs in all lanes of 16 bits.
    INTVIT_INLINE static int8x16_t pair(const Element *from) {
      std::uint16_t two = 0;
      std::memcpy(&two, from, sizeof two);
      return vreinterpretq_s8_u16(vdupq_n_u16(two));
    }
  };
};

struct Neon {};

struct Vector : neon::Operations<Neon> {
  static constexpr int group = 2;
  using TileProduct = AddedProduct<Vector>;

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
  table.peak_product =
      "smull + sadalp, 8 products of 8 bits; linear maps take smull + smlal + sadalp and may exceed it";
}

} // namespace intvit::kernels

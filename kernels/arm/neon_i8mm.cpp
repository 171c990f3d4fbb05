// The kernels for NEON with the instructions that multiply matrices of bytes (Arm's I8MM). Compiled with
// -march=armv8.2-a+dotprod+i8mm.
#include "kernels/arm/neon.hpp"
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"

namespace intvit::kernels {

namespace {

struct NeonI8mm {};

struct Vector : neon::Operations<NeonI8mm> {
  static constexpr int group = 8;

  // Attention weights stay unsigned: usmmla multiplies them by signed values.
  static constexpr int attention_weight_bias = 0;
  static void store_attention_weights(Element *to, Bytes value) { vst1q_s8(to, vreinterpretq_s8_u8(value)); }

  // 8 rows of 16 bytes to a panel's [columns][8]. Each stage interleaves rows that are half as far apart as in the one
  // before, until the bytes of a column are neighbours.
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    const auto zip = [](int8x16_t a, int8x16_t b) { return vzipq_s8(a, b); };
    int8x16_t rows[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r)
      rows[r] = vld1q_s8(from + r * stride);
    const int8x16x2_t apart4[4] = {zip(rows[0], rows[4]), zip(rows[1], rows[5]), zip(rows[2], rows[6]),
                                   zip(rows[3], rows[7])};
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) { // 8 columns
      const int8x16x2_t even = zip(apart4[0].val[half], apart4[2].val[half]);
      const int8x16x2_t odd = zip(apart4[1].val[half], apart4[3].val[half]);
#pragma GCC unroll 2
      for (int quarter = 0; quarter < 2; ++quarter) {
        const int8x16x2_t columns = zip(even.val[quarter], odd.val[quarter]);
        vst1q_s8(to + 64 * half + 32 * quarter, columns.val[0]);
        vst1q_s8(to + 64 * half + 32 * quarter + 16, columns.val[1]);
      }
    }
  }

  // For Peak: as many products as lanes * group.
  static Vec dot(Vec sum, Vec input, Vec weights) {
    return vmmlaq_s32(sum, vreinterpretq_s8_s32(input), vreinterpretq_s8_s32(weights));
  }

  // An instruction multiplies 2 rows of 8 inputs by 2 columns of 8 weights and adds to 4 sums, which are a vector: the
  // first row's two columns, then the second row's. A tile is 3 x 8 of them: with the inputs of a step and a vector of
  // weights 28 of 32 registers, and 24 sums in flight hide the instruction's latency.
  struct TileProduct : vector::TakesNoNotes {
    static constexpr int pairs = tile_rows / 2;
    static_assert(tile_rows % 2 == 0 && lanes == 4);
    static constexpr int short_rows = 2;

    // Rows rearranged as the instruction takes them, [steps][pairs of rows][2][8]: read in place, every vector of
    // inputs would be put together from two loads, in a unit that the products need.
    struct Input {
      const Element *at;
    };
    static constexpr std::ptrdiff_t arranged_bytes(int elements) {
      return (std::ptrdiff_t{elements} * tile_rows + 63) / 64 * 64;
    }
    static void arrange(const Element *const (&rows)[std::size_t{tile_rows}], int elements, std::byte *to) {
      auto *at = reinterpret_cast<Element *>(to);
      for (int k = 0; k < elements; k += group)
        for (int p = 0; p < pairs; ++p, at += 16)
          vst1q_s8(at, vcombine_s8(vld1_s8(rows[2 * p] + k), vld1_s8(rows[2 * p + 1] + k)));
    }
    static Input input(const Element *const (&)[std::size_t{tile_rows}], const std::byte *arranged) {
      return {reinterpret_cast<const Element *>(arranged)};
    }

    template <int vectors, int tall = tile_rows> class Sums {
      static constexpr int used = tall / 2; // pairs of rows

    public:
      INTVIT_INLINE explicit Sums(const std::int32_t *start) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
          const Vec four = Base::load(start + v * lanes);
#pragma GCC unroll 4
          for (int p = 0; p < used; ++p) {
            blocks_[p][2 * v] = vcombine_s32(vget_low_s32(four), vget_low_s32(four));
            blocks_[p][2 * v + 1] = vcombine_s32(vget_high_s32(four), vget_high_s32(four));
          }
        }
      }

      template <vector::Inputs inputs>
      INTVIT_INLINE void add(const Input &input, const Element *panel, const std::byte * /*notes*/, int steps,
                             vector::Ahead *ahead) {
        const std::byte *fetch = ahead != nullptr ? ahead->at : nullptr;
        const std::ptrdiff_t fetch_step = ahead != nullptr ? ahead->step : 0;
        const Element *at = input.at;
        for (int step = 0; step < steps; ++step, at += 16 * pairs) {
          if (ahead != nullptr) {
            __builtin_prefetch(fetch, 0, 2);
            fetch += fetch_step;
          }
          int8x16_t rows[std::size_t{used}];
#pragma GCC unroll 4
          for (int p = 0; p < used; ++p)
            rows[p] = vld1q_s8(at + 16 * p);
#pragma GCC unroll 8
          for (int columns = 0; columns < 2 * vectors; ++columns, panel += 16) {
            const int8x16_t weights = vld1q_s8(panel);
#pragma GCC unroll 4
            for (int p = 0; p < used; ++p)
              blocks_[p][columns] = inputs == vector::Inputs::codes
                                        ? vmmlaq_s32(blocks_[p][columns], rows[p], weights)
                                        : vusmmlaq_s32(blocks_[p][columns], vreinterpretq_u8_s8(rows[p]), weights);
          }
        }
        if (ahead != nullptr)
          ahead->at = fetch;
      }

      INTVIT_INLINE Vec (&row(int r))[std::size_t{vectors}] {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
          const int64x2_t left = vreinterpretq_s64_s32(blocks_[r / 2][2 * v]);
          const int64x2_t right = vreinterpretq_s64_s32(blocks_[r / 2][2 * v + 1]);
          row_[v] = vreinterpretq_s32_s64(r % 2 == 0 ? vzip1q_s64(left, right) : vzip2q_s64(left, right));
        }
        return row_;
      }

    private:
      Vec blocks_[std::size_t{used}][std::size_t{2} * vectors];
      Vec row_[std::size_t{vectors}];
    };
  };
};

static_assert(VectorKernelOperations<Vector>);

} // namespace

void use_neon_i8mm(KernelTable &table) {
  table.name = "neon-i8mm";
  use_vector_kernels<Vector>(table);
  table.peak_product = "smmla, 32 products of 8 bits";
}

} // namespace intvit::kernels

// AVX2's product of bytes, made exact: the product of a tile for weights that are small.
//
// vpmaddubsw multiplies 32 unsigned bytes by 32 signed ones and adds two neighbouring products in a lane of 16 bits,
// where it saturates. The inputs are codes plus 128, 0..255. A lane cannot saturate where its positive weights add up
// to at most 128 and its negative ones to at least -128, whatever the inputs: 255 * 128 = 32640 is below 2^15. So there
// are three ways to take a step of eight inputs, by what its weights are in every lane of the panel:
//   folded   four weights of a lane keep the bound: two results of vpmaddubsw are added in 16 bits, then widened and
//            added to the sums. 3 multiplications and 2 additions for 64 products
//   paired   pairs of weights do: either result is widened by itself. 4 and 2
//   widened  any weights: weights and inputs are widened to 16 bits first. 4 and 4, and the widening
// Which it is, is found when weights are packed, and noted. Included by avx2.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "kernels/vector/panel.hpp"
#include "kernels/vector/tile_product.hpp"
#include "kernels/x86/avx256.hpp"

namespace intvit::kernels::avx256 {

// Most that the weights of one sign in a lane may add up to.
inline constexpr int lane_bound = 128;
static_assert(255 * lane_bound <= 32767);

// How a step can be taken, the fastest way first.
enum class Step : std::uint8_t { folded, paired, widened };

constexpr bool keeps_bound(std::initializer_list<int> weights) {
  int positive = 0;
  int negative = 0;
  for (const int weight : weights)
    (weight > 0 ? positive : negative) += weight;
  return positive <= lane_bound && negative >= -lane_bound;
}

// Of the eight weights of one column, which are two lanes: each has two of the first four and two of the last.
constexpr Step step_of(const std::int8_t (&w)[8]) {
  if (keeps_bound({w[0], w[1], w[4], w[5]}) && keeps_bound({w[2], w[3], w[6], w[7]}))
    return Step::folded;
  for (int pair = 0; pair < 8; pair += 2)
    if (!keeps_bound({w[pair], w[pair + 1]}))
      return Step::widened;
  return Step::paired;
}

// The product for operations V, on bytes: V::Element are inputs as 0..255, and weights, which are the same bytes read
// as signed. A folded step is two steps of four inputs; the last of an odd number of steps is never folded.
template <class V> struct FoldedProduct : vector::RowsInPlace<V> {
  using Rows = vector::RowsInPlace<V>;
  using Element = std::uint8_t;
  using Input = typename Rows::Input;
  using Rows::group;
  using Rows::lanes;
  using Rows::tile_rows;
  static_assert(group == 4); // bytes of a lane of 32 bits

  // Notes: how many steps of eight are folded and how many paired, then the numbers of all, those that are folded first
  // and those that are widened last. While notes are taken, the slowest way of a column stands at the step's place.
  static constexpr int noted_inputs = 2 * group;
  struct Notes {
    std::uint32_t folded;
    std::uint32_t paired;
  };
  static std::uint32_t *order(std::byte *notes) { return reinterpret_cast<std::uint32_t *>(notes + sizeof(Notes)); }

  static constexpr std::ptrdiff_t notes_bytes(int in_features) {
    const std::ptrdiff_t shown = (in_features + noted_inputs - 1) / noted_inputs;
    return static_cast<std::ptrdiff_t>(sizeof(Notes)) + shown * static_cast<std::ptrdiff_t>(sizeof(std::uint32_t));
  }
  static void note(const std::int8_t (&weights)[std::size_t{noted_inputs}], int index, std::byte *notes) {
    std::uint32_t &place = order(notes)[index];
    const auto way = static_cast<std::uint32_t>(step_of(weights));
    place = way > place ? way : place;
  }
  static void finish_notes(int in_features, std::byte *notes) {
    const auto count = static_cast<std::uint32_t>(vector::steps<V>(in_features) / 2);
    std::uint32_t *places = order(notes);
    std::uint32_t of_way[3] = {};
    for (std::uint32_t step = 0; step < count; ++step)
      ++of_way[places[step]];
    // The order is written above the two bits that say what was found of the place's own step.
    std::uint32_t next[3] = {0, of_way[0], of_way[0] + of_way[1]};
    for (std::uint32_t step = 0; step < count; ++step)
      places[next[places[step] & 3]++] |= step << 2;
    for (std::uint32_t step = 0; step < count; ++step)
      places[step] >>= 2;
    const Notes found{of_way[0], of_way[1]};
    std::memcpy(notes, &found, sizeof found);
  }

  template <int vectors> class Sums : public Rows::template Accumulators<vectors> {
    using Base = typename Rows::template Accumulators<vectors>;
    using Base::sums_;
    static constexpr std::ptrdiff_t step_bytes = std::ptrdiff_t{vectors} * lanes * group;

  public:
    using Base::Base;

    // A linear map's codes, plus 128. Without notes every step is widened.
    template <vector::Inputs inputs>
    INTVIT_INLINE void add(const Input &input, const Element *panel, const std::byte *notes, int steps,
                           vector::Ahead *ahead) {
      const auto pairs = static_cast<std::uint32_t>(steps / 2);
      Notes found{0, 0};
      if (notes != nullptr)
        std::memcpy(&found, notes, sizeof found);
      const auto *numbers = reinterpret_cast<const std::uint32_t *>(notes + (notes != nullptr ? sizeof found : 0));
      const std::byte *fetch = ahead != nullptr ? ahead->at : nullptr;
      const std::ptrdiff_t fetch_step = ahead != nullptr ? 2 * ahead->step : 0;
      std::uint32_t i = 0;
      for (; i < found.folded; ++i) {
        if (ahead != nullptr) {
          __builtin_prefetch(fetch, 0, 2);
          fetch += fetch_step;
        }
        multiply<true>(input, panel, numbers[i]);
      }
      for (; i < found.folded + found.paired; ++i)
        multiply<false>(input, panel, numbers[i]);
      for (; i < pairs; ++i) {
        const std::ptrdiff_t step = std::ptrdiff_t{2} * (notes != nullptr ? numbers[i] : i);
        widen(input, panel, step);
        widen(input, panel, step + 1);
      }
      if (steps % 2 != 0)
        widen(input, panel, steps - 1);
      if (ahead != nullptr)
        ahead->at = fetch;
    }

  private:
    INTVIT_INLINE static __m256i broadcast(const Element *from) {
      std::int32_t four = 0;
      std::memcpy(&four, from, sizeof four);
      return _mm256_set1_epi32(four);
    }

    // Step `number` of eight inputs.
    template <bool folded>
    INTVIT_INLINE void multiply(const Input &input, const Element *panel, std::ptrdiff_t number) {
      const Element *weights = panel + number * 2 * step_bytes;
      const std::ptrdiff_t k = number * 2 * group;
      const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 16
      for (int r = 0; r < tile_rows; ++r) {
        const __m256i first = broadcast(input.rows[r] + k);
        const __m256i second = broadcast(input.rows[r] + k + group);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
          const __m256i a = _mm256_maddubs_epi16(first, V::load256(weights + std::ptrdiff_t{v} * 32));
          const __m256i b = _mm256_maddubs_epi16(second, V::load256(weights + step_bytes + std::ptrdiff_t{v} * 32));
          const __m256i sum = folded ? _mm256_madd_epi16(_mm256_add_epi16(a, b), ones)
                                     : _mm256_add_epi32(_mm256_madd_epi16(a, ones), _mm256_madd_epi16(b, ones));
          sums_[r][v] = _mm256_add_epi32(sums_[r][v], sum);
        }
      }
    }

    // One step of four inputs, any weights. Products of even and odd bytes, each widened to 16 bits, are below 2^15 in
    // magnitude, and vpmaddwd adds two of them in 32 bits.
    INTVIT_INLINE void widen(const Input &input, const Element *panel, std::ptrdiff_t step) {
      const Element *weights = panel + step * step_bytes;
      __m256i even[std::size_t{vectors}];
      __m256i odd[std::size_t{vectors}];
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) {
        const __m256i bytes = V::load256(weights + std::ptrdiff_t{v} * 32);
        even[v] = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
        odd[v] = _mm256_srai_epi16(bytes, 8);
      }
#pragma GCC unroll 16
      for (int r = 0; r < tile_rows; ++r) {
        const __m256i bytes = broadcast(input.rows[r] + step * group);
        const __m256i even_inputs = _mm256_and_si256(bytes, _mm256_set1_epi16(255));
        const __m256i odd_inputs = _mm256_srli_epi16(bytes, 8);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
          sums_[r][v] = _mm256_add_epi32(sums_[r][v], _mm256_add_epi32(_mm256_madd_epi16(even_inputs, even[v]),
                                                                       _mm256_madd_epi16(odd_inputs, odd[v])));
      }
    }
  };
};

} // namespace intvit::kernels::avx256

// A product of bytes without VNNI, made exact: the product of a tile for weights that are small.
//
// vpmaddubsw multiplies unsigned bytes by signed ones and adds two neighbouring products in a lane of 16 bits, where it
// saturates. The inputs are codes plus 128, 0..255. A lane cannot saturate where its positive weights add up to at most
// 128 and its negative ones to at least -128, whatever the inputs: 255 * 128 = 32640 is below 2^15. So there are three
// ways to take a step of eight inputs, by what its weights are in every lane of the panel:
//   folded   four weights of a lane keep the bound: two results of vpmaddubsw are added in 16 bits, then widened and
//            added to the sums. 3 multiplications and 2 additions for 64 products in 256 bits
//   paired   pairs of weights do: either result is widened by itself. 4 and 2
//   widened  any weights: weights and inputs are widened to 16 bits first. 4 and 4, and the widening
// Which it is, is found when weights are packed, and noted.
//
// Everything is a template over V, a class of the translation unit's own, so that nothing compiled with its flags can
// be linked into another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "kernels/vector/panel.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::x86 {

// How a step can be taken, the fastest way first.
enum class Step : std::uint8_t { folded, paired, widened };

// What the product asks of V besides the kernels' operations. `Bytes` and `Vec16` are the same vectors as `Vec`.
template <class V>
concept FoldedOperations = requires(typename V::Vec a, const std::uint8_t *from, std::int16_t value) {
  // A panel's next vector, from an address aligned to its size.
  V::load_vector(from);
  // Four bytes in all lanes.
  V::broadcast4(from);
  // Unsigned by signed bytes, two products added in 16 bits with saturation.
  V::multiply_bytes(a, a);
  // Lanes of 16 bits, two products added in 32 bits.
  V::multiply_pairs(a, a);
  V::add16(a, a);
  V::set16(value);
  // Every second byte, widened to 16 bits: as signed and as unsigned.
  V::even_codes(a);
  V::odd_codes(a);
  V::even_bytes(a);
  V::odd_bytes(a);
};

// The product for operations V, on bytes: V::Element are inputs as 0..255, and weights, which are the same bytes read
// as signed. A folded step is two steps of four inputs; the last of an odd number of steps is never folded.
template <class V> struct FoldedProduct : vector::RowsInPlace<V> {
  using Vec = typename V::Vec;
  using Rows = vector::RowsInPlace<V>;
  using Element = std::uint8_t;
  using Input = typename Rows::Input;
  using Rows::group;
  using Rows::lanes;
  using Rows::tile_rows;
  static_assert(group == 4); // bytes of a lane of 32 bits

  // Most that the weights of one sign in a lane may add up to.
  static constexpr int lane_bound = 128;
  static_assert(255 * lane_bound <= 32767);

  static constexpr bool keeps_bound(std::initializer_list<int> weights) {
    int positive = 0;
    int negative = 0;
    for (const int weight : weights)
      (weight > 0 ? positive : negative) += weight;
    return positive <= lane_bound && negative >= -lane_bound;
  }

  // Of the eight weights of one column, which are two lanes: each has two of the first four and two of the last.
  static constexpr Step step_of(const std::int8_t (&w)[8]) {
    if (keeps_bound({w[0], w[1], w[4], w[5]}) && keeps_bound({w[2], w[3], w[6], w[7]}))
      return Step::folded;
    for (int pair = 0; pair < 8; pair += 2)
      if (!keeps_bound({w[pair], w[pair + 1]}))
        return Step::widened;
    return Step::paired;
  }

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

  template <int vectors, int tall = V::tile_rows> class Sums : public Rows::template Accumulators<vectors, tall> {
    using Base = typename Rows::template Accumulators<vectors, tall>;
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
    // Step `number` of eight inputs.
    template <bool folded>
    INTVIT_INLINE void multiply(const Input &input, const Element *panel, std::ptrdiff_t number) {
      const Element *weights = panel + number * 2 * step_bytes;
      const std::ptrdiff_t k = number * 2 * group;
      const Vec ones = V::set16(1);
#pragma GCC unroll 16
      for (int r = 0; r < tall; ++r) {
        const Vec first = V::broadcast4(input.rows[r] + k);
        const Vec second = V::broadcast4(input.rows[r] + k + group);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
          const Vec a = V::multiply_bytes(first, V::load_vector(weights + std::ptrdiff_t{v} * lanes * group));
          const Vec b =
              V::multiply_bytes(second, V::load_vector(weights + step_bytes + std::ptrdiff_t{v} * lanes * group));
          const Vec sum = folded ? V::multiply_pairs(V::add16(a, b), ones)
                                 : V::add(V::multiply_pairs(a, ones), V::multiply_pairs(b, ones));
          sums_[r][v] = V::add(sums_[r][v], sum);
        }
      }
    }

    // One step of four inputs, any weights. Products of even and odd bytes, each widened to 16 bits, are below 2^15 in
    // magnitude, and vpmaddwd adds two of them in 32 bits.
    INTVIT_INLINE void widen(const Input &input, const Element *panel, std::ptrdiff_t step) {
      const Element *weights = panel + step * step_bytes;
      Vec even[std::size_t{vectors}];
      Vec odd[std::size_t{vectors}];
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) {
        const Vec bytes = V::load_vector(weights + std::ptrdiff_t{v} * lanes * group);
        even[v] = V::even_codes(bytes);
        odd[v] = V::odd_codes(bytes);
      }
#pragma GCC unroll 16
      for (int r = 0; r < tall; ++r) {
        const Vec bytes = V::broadcast4(input.rows[r] + step * group);
        const Vec even_inputs = V::even_bytes(bytes);
        const Vec odd_inputs = V::odd_bytes(bytes);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
          sums_[r][v] = V::add(sums_[r][v],
                               V::add(V::multiply_pairs(even_inputs, even[v]), V::multiply_pairs(odd_inputs, odd[v])));
      }
    }
  };
};

} // namespace intvit::kernels::x86

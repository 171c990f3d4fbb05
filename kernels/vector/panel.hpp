// What the tiled kernels share: the order of a panel's columns, its constants, and the matrix product of a tile.
//
// A class V of an instruction set's operations brings
//   Vec               a vector of `lanes` 32-bit integers
//   Element, group    a packed input or weight, and how many of them one dot() adds up in a lane
//   bias              added to every int8 input to suit the instruction; taken back out by starting accumulators at
//                     -bias * sum(weight), which is exact modulo 2^32, and the true accumulator fits 32 bits
//   weight_bias       the same for attention weights, which are not negative and at most 255
//   reads_codes       whether dot() can take int8 codes from where they lie, or they are to be converted first
//   tile_rows, tile_vectors    the tile that fits its registers
//   offset_place()    where among a vector's 64-bit offsets that of a lane stands: multiplications to 64 bits take half
//                     of the lanes at a time
// and the operations that are used below; kernels/x86/avx512.hpp is a complete example.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/inline.hpp"
#include "kernels/requantize.hpp"

namespace intvit::kernels::vector {

// A panel is V::tile_vectors vectors of columns. Narrowing vectors to 16 and to 8 bits interleaves blocks of four lanes
// on x86; with the columns in this order the codes come out in theirs.
template <class V> struct Panel {
  static constexpr int vectors = V::tile_vectors;
  static constexpr int columns = vectors * V::lanes;
  static_assert(vectors % 2 == 0, "vectors are narrowed in pairs");

  static constexpr int column(int vector, int lane) { return lane / 4 * (4 * vectors) + 4 * vector + lane % 4; }
  // The same for 16-bit lanes of a pair of vectors.
  static constexpr int word_column(int pair, int lane) { return lane / 8 * (4 * vectors) + 8 * pair + lane % 8; }

  static constexpr std::ptrdiff_t constants_bytes =
      columns * static_cast<std::ptrdiff_t>(3 * sizeof(std::int32_t) + sizeof(std::int64_t));
};

// A panel's constants, in the order of its columns. Multiplications to 64 bits take the even lanes of a vector:
// odd_multiplier is a copy in which the odd lanes have been moved there, offset has a vector's even lanes before its
// odd ones. Instruction sets that multiply other halves say so by V::offset_place() and leave odd_multiplier alone.
template <class V, typename Byte> struct PanelConstants {
  template <typename T> using Pointer = std::conditional_t<std::is_const_v<Byte>, const T *, T *>;

  Pointer<std::int64_t> offset;
  Pointer<std::int32_t> start; // of the accumulators
  Pointer<std::int32_t> multiplier;
  Pointer<std::int32_t> odd_multiplier;

  explicit PanelConstants(Byte *bytes)
      : offset(reinterpret_cast<Pointer<std::int64_t>>(bytes)),
        start(reinterpret_cast<Pointer<std::int32_t>>(offset + Panel<V>::columns)),
        multiplier(start + Panel<V>::columns), odd_multiplier(multiplier + Panel<V>::columns) {}
};

template <class V>
void place_multiplier(std::int32_t value, int vector, int lane, std::int32_t *even, std::int32_t *odd) {
  even[vector * V::lanes + lane] = value;
  if (lane % 2 == 1)
    odd[vector * V::lanes + lane - 1] = value;
}

// Puts column `column` of `r` where lane `lane` of vector `vector` of a panel finds it.
template <class V>
void place(const Requantization &r, std::ptrdiff_t column, int vector, int lane,
           const PanelConstants<V, std::byte> &constants) {
  place_multiplier<V>(r.multiplier[column], vector, lane, constants.multiplier, constants.odd_multiplier);
  constants.offset[vector * V::lanes + V::offset_place(lane)] = r.offset[column];
}

// requantize() of a row of a panel's accumulators.
template <class V>
INTVIT_INLINE void requantize_row(const PanelConstants<V, const std::byte> &constants, int shift,
                                  typename V::Vec (&row)[std::size_t{V::tile_vectors}]) {
#pragma GCC unroll 8
  for (int v = 0; v < V::tile_vectors; ++v) {
    const int at = v * V::lanes;
    row[v] = V::requantize(row[v], V::load(constants.multiplier + at), V::load(constants.odd_multiplier + at),
                           V::load64(constants.offset + at), V::load64(constants.offset + at + V::lanes / 2), shift);
  }
}

// What a dot product's inputs are.
enum class Inputs {
  codes,   // int8 codes, or what V::prepare made of them
  weights, // attention weights, not negative
};

// Memory that will be wanted soon: `step` bytes further with every step of a product.
struct Ahead {
  const std::byte *at;
  std::ptrdiff_t step;
};

// sums[r][v] += rows of input times a panel [steps][vectors][lanes][group].
template <class V, Inputs inputs, int vectors>
INTVIT_INLINE void add_products(typename V::Vec (&sums)[std::size_t{V::tile_rows}][std::size_t{vectors}],
                                const typename V::Element *const (&input)[std::size_t{V::tile_rows}],
                                const typename V::Element *panel, int steps, Ahead *ahead = nullptr) {
  const typename V::Element *rows[std::size_t{V::tile_rows}];
#pragma GCC unroll 16
  for (int r = 0; r < V::tile_rows; ++r)
    rows[r] = input[r];
  const std::byte *fetch = ahead != nullptr ? ahead->at : nullptr;
  const std::ptrdiff_t fetch_step = ahead != nullptr ? ahead->step : 0;
#pragma GCC unroll 2
  for (std::ptrdiff_t k = 0; k < std::ptrdiff_t{steps} * V::group; k += V::group) {
    if (ahead != nullptr) {
      __builtin_prefetch(fetch, 0, 2);
      fetch += fetch_step;
    }
    typename V::Vec weights[std::size_t{vectors}];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v)
      weights[v] = V::load_elements(panel + (k * vectors + v * V::group) * V::lanes);
#pragma GCC unroll 16
    for (int r = 0; r < V::tile_rows; ++r) {
      const typename V::Vec a =
          inputs == Inputs::codes ? V::broadcast_codes(rows[r] + k) : V::broadcast_weights(rows[r] + k);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v)
        sums[r][v] = V::dot(sums[r][v], a, weights[v]);
    }
  }
  if (ahead != nullptr)
    ahead->at = fetch;
}

// A tile's product through memory: to[r][] = start[] + rows of input times a panel. Never inlined: what surrounds the
// loop would not leave it enough registers.
template <class V, Inputs inputs, int vectors>
[[gnu::noinline]] void multiply_tile(const typename V::Element *const (&input)[std::size_t{V::tile_rows}],
                                     const typename V::Element *panel, int steps, const std::int32_t *start,
                                     std::int32_t *to, std::ptrdiff_t to_stride) {
  typename V::Vec sums[std::size_t{V::tile_rows}][std::size_t{vectors}];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    const typename V::Vec first = V::load(start + v * V::lanes);
#pragma GCC unroll 16
    for (int r = 0; r < V::tile_rows; ++r)
      sums[r][v] = first;
  }
  add_products<V, inputs, vectors>(sums, input, panel, steps);
#pragma GCC unroll 16
  for (int r = 0; r < V::tile_rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v)
      V::store(to + r * to_stride + v * V::lanes, sums[r][v]);
}

} // namespace intvit::kernels::vector

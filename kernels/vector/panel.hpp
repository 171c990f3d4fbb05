// Panels: how the tiled kernels keep matrices that they multiply by.
//
// A linear map's output columns are taken V::tile_vectors * V::lanes at a time, as many as a tile of the product
// (tile_product.hpp) has accumulators for. A panel is the weights of these columns and the constants of their epilogue,
// rearranged so that the product reads them from the first to the last byte: for every step of V::group inputs, the
// group's weights of each column. Attention packs its keys and values in the same way.
//
// The order of a panel's columns is that of a tile's lanes, not that of the output (Panel::column()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/inline.hpp"
#include "kernels/requantize.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

// Steps of a product over so many inputs.
template <class V> constexpr int steps(int inputs) {
  return (inputs + V::group - 1) / V::group;
}

template <class V> struct Panel {
  static constexpr int vectors = V::tile_vectors;
  static constexpr int columns = vectors * V::lanes;

  // Which column stands in a lane of a vector. Narrowing vectors to 16 and to 8 bits interleaves blocks of four lanes
  // on x86; with the columns in this order, the narrowed codes come out in the order of the output. With four lanes it
  // is the natural order.
  static constexpr int column(int vector, int lane) { return lane / 4 * (4 * vectors) + 4 * vector + lane % 4; }
  // The same for the lanes of 16 bits that a pair of vectors is narrowed to.
  static constexpr int column16(int pair, int lane) { return lane / 8 * (4 * vectors) + 8 * pair + lane % 8; }

  static constexpr std::ptrdiff_t constants_bytes =
      columns * static_cast<std::ptrdiff_t>(3 * sizeof(std::int32_t) + sizeof(std::int64_t));
};

// The constants of a panel's columns, in the panel's order, so that every vector of them is loaded as it is used:
// `multiplier` by lanes, `odd_multiplier` as V::odd_lanes() of it, `offset` by V::offset_place().
template <class V, typename Byte> struct PanelConstants {
  template <typename T> using Pointer = std::conditional_t<std::is_const_v<Byte>, const T *, T *>;

  Pointer<std::int64_t> offset;
  Pointer<std::int32_t> start; // of the accumulators: minus what the product adds too much (V::code_bias)
  Pointer<std::int32_t> multiplier;
  Pointer<std::int32_t> odd_multiplier;

  explicit PanelConstants(Byte *bytes)
      : offset(reinterpret_cast<Pointer<std::int64_t>>(bytes)),
        start(reinterpret_cast<Pointer<std::int32_t>>(offset + Panel<V>::columns)),
        multiplier(start + Panel<V>::columns), odd_multiplier(multiplier + Panel<V>::columns) {}
};

// A panel that is ready for the product: its elements [steps][columns][V::group], its constants, and what the product
// noted of its weights.
template <class V> struct PanelView {
  const typename V::Element *weights;
  const std::byte *constants;
  const std::byte *notes;
};

// Puts a multiplier where lane `lane` of vector `vector` finds it; odd lanes' also into the even lanes before them.
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
template <RowOperations V>
INTVIT_INLINE void requantize_row(const PanelConstants<V, const std::byte> &constants, int shift,
                                  typename V::Vec (&row)[std::size_t{V::tile_vectors}]) {
#pragma GCC unroll 8
  for (int v = 0; v < V::tile_vectors; ++v) {
    const int at = v * V::lanes;
    row[v] = V::requantize(row[v], V::load(constants.multiplier + at), V::load(constants.odd_multiplier + at),
                           V::load64(constants.offset + at), V::load64(constants.offset + at + V::lanes / 2), shift);
  }
}

} // namespace intvit::kernels::vector

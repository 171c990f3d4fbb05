// Rows of codes, packed so that other rows can be multiplied by all of them: attention's keys, and those of tokens that
// others are compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/vector/operations.hpp"
#include "kernels/vector/panel.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::vector {

// Panels of keys [steps][vectors][lanes][group] one after the other, of one to V::tile_vectors vectors of keys each.
// Keys stand in their order: scores are stored to memory, so no order of lanes has to be undone.
template <SoftmaxOperations V> class KeyPanels {
  using Element = typename V::Element;
  using Product = TileProduct<V>;

  static constexpr int lanes = V::lanes;
  static constexpr int vectors = V::tile_vectors;
  static constexpr int group = V::group;

public:
  template <int n> struct Count { static constexpr int value = n; };

  static constexpr int vectors_of(int keys) { return (keys + lanes - 1) / lanes; }

  // Whether keys of so many codes are read where they lie. Otherwise they are converted first.
  static bool in_place(int codes) { return V::reads_codes && codes % group == 0; }

  // work(a constant n, vector): for tiles of n vectors of keys from `vector` on, together all keys. Tiles are almost
  // equally wide, so that none is left with a single vector, which would use the product badly.
  template <typename Work> static void for_each_tile(int key_vectors, const Work &work) {
    const int tiles = (key_vectors + vectors - 1) / vectors;
    for (int tile = 0, vector = 0; tile < tiles; ++tile) {
      const int end = key_vectors * (tile + 1) / tiles;
      with_count<1>(end - vector, [&](auto n) { work(n, vector); });
      vector = end;
    }
  }

  // Packs `count` keys of so many codes, which key(i) points to. Where the last vector is not full, its last keys are
  // zeros. `starts`: what the product with each key starts at. `prepared` has room for a key of whole groups.
  template <typename Key>
  static void pack(int count, int codes, const Key &key, Element *prepared, Element *panels, std::int32_t *starts) {
    const int steps = vector::steps<V>(codes);
    for_each_tile(vectors_of(count), [&](auto n, int vector) {
      constexpr int width = decltype(n)::value * lanes;
      Element *tile = panels + std::ptrdiff_t{vector} * lanes * steps * group;
      for (int i = 0; i < width; ++i) {
        Element *to = tile + i * group;
        if (vector * lanes + i >= count) {
          for (int s = 0; s < steps; ++s)
            std::memset(to + std::ptrdiff_t{s} * width * group, 0, group * sizeof(Element));
          continue;
        }
        const std::int8_t *row = key(vector * lanes + i);
        const auto *from = reinterpret_cast<const Element *>(row);
        if (!in_place(codes)) {
          V::codes_to_elements(row, codes, prepared, steps * group);
          from = prepared;
        }
        for (int s = 0; s < steps; ++s)
          std::memcpy(to + std::ptrdiff_t{s} * width * group, from + s * group, group * sizeof(Element));
      }
      std::int32_t *tile_starts = starts + std::ptrdiff_t{vector} * lanes;
      if constexpr (V::code_bias == 0)
        std::memset(tile_starts, 0, width * sizeof(std::int32_t));
      else
        Product::template cancel_bias<V::code_bias, decltype(n)::value>(tile, steps, tile_starts);
    });
  }

private:
  template <int n, typename Work> static void with_count(int count, const Work &work) {
    if constexpr (n < vectors) {
      if (count > n)
        return with_count<n + 1>(count, work);
    }
    work(Count<n>{});
  }
};

} // namespace intvit::kernels::vector

// Panels of int8 weights: elements [steps][columns][V::group], ready for the product, then the panel's constants and
// the product's notes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/linear.hpp"
#include "kernels/vector/panel.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::vector {

template <ElementOperations V> class Int8Panels {
  using Element = typename V::Element;
  using Product = TileProduct<V>;

  static constexpr int group = V::group;
  static constexpr int columns = Panel<V>::columns;

  static constexpr std::ptrdiff_t weight_bytes(int in_features) {
    return std::ptrdiff_t{steps<V>(in_features)} * columns * group * static_cast<std::ptrdiff_t>(sizeof(Element));
  }
  static constexpr std::ptrdiff_t panel_bytes(int in_features) {
    return weight_bytes(in_features) + Panel<V>::constants_bytes + (Product::notes_bytes(in_features) + 63) / 64 * 64;
  }

public:
  static constexpr WeightFormat format = WeightFormat::int8;

  static std::size_t packed_bytes(const WeightsView &weights) {
    const std::ptrdiff_t panels = (weights.out_features + columns - 1) / columns;
    return static_cast<std::size_t>(panels * panel_bytes(weights.in_features));
  }

  static void pack(const WeightsView &weights, const Requantization &requantization, std::byte *packed) {
    const int in_features = weights.in_features;
    for (int first = 0; first < weights.out_features; first += columns, packed += panel_bytes(in_features)) {
      std::memset(packed, 0, static_cast<std::size_t>(panel_bytes(in_features)));
      auto *elements = reinterpret_cast<Element *>(packed);
      const PanelConstants<V, std::byte> constants(packed + weight_bytes(in_features));
      std::byte *notes = packed + weight_bytes(in_features) + Panel<V>::constants_bytes;
      for (int v = 0; v < Panel<V>::vectors; ++v)
        for (int lane = 0; lane < V::lanes; ++lane) {
          const int column = first + Panel<V>::column(v, lane);
          if (column >= weights.out_features)
            continue;
          const std::int8_t *row = weights.int8 + std::ptrdiff_t{column} * in_features;
          const int place_in_panel = v * V::lanes + lane;
          // In unsigned integers, which wrap around: the start is needed modulo 2^32 only (V::code_bias).
          std::uint32_t sum = 0;
          NotedColumn<Product> noted(notes);
          for (int k = 0; k < in_features; ++k) {
            sum += static_cast<std::uint32_t>(row[k]);
            noted.add(row[k]);
          }
          noted.finish();
          Element *to = elements + std::ptrdiff_t{place_in_panel} * group;
          for (int k = 0; k < in_features; k += group, to += std::ptrdiff_t{columns} * group) {
            Element together[std::size_t{group}] = {};
            for (int g = 0; g < group && k + g < in_features; ++g)
              together[g] = static_cast<Element>(row[k + g]);
            std::memcpy(to, together, sizeof together);
          }
          constants.start[place_in_panel] =
              static_cast<std::int32_t>(0U - static_cast<std::uint32_t>(V::code_bias) * sum);
          place<V>(requantization, column, v, lane, constants);
        }
      if constexpr (Product::noted_inputs > 0)
        Product::finish_notes(in_features, notes);
    }
  }

  static constexpr std::ptrdiff_t decoded_bytes(int) { return 0; }

  static const std::byte *begin(const LinearArgs &args, int panel) {
    return args.packed + panel * panel_bytes(args.in_features);
  }
  static std::ptrdiff_t bytes(const LinearArgs &args, int) { return panel_bytes(args.in_features); }
  static PanelView<V> view(const LinearArgs &args, int panel, Element *) {
    const std::byte *packed = begin(args, panel);
    const std::byte *constants = packed + weight_bytes(args.in_features);
    return {reinterpret_cast<const Element *>(packed), constants, constants + Panel<V>::constants_bytes};
  }
};

} // namespace intvit::kernels::vector

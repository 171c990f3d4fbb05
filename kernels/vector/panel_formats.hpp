// The formats of weights that the tiled kernels read: a class of panels for each.
#pragma once

#include <concepts>
#include <cstddef>

#include "kernels/linear.hpp"
#include "kernels/vector/four_bits_panel.hpp"
#include "kernels/vector/int8_panel.hpp"

namespace intvit::kernels::vector {

// How the weights of one format are kept, P, for the operations V.
template <class P, class V>
concept PanelFormatFor = requires(const WeightsView &weights, const Requantization &requantization, std::byte *packed,
                                  const LinearArgs &args, int panel, int in_features, typename V::Element *decoded) {
  { P::format } -> std::convertible_to<WeightFormat>;
  // PackedFormat's, of weights of this format.
  { P::packed_bytes(weights) } -> std::same_as<std::size_t>;
  P::pack(weights, requantization, packed);
  // Bytes of a panel's elements where they have to be decoded; 0 where they are packed as elements.
  { P::decoded_bytes(in_features) } -> std::same_as<std::ptrdiff_t>;
  // Where a panel lies in args.packed, for fetching it ahead.
  { P::begin(args, panel) } -> std::same_as<const std::byte *>;
  { P::bytes(args, panel) } -> std::same_as<std::ptrdiff_t>;
  // The panel as the product reads it: in place or in `decoded`, which the next call may overwrite.
  { P::view(args, panel, decoded) } -> std::same_as<PanelView<V>>;
};

// PanelFormatFor's last members of a format that is known at run time.
template <class V> struct PanelReader {
  bool decodes;
  const std::byte *(*begin)(const LinearArgs &args, int panel);
  std::ptrdiff_t (*bytes)(const LinearArgs &args, int panel);
  PanelView<V> (*view)(const LinearArgs &args, int panel, typename V::Element *decoded);
};

template <class V, PanelFormatFor<V>... Panels> struct PanelFormatList {
  static_assert(sizeof...(Panels) == weight_format_count, "every format has panels");

  // A record of every format: record(panels of the format), in the order of WeightFormat.
  template <class T, typename Record> static constexpr PerFormat<T> each(const Record &record) {
    PerFormat<T> result{};
    ((result.values[static_cast<std::size_t>(Panels::format)] = record(Panels{})), ...);
    return result;
  }
};

template <class V>
using PanelFormats =
    PanelFormatList<V, Int8Panels<V>, StlqTilePanels<V>, StlqGroupPanels<V>, Int4Panels<V>, Int4WidePanels<V>>;

template <class V>
inline constexpr PerFormat<PanelReader<V>>
    panel_readers = PanelFormats<V>::template each<PanelReader<V>>([](auto panels) {
      using Panels = decltype(panels);
      return PanelReader<V>{Panels::decoded_bytes(1) > 0, Panels::begin, Panels::bytes, Panels::view};
    });

} // namespace intvit::kernels::vector

// Linear maps by either of two products, whichever suits the weights: that of elements widened to 16 bits, or that of
// bytes for weights that are small (folded_product.hpp). What is packed begins with a line that says which.
//
// A template over the classes of a translation unit, so that nothing compiled with its flags can be linked into
// another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "kernels/kernel_table.hpp"
#include "kernels/vector/linear_tile.hpp"
#include "kernels/x86/folded_product.hpp"

namespace intvit::kernels::x86 {

// `Wide` has elements of 16 bits, `Narrow` the folded product.
template <class Wide, FoldedOperations Narrow> class LinearByEither {
  using Widened = vector::LinearTile<Wide>;
  using Folded = vector::LinearTile<Narrow>;
  using Product = FoldedProduct<Narrow>;
  static constexpr int columns = Widened::columns;
  static_assert(columns == Folded::columns);

  static constexpr int tile_rows = std::lcm(Wide::tile_rows, Narrow::tile_rows); // a whole number of either's
  static constexpr std::ptrdiff_t line = 64;

  // Whether the product of bytes is the faster one, judged by eight of the panels. Per step of eight inputs it takes 5,
  // 6 or about 10 instructions an accumulator, folded, paired or widened, and the other product 8 that do as much as 7
  // of these, because it reads twice as many bytes.
  static bool are_small(const WeightsView &weights) {
    if (weights.format != WeightFormat::int8)
      return true; // most words are far below the largest, 64
    const int panels = (weights.out_features + columns - 1) / columns;
    std::int64_t cost = 0;
    std::int64_t steps = 0;
    for (int panel = 0; panel < panels; panel += (panels + 7) / 8)
      for (int input = 0; input + 8 <= weights.in_features; input += 8, ++steps)
        switch (step(weights, panel * columns, input)) {
        case Step::folded:
          cost += 5;
          break;
        case Step::paired:
          cost += 6;
          break;
        case Step::widened:
          cost += 10;
          break;
        }
    return cost < 7 * steps;
  }
  static Step step(const WeightsView &weights, int first_column, int input) {
    auto slowest = Step::folded;
    for (int column = first_column; column < first_column + columns && column < weights.out_features; ++column) {
      std::int8_t eight[8];
      std::memcpy(eight, weights.int8 + std::ptrdiff_t{column} * weights.in_features + input, sizeof eight);
      const Step own = Product::step_of(eight);
      slowest = own > slowest ? own : slowest;
    }
    return slowest;
  }

  template <template <class> class Panels> static PackedFormat format() {
    return {.packed_bytes =
                [](const WeightsView &weights) {
                  return std::size_t{line} + (are_small(weights) ? Panels<Narrow>::packed_bytes(weights)
                                                                 : Panels<Wide>::packed_bytes(weights));
                },
            .pack =
                [](const WeightsView &weights, const Requantization &requantization, std::byte *packed) {
                  const bool folded = are_small(weights);
                  std::memset(packed, 0, std::size_t{line});
                  packed[0] = std::byte{folded};
                  if (folded)
                    Panels<Narrow>::pack(weights, requantization, packed + line);
                  else
                    Panels<Wide>::pack(weights, requantization, packed + line);
                },
            .scratch_bytes =
                [](int in_features) {
                  const std::size_t widened = Widened::template scratch_bytes<Panels<Wide>>(in_features);
                  const std::size_t folded = Folded::template scratch_bytes<Panels<Narrow>>(in_features);
                  return widened > folded ? widened : folded;
                }};
  }

  static void run(const LinearArgs &args, Range rows, Range wanted) {
    LinearArgs inner = args;
    inner.packed += line;
    if (args.packed[0] != std::byte{0})
      Folded::run(inner, rows, wanted);
    else
      Widened::run(inner, rows, wanted);
  }

public:
  static LinearKernel kernel() {
    return {.tile_rows = tile_rows,
            .tile_columns = columns,
            .formats = PerFormat<PackedFormat>::of(format<vector::Int8Panels>(), format<vector::StlqTilePanels>(),
                                                   format<vector::StlqGroupPanels>(), format<vector::Int4Panels>(),
                                                   format<vector::Int4WidePanels>()),
            .run = run};
  }
};

} // namespace intvit::kernels::x86

// The tiled matrix product that all vector instruction sets share (docs/numerics.md, "Linear").
//
// A translation unit of its own instantiates this with a class V of the instruction set's operations, so that nothing
// compiled with its flags can be linked into another. A tile, V::tile_rows rows by one panel, is accumulated in
// registers over all inputs, then goes through the epilogue row by row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_table.hpp"
#include "kernels/vector/input_rows.hpp"
#include "kernels/vector/linear_epilogue.hpp"
#include "kernels/vector/panel_formats.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::vector {

template <class V> class LinearTile {
  using Vec = typename V::Vec;
  using Element = typename V::Element;
  using Rows = InputRows<V>;

  static constexpr int vectors = V::tile_vectors;
  static constexpr int tile_rows = V::tile_rows;

  // How many bytes of input rows go past all panels before the next rows do: what the second cache holds beside a
  // panel. The more rows, the less often panels are read.
  static constexpr std::ptrdiff_t part_bytes = std::ptrdiff_t{512} * 1024;

  // A panel that has to be decoded is decoded once for at least so many rows, where rows are read in place. With fewer,
  // decoding would cost more than reading inputs that the second cache does not hold.
  static constexpr int least_decoded_rows = 36 * tile_rows;

  static constexpr int part_rows(int in_features) {
    const auto tiles = static_cast<int>(part_bytes / Rows::row_bytes(in_features) / tile_rows);
    return (tiles < 8 ? 8 : tiles) * tile_rows;
  }
  static constexpr std::ptrdiff_t rows_scratch_bytes(int in_features) {
    return Rows::scratch_bytes(in_features, part_rows(in_features));
  }

public:
  static constexpr int columns = Panel<V>::columns;

  // Input rows in the form that the product reads, then a decoded panel.
  template <class Panels> static std::size_t scratch_bytes(int in_features) {
    return static_cast<std::size_t>(rows_scratch_bytes(in_features) + Panels::decoded_bytes(in_features));
  }

  static void run(const LinearArgs &args, Range rows, Range wanted) {
    switch (args.epilogue) {
    case Epilogue::requantize:
      return run_parts<Epilogue::requantize>(args, rows, wanted);
    case Epilogue::requantize16:
      return run_parts<Epilogue::requantize16>(args, rows, wanted);
    case Epilogue::gelu:
      return run_parts<Epilogue::gelu>(args, rows, wanted);
    case Epilogue::residual:
      return run_parts<Epilogue::residual>(args, rows, wanted);
    case Epilogue::logits:
      return run_parts<Epilogue::logits>(args, rows, wanted);
    }
  }

private:
  template <Epilogue epilogue> static void run_parts(const LinearArgs &args, Range rows, Range wanted) {
    const int count = rows.end - rows.begin;
    if (count <= 0)
      return;
    // Equal parts, so that no part is left with a few rows for which all panels would be read again.
    int most = part_rows(args.in_features);
    if (panel_readers<V>[args.weight_format].decodes && Rows::in_place(args.in_features) && most < least_decoded_rows)
      most = least_decoded_rows;
    const int parts = (count + most - 1) / most;
    const int part = ((count + parts - 1) / parts + tile_rows - 1) / tile_rows * tile_rows;
    for (int first = rows.begin; first < rows.end; first += part)
      run_part<epilogue>(args, {first, first + part < rows.end ? first + part : rows.end}, wanted);
  }

  template <Epilogue epilogue> static void run_part(const LinearArgs &args, Range rows, Range wanted) {
    const Rows input(args, rows, part_rows(args.in_features), args.scratch);
    const PanelReader<V> &panels = panel_readers<V>[args.weight_format];
    auto *decoded = reinterpret_cast<Element *>(args.scratch + rows_scratch_bytes(args.in_features));
    // While a panel is worked on, the next one is fetched, a little with every step: a model's weights do not fit the
    // second cache, and the first tile would wait for each line of its panel.
    const std::ptrdiff_t tiles = (rows.end - rows.begin + tile_rows - 1) / tile_rows;
    const int tile_steps = steps<V>(args.in_features);
    const std::ptrdiff_t all_steps = tiles * tile_steps;
    for (int column = wanted.begin; column < wanted.end; column += columns) {
      const int index = column / columns;
      const bool last = column + columns >= wanted.end;
      Ahead ahead{panels.begin(args, index + (last ? 0 : 1)),
                  last ? 0 : (panels.bytes(args, index + 1) + all_steps - 1) / all_steps};
      const PanelView<V> panel = panels.view(args, index, decoded);
      const PanelEpilogue<V, epilogue> finish(args, panel.constants,
                                              {column, column + columns < wanted.end ? column + columns : wanted.end});
      for (int row = rows.begin; row < rows.end; row += tile_rows)
        tile(input, row - rows.begin, panel, tile_steps, finish,
             {row, row + tile_rows < rows.end ? row + tile_rows : rows.end}, ahead);
    }
  }

  template <Epilogue epilogue>
  static void tile(const Rows &input, int first, const PanelView<V> &panel, int steps,
                   const PanelEpilogue<V, epilogue> &finish, Range rows, Ahead &ahead) {
    constexpr int short_rows = TileProduct<V>::short_rows;
    if constexpr (short_rows > 0)
      if (rows.end - rows.begin <= short_rows)
        return last_tile<short_rows>(input, first, panel, steps, finish, rows, ahead);
    multiply<tile_rows>(input, first, panel, steps, finish, rows, ahead);
  }
  // By itself, so that it takes no registers from the other.
  template <int tall, Epilogue epilogue>
  [[gnu::noinline]] static void last_tile(const Rows &input, int first, const PanelView<V> &panel, int steps,
                                          const PanelEpilogue<V, epilogue> &finish, Range rows, Ahead &ahead) {
    multiply<tall>(input, first, panel, steps, finish, rows, ahead);
  }

  // A tile with fewer rows computes its last one several times and drops the results.
  template <int tall, Epilogue epilogue>
  INTVIT_INLINE static void multiply(const Rows &input, int first, const PanelView<V> &panel, int steps,
                                     const PanelEpilogue<V, epilogue> &finish, Range rows, Ahead &ahead) {
    const int count = rows.end - rows.begin;
    typename TileProduct<V>::template Sums<vectors, tall> sums(finish.constants().start);
    sums.template add<Inputs::codes>(input.tile(first, count), panel.weights, panel.notes, steps, &ahead);
#pragma GCC unroll 16
    for (int r = 0; r < tall; ++r)
      if (r < count)
        finish.store(sums.row(r), rows.begin + r);
  }
};

} // namespace intvit::kernels::vector

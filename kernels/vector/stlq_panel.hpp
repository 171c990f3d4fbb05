// Panels of STLQ weights (kernels/stlq.hpp): packed as the words of four bits that they are, and decoded to elements
// each time that a panel is used, so that a model's weights take half of the memory or less.
//
// In this file a tile is STLQ's, 64 outputs by 4 inputs, which have second words together.
//
// The packed bytes begin with a table that says for each panel where it begins and how many of its steps have second
// words, as panels differ in that. A step here is as many inputs of a panel's columns as a tile of the file has, or
// V::group if that is more; a step has second words where any of its tiles has, which are 0 for the others. A panel
// begins at a multiple of 64 bytes:
//   first words      [steps][step_bytes]
//   second words     [steps that have them][step_bytes]
//   constants        PanelConstants
//   which steps      uint32 each, rising: those that have second words
//   notes            the product's
// Words stand in the order of the elements that they become. Byte i of a step holds two of them: the low four bits are
// element i, the high four element i + step_bytes. So one vector of bytes gives two vectors of neighbouring elements,
// by a mask each and a table look-up within registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/linear.hpp"
#include "kernels/vector/panel.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::vector {

template <StlqOperations V> class StlqPanels {
  using Element = typename V::Element;
  using Bytes = typename V::Bytes;
  using Product = TileProduct<V>;

  static constexpr int columns = Panel<V>::columns;
  static constexpr int step_inputs = V::group > stlq_tile_inputs ? V::group : stlq_tile_inputs;
  static constexpr int step_tiles = step_inputs / stlq_tile_inputs;
  static constexpr std::ptrdiff_t step_bytes = std::ptrdiff_t{columns} * step_inputs / 2;
  static constexpr auto vector_bytes = static_cast<std::ptrdiff_t>(sizeof(Bytes));
  static_assert(stlq_tile_outputs % columns == 0 && step_inputs % V::group == 0 && step_inputs % stlq_tile_inputs == 0);
  static_assert(step_bytes % vector_bytes == 0);

  // An entry of the table.
  struct Entry {
    std::ptrdiff_t at = 0; // in bytes, from the table's beginning
    std::ptrdiff_t two_word_steps = 0;
  };
  static constexpr auto entry_bytes = static_cast<std::ptrdiff_t>(sizeof(Entry));

  static constexpr auto list_entry_bytes = static_cast<std::ptrdiff_t>(sizeof(std::uint32_t)); // of which steps

  static constexpr std::ptrdiff_t whole_lines(std::ptrdiff_t bytes) { return (bytes + 63) / 64 * 64; }
  static constexpr int steps_of(int in_features) { return (in_features + step_inputs - 1) / step_inputs; }
  static constexpr int panels(int out_features) { return (out_features + columns - 1) / columns; }
  static constexpr std::ptrdiff_t table_bytes(int out_features) {
    return whole_lines(panels(out_features) * entry_bytes);
  }
  static std::ptrdiff_t panel_bytes(int in_features, std::ptrdiff_t two_word_steps) {
    return whole_lines((steps_of(in_features) + two_word_steps) * step_bytes + Panel<V>::constants_bytes +
                       two_word_steps * list_entry_bytes + Product::notes_bytes(in_features));
  }
  static Entry entry(const std::byte *packed, int panel) {
    Entry result;
    std::memcpy(&result, packed + panel * entry_bytes, sizeof result);
    return result;
  }

  // Where the words of a column's inputs stand in a step.
  struct Places {
    std::ptrdiff_t byte[std::size_t{step_inputs}];
    int shift[std::size_t{step_inputs}];

    explicit Places(int place_in_panel) {
      for (int k = 0; k < step_inputs; ++k) {
        const std::ptrdiff_t element =
            (std::ptrdiff_t{k / V::group} * columns + place_in_panel) * V::group + k % V::group;
        byte[k] = element % step_bytes;
        shift[k] = element < step_bytes ? 0 : 4;
      }
    }
    // `words`: those of the inputs of the step's `tile`, the first input's lowest.
    void put(unsigned words, int tile, std::uint8_t *step) const {
      for (int k = 0; k < stlq_tile_inputs; ++k) {
        const int input = tile * stlq_tile_inputs + k;
        step[byte[input]] |= static_cast<std::uint8_t>((words >> (4 * k) & 15) << shift[input]);
      }
    }
  };

  // Packs the panels of a file's row of tiles, whose rows above have `before` tiles with second words.
  class TileRow {
  public:
    TileRow(const StlqMatrix &matrix, int tile_row, std::ptrdiff_t before)
        : matrix_(matrix), tile_row_(tile_row), before_(before) {
      for (int tile = 0; tile < stlq_tile_column_count(matrix.in_features); ++tile)
        two_word_tiles_ += has_second_words(tile) ? 1 : 0;
      for (int step = 0; step < steps_of(matrix.in_features); ++step)
        two_word_steps_ += step_has_second_words(step) ? 1 : 0;
    }

    std::ptrdiff_t two_word_tiles() const { return two_word_tiles_; }
    std::ptrdiff_t two_word_steps() const { return two_word_steps_; }

    void pack(const Requantization &requantization, int first_column, std::byte *panel) const {
      const int steps = steps_of(matrix_.in_features);
      auto *first = reinterpret_cast<std::uint8_t *>(panel);
      std::uint8_t *second = first + steps * step_bytes;
      std::byte *constants_at = reinterpret_cast<std::byte *>(second + two_word_steps_ * step_bytes);
      const PanelConstants<V, std::byte> constants(constants_at);
      std::byte *list = constants_at + Panel<V>::constants_bytes;
      std::byte *notes = list + two_word_steps_ * list_entry_bytes;
      for (int v = 0; v < Panel<V>::vectors; ++v)
        for (int lane = 0; lane < V::lanes; ++lane) {
          const int column = first_column + Panel<V>::column(v, lane);
          if (column >= matrix_.out_features)
            continue;
          const int place_in_panel = v * V::lanes + lane;
          const std::int32_t sum = put_column(column, Places(place_in_panel), first, second, notes);
          constants.start[place_in_panel] = -V::code_bias * sum;
          place<V>(requantization, column, v, lane, constants);
        }
      if constexpr (Product::noted_inputs > 0)
        Product::finish_notes(matrix_.in_features, notes);
      for (std::uint32_t step = 0; step < static_cast<std::uint32_t>(steps); ++step)
        if (step_has_second_words(static_cast<int>(step))) {
          std::memcpy(list, &step, sizeof step);
          list += sizeof step;
        }
    }

  private:
    bool has_second_words(int tile) const {
      return tile < stlq_tile_column_count(matrix_.in_features) && matrix_.has_second_words(tile_row_, tile);
    }
    bool step_has_second_words(int step) const {
      bool result = false;
      for (int tile = 0; tile < step_tiles; ++tile)
        result = result || has_second_words(step * step_tiles + tile);
      return result;
    }

    // Returns the sum of the column's weights. The loader has proven that 128 times the sum of their magnitudes is
    // below 2^31, so neither it nor its product with V::code_bias overflows.
    std::int32_t put_column(int column, const Places &places, std::uint8_t *first, std::uint8_t *second,
                            std::byte *notes) const {
      const int tiles = stlq_tile_column_count(matrix_.in_features);
      const int row_bytes = stlq_row_bytes(matrix_.in_features);
      const std::uint8_t *row = matrix_.first + std::ptrdiff_t{column} * row_bytes;
      const std::uint8_t *second_row = matrix_.second; // of the next tile that has one; null where none has
      if (second_row != nullptr)
        second_row += before_ * stlq_tile_bytes + std::ptrdiff_t{column % stlq_tile_outputs} * (stlq_tile_inputs / 2);
      std::int32_t sum = 0;
      NotedColumn<Product> noted(notes);
      for (int tile = 0; tile < tiles; ++tile) {
        const int place = tile % step_tiles;
        // A row ends with a single byte where the number of inputs is 4 n + 1 or 4 n + 2.
        const int at = 2 * tile;
        const unsigned words = row[at] | (at + 1 < row_bytes ? unsigned{row[at + 1]} << 8 : 0U);
        places.put(words, place, first);
        unsigned more = 0;
        if (has_second_words(tile)) {
          more = second_row[0] | unsigned{second_row[1]} << 8;
          places.put(more, place, second);
          second_row += stlq_tile_bytes;
        }
        for (int k = 0; k < stlq_tile_inputs; ++k) {
          const std::int8_t value = stlq_value(words >> (4 * k) & 15, more >> (4 * k) & 15);
          sum += value;
          noted.add(value);
        }
        if (place == step_tiles - 1) {
          first += step_bytes;
          second += step_has_second_words(tile / step_tiles) ? step_bytes : 0;
        }
      }
      noted.finish();
      return sum;
    }

    const StlqMatrix &matrix_;
    int tile_row_;
    std::ptrdiff_t before_;
    std::ptrdiff_t two_word_tiles_ = 0;
    std::ptrdiff_t two_word_steps_ = 0;
  };

  // work(row of tiles, first column, entry) for every panel.
  template <typename Work> static Entry for_each_panel(const StlqMatrix &matrix, const Work &work) {
    Entry next{table_bytes(matrix.out_features), 0};
    std::ptrdiff_t before = 0;
    for (int tile_row = 0; tile_row < stlq_tile_row_count(matrix.out_features); ++tile_row) {
      const TileRow row(matrix, tile_row, before);
      next.two_word_steps = row.two_word_steps();
      const int end = (tile_row + 1) * stlq_tile_outputs;
      for (int column = tile_row * stlq_tile_outputs; column < end && column < matrix.out_features; column += columns) {
        work(row, column, next);
        next.at += panel_bytes(matrix.in_features, next.two_word_steps);
      }
      before += row.two_word_tiles();
    }
    return next;
  }

public:
  static constexpr WeightFormat format = WeightFormat::stlq;

  static std::size_t packed_bytes(const WeightsView &weights) {
    return static_cast<std::size_t>(for_each_panel(weights.stlq, [](const TileRow &, int, const Entry &) {}).at);
  }

  static void pack(const WeightsView &weights, const Requantization &requantization, std::byte *packed) {
    std::memset(packed, 0, packed_bytes(weights));
    for_each_panel(weights.stlq, [&](const TileRow &row, int column, const Entry &entry) {
      std::memcpy(packed + column / columns * entry_bytes, &entry, sizeof entry);
      row.pack(requantization, column, packed + entry.at);
    });
  }

  static constexpr std::ptrdiff_t decoded_bytes(int in_features) {
    return whole_lines(std::ptrdiff_t{2} * steps_of(in_features) * step_bytes *
                       static_cast<std::ptrdiff_t>(sizeof(Element)));
  }

  static const std::byte *begin(const LinearArgs &args, int panel) {
    return args.packed + entry(args.packed, panel).at;
  }
  static std::ptrdiff_t bytes(const LinearArgs &args, int panel) {
    return panel_bytes(args.in_features, entry(args.packed, panel).two_word_steps);
  }

  // Not inlined into the product, which has no registers to spare.
  [[gnu::noinline]] static PanelView<V> view(const LinearArgs &args, int panel, Element *decoded) {
    const Entry found = entry(args.packed, panel);
    const int steps = steps_of(args.in_features);
    const auto *first = reinterpret_cast<const std::uint8_t *>(args.packed + found.at);
    const std::uint8_t *second = first + steps * step_bytes;
    const auto *constants = reinterpret_cast<const std::byte *>(second + found.two_word_steps * step_bytes);
    // Where all steps have second words, none is decoded without.
    const std::ptrdiff_t end = found.two_word_steps == steps ? 0 : steps * step_bytes;
    for (std::ptrdiff_t at = 0; at < end; at += step_bytes)
#pragma GCC unroll 4
      for (std::ptrdiff_t i = 0; i < step_bytes; i += vector_bytes) {
        const Bytes words = V::load_bytes(first + at + i);
        Element *elements = decoded + 2 * at + i;
        V::store_elements(elements, V::stlq_values(V::low_nibbles(words)));
        V::store_elements(elements + step_bytes, V::stlq_values(V::high_nibbles(words)));
      }
    const std::byte *list = constants + Panel<V>::constants_bytes;
    for (std::ptrdiff_t n = 0; n < found.two_word_steps; ++n, second += step_bytes) {
      std::uint32_t step = 0;
      std::memcpy(&step, list + n * list_entry_bytes, sizeof step);
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(step) * step_bytes;
#pragma GCC unroll 4
      for (std::ptrdiff_t i = 0; i < step_bytes; i += vector_bytes) {
        const Bytes words = V::load_bytes(first + at + i);
        const Bytes more = V::load_bytes(second + i);
        Element *elements = decoded + 2 * at + i;
        V::store_elements(
            elements, V::add_stlq_values(V::stlq_values(V::low_nibbles(words)), V::stlq_values(V::low_nibbles(more))));
        V::store_elements(elements + step_bytes, V::add_stlq_values(V::stlq_values(V::high_nibbles(words)),
                                                                    V::stlq_values(V::high_nibbles(more))));
      }
    }
    return {decoded, constants, list + found.two_word_steps * list_entry_bytes};
  }
};

} // namespace intvit::kernels::vector

// Panels of STLQ weights (kernels/stlq.hpp): packed as the words they are, decoded to a panel of elements a call.
//
// The packed bytes begin with a table of where each panel begins and how many of its steps have second words; panels
// differ in that. A step is four inputs of a panel's columns, so that a tile of the file is a whole number of them. A
// panel, at a multiple of 64 bytes:
//   first words      [steps][step_bytes]
//   second words     [steps that have them][step_bytes]
//   its constants    as any panel's
//   those steps      uint32, rising
// The words of a step stand in the order of its elements, of which byte i holds two, half a step apart: element i in
// its low half, element i + step_bytes in its high half. So two masks make two runs of elements out of a vector of
// bytes, and a table look-up within registers their values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/stlq.hpp"
#include "kernels/vector/panel.hpp"

namespace intvit::kernels::vector {

template <class V> class StlqPanels {
  using Element = typename V::Element;
  using Bytes = typename V::Bytes;

  static constexpr int columns = Panel<V>::columns;
  static constexpr std::ptrdiff_t step_bytes = std::ptrdiff_t{columns} * stlq_tile_inputs / 2;
  static constexpr auto vector_bytes = static_cast<std::ptrdiff_t>(sizeof(Bytes));
  static_assert(stlq_tile_outputs % columns == 0 && stlq_tile_inputs % V::group == 0);
  static_assert(step_bytes % vector_bytes == 0);

  // An entry of the table.
  struct Entry {
    std::ptrdiff_t at = 0; // in bytes, from the table's beginning
    std::ptrdiff_t two_word_steps = 0;
  };
  static constexpr auto entry_bytes = static_cast<std::ptrdiff_t>(sizeof(Entry));

  static constexpr std::ptrdiff_t whole_lines(std::ptrdiff_t bytes) { return (bytes + 63) / 64 * 64; }
  static constexpr int panels(int out_features) { return (out_features + columns - 1) / columns; }
  static constexpr std::ptrdiff_t table_bytes(int out_features) {
    return whole_lines(panels(out_features) * entry_bytes);
  }
  static std::ptrdiff_t panel_bytes(int in_features, std::ptrdiff_t two_word_steps) {
    return whole_lines((stlq_tile_columns(in_features) + two_word_steps) * step_bytes + Panel<V>::constants_bytes +
                       two_word_steps * static_cast<std::ptrdiff_t>(sizeof(std::uint32_t)));
  }
  static Entry entry(const std::byte *packed, int panel) {
    Entry result;
    std::memcpy(&result, packed + panel * entry_bytes, sizeof result);
    return result;
  }

  // Where the words of a column's four inputs of a step stand.
  struct Places {
    std::ptrdiff_t byte[std::size_t{stlq_tile_inputs}];
    int shift[std::size_t{stlq_tile_inputs}];

    explicit Places(int place_in_panel) {
      for (int k = 0; k < stlq_tile_inputs; ++k) {
        const std::ptrdiff_t element =
            (std::ptrdiff_t{k / V::group} * columns + place_in_panel) * V::group + k % V::group;
        byte[k] = element % step_bytes;
        shift[k] = element < step_bytes ? 0 : 4;
      }
    }
    // `words`: four, the first input's lowest.
    void put(unsigned words, std::uint8_t *step) const {
      for (int k = 0; k < stlq_tile_inputs; ++k)
        step[byte[k]] |= static_cast<std::uint8_t>((words >> (4 * k) & 15) << shift[k]);
    }
  };

  // Packs the panels of a file's row of tiles, `before` of whose second words belong to rows above.
  class TileRow {
  public:
    TileRow(const StlqMatrix &matrix, int tile_row, std::ptrdiff_t before)
        : matrix_(matrix), tile_row_(tile_row), before_(before) {
      for (int tile = 0; tile < stlq_tile_columns(matrix.in_features); ++tile)
        two_word_steps_ += matrix.has_second_words(tile_row, tile) ? 1 : 0;
    }

    std::ptrdiff_t two_word_steps() const { return two_word_steps_; }

    void pack(const Requantization &requantization, int first_column, std::byte *panel) const {
      const int steps = stlq_tile_columns(matrix_.in_features);
      auto *first = reinterpret_cast<std::uint8_t *>(panel);
      std::uint8_t *second = first + steps * step_bytes;
      std::byte *constants_at = reinterpret_cast<std::byte *>(second + two_word_steps_ * step_bytes);
      const PanelConstants<V, std::byte> constants(constants_at);
      for (int v = 0; v < Panel<V>::vectors; ++v)
        for (int lane = 0; lane < V::lanes; ++lane) {
          const int column = first_column + Panel<V>::column(v, lane);
          if (column >= matrix_.out_features)
            continue;
          const int place_in_panel = v * V::lanes + lane;
          const std::int32_t sum = put_column(column, Places(place_in_panel), first, second);
          constants.start[place_in_panel] = -V::bias * sum;
          place<V>(requantization, column, v, lane, constants);
        }
      std::byte *list = constants_at + Panel<V>::constants_bytes;
      for (std::uint32_t step = 0; step < static_cast<std::uint32_t>(steps); ++step)
        if (matrix_.has_second_words(tile_row_, static_cast<int>(step))) {
          std::memcpy(list, &step, sizeof step);
          list += sizeof step;
        }
    }

  private:
    // Returns the sum of the column's weights, which the loader has proven to fit: 128 times its magnitude is below
    // 2^31.
    std::int32_t put_column(int column, const Places &places, std::uint8_t *first, std::uint8_t *second) const {
      const int steps = stlq_tile_columns(matrix_.in_features);
      const int row_bytes = stlq_row_bytes(matrix_.in_features);
      const std::uint8_t *row = matrix_.first + std::ptrdiff_t{column} * row_bytes;
      const std::uint8_t *tile = matrix_.second; // null where no tile has second words
      if (tile != nullptr)
        tile += before_ * stlq_tile_bytes + std::ptrdiff_t{column % stlq_tile_outputs} * (stlq_tile_inputs / 2);
      std::int32_t sum = 0;
      for (int step = 0; step < steps; ++step, first += step_bytes) {
        // The last step may have a single byte.
        const int at = 2 * step;
        const unsigned words = row[at] | (at + 1 < row_bytes ? unsigned{row[at + 1]} << 8 : 0U);
        places.put(words, first);
        unsigned more = 0;
        if (matrix_.has_second_words(tile_row_, step)) {
          more = tile[0] | unsigned{tile[1]} << 8;
          places.put(more, second);
          second += step_bytes;
          tile += stlq_tile_bytes;
        }
        for (int k = 0; k < stlq_tile_inputs; ++k)
          sum += stlq_value(words >> (4 * k) & 15, more >> (4 * k) & 15);
      }
      return sum;
    }

    const StlqMatrix &matrix_;
    int tile_row_;
    std::ptrdiff_t before_;
    std::ptrdiff_t two_word_steps_ = 0;
  };

  // work(row of tiles, first column, entry) for every panel.
  template <typename Work> static Entry for_each_panel(const StlqMatrix &matrix, const Work &work) {
    Entry next{table_bytes(matrix.out_features), 0};
    std::ptrdiff_t before = 0;
    for (int tile_row = 0; tile_row < stlq_tile_rows(matrix.out_features); ++tile_row) {
      const TileRow row(matrix, tile_row, before);
      next.two_word_steps = row.two_word_steps();
      const int end = (tile_row + 1) * stlq_tile_outputs;
      for (int column = tile_row * stlq_tile_outputs; column < end && column < matrix.out_features; column += columns) {
        work(row, column, next);
        next.at += panel_bytes(matrix.in_features, next.two_word_steps);
      }
      before += row.two_word_steps();
    }
    return next;
  }

public:
  static std::size_t packed_bytes(const StlqMatrix &matrix) {
    return static_cast<std::size_t>(for_each_panel(matrix, [](const TileRow &, int, const Entry &) {}).at);
  }

  static void pack(const StlqMatrix &matrix, const Requantization &requantization, std::byte *packed) {
    std::memset(packed, 0, packed_bytes(matrix));
    for_each_panel(matrix, [&](const TileRow &row, int column, const Entry &entry) {
      std::memcpy(packed + column / columns * entry_bytes, &entry, sizeof entry);
      row.pack(requantization, column, packed + entry.at);
    });
  }

  // Of a decoded panel.
  static constexpr std::ptrdiff_t decoded_bytes(int in_features) {
    return whole_lines(std::ptrdiff_t{2} * stlq_tile_columns(in_features) * step_bytes *
                       static_cast<std::ptrdiff_t>(sizeof(Element)));
  }

  // A packed panel's extent.
  static const std::byte *begin(const std::byte *packed, int panel) { return packed + entry(packed, panel).at; }
  static std::ptrdiff_t bytes(const std::byte *packed, int panel, int in_features) {
    return panel_bytes(in_features, entry(packed, panel).two_word_steps);
  }

  // Writes a panel's elements, [inputs, rounded up to four][columns] in groups as the product wants them, and returns
  // where its constants are. Not inlined into the product, which has no registers to spare.
  [[gnu::noinline]] static const std::byte *decode(const std::byte *packed, int panel, int in_features, Element *to) {
    const Entry found = entry(packed, panel);
    const int steps = stlq_tile_columns(in_features);
    const auto *first = reinterpret_cast<const std::uint8_t *>(packed + found.at);
    const std::uint8_t *second = first + steps * step_bytes;
    const auto *constants = reinterpret_cast<const std::byte *>(second + found.two_word_steps * step_bytes);
    // Where all steps have second words, none is decoded without.
    const std::ptrdiff_t end = found.two_word_steps == steps ? 0 : steps * step_bytes;
    for (std::ptrdiff_t at = 0; at < end; at += step_bytes)
#pragma GCC unroll 4
      for (std::ptrdiff_t i = 0; i < step_bytes; i += vector_bytes) {
        const Bytes words = V::load_bytes(first + at + i);
        Element *elements = to + 2 * at + i;
        V::store_signed(elements, V::stlq_values(V::low_halves(words)));
        V::store_signed(elements + step_bytes, V::stlq_values(V::high_halves(words)));
      }
    const std::byte *list = constants + Panel<V>::constants_bytes;
    for (std::ptrdiff_t n = 0; n < found.two_word_steps; ++n, second += step_bytes) {
      std::uint32_t step = 0;
      std::memcpy(&step, list + n * static_cast<std::ptrdiff_t>(sizeof step), sizeof step);
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(step) * step_bytes;
#pragma GCC unroll 4
      for (std::ptrdiff_t i = 0; i < step_bytes; i += vector_bytes) {
        const Bytes words = V::load_bytes(first + at + i);
        const Bytes more = V::load_bytes(second + i);
        Element *elements = to + 2 * at + i;
        V::store_signed(elements,
                        V::add_stlq(V::stlq_values(V::low_halves(words)), V::stlq_values(V::low_halves(more))));
        V::store_signed(elements + step_bytes,
                        V::add_stlq(V::stlq_values(V::high_halves(words)), V::stlq_values(V::high_halves(more))));
      }
    }
    return constants;
  }
};

} // namespace intvit::kernels::vector

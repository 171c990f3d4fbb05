// Panels of weights of four bits (kernels/four_bits.hpp): packed as the words that they are, and decoded to elements
// each time that a panel is used, so that a model's weights take half of the memory or little more.
//
// A step here is as many inputs of a panel's columns as a group of the file has, or V::group if that is more. Its words
// stand two in a byte in the order of the elements that they become, but for the order of bytes in a vector, which is
// such that zipping the lower halves of bytes with the upper ones gives elements in order (FourBitStep). So one vector
// of bytes gives two vectors of elements by masks, table look-ups within registers and zips.
//
// Second words are kept by units: one or two bytes that hold words of one column, or of neighbours where elements stand
// alone. A step has a bit for each of its units, and second words only for those whose bit is 1, close together; to
// decode them they are spread over a step of zeros, which stand for 0 on every scale.
//
// The packed bytes begin with a table that says for each panel where it begins and how many bytes of second words it
// has, as panels differ in that. A panel begins at a multiple of 64 bytes:
//   first words      [steps][step_bytes]
//   constants        PanelConstants
//   notes            the product's
//   units            [steps][unit_bit_bytes], only where the panel has second words
//   second words     of all steps, one after the other
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/linear.hpp"
#include "kernels/vector/four_bits_step.hpp"
#include "kernels/vector/panel.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::vector {

// Panels of every format whose groups have so many outputs, whatever the scale of their words.
template <WordOperations V, int group_outputs> class FourBitPanelsOf {
  using Element = typename V::Element;
  using Bytes = typename V::Bytes;
  using Product = TileProduct<V>;

  static constexpr int group_bytes = FourBitLayout{.group_outputs = group_outputs}.group_bytes();

  using Step = FourBitStep<V>;
  using Places = typename Step::Places;
  using Place = typename Step::Place;
  using Units = typename Step::Units;

  static constexpr int columns = Step::columns;
  static constexpr int step_inputs = Step::step_inputs;
  static constexpr int step_groups = Step::step_groups;
  static constexpr int together = Step::together;
  static constexpr std::ptrdiff_t step_bytes = Step::step_bytes;
  static constexpr std::ptrdiff_t vector_bytes = Step::vector_bytes;
  static constexpr std::ptrdiff_t unit_bytes = Step::unit_bytes;
  static constexpr std::ptrdiff_t unit_bit_bytes = Step::unit_bit_bytes;

  // An entry of the table.
  struct Entry {
    std::ptrdiff_t at = 0; // in bytes, from the table's beginning
    std::ptrdiff_t second_bytes = 0;
  };
  static constexpr auto entry_bytes = static_cast<std::ptrdiff_t>(sizeof(Entry));

  static constexpr std::ptrdiff_t whole_lines(std::ptrdiff_t bytes) { return (bytes + 63) / 64 * 64; }
  static constexpr int steps_of(int in_features) { return (in_features + step_inputs - 1) / step_inputs; }
  static constexpr int panels(int out_features) { return (out_features + columns - 1) / columns; }
  static constexpr std::ptrdiff_t table_bytes(int out_features) {
    return whole_lines(panels(out_features) * entry_bytes);
  }
  static constexpr std::ptrdiff_t read_ahead = 16; // by spread()
  // Where a panel's parts begin, from its own beginning.
  struct Parts {
    std::ptrdiff_t constants;
    std::ptrdiff_t notes;
    std::ptrdiff_t units;
    std::ptrdiff_t second;
    std::ptrdiff_t end;

    Parts(int in_features, std::ptrdiff_t second_bytes)
        : constants(whole_lines(steps_of(in_features) * step_bytes)), notes(constants + Panel<V>::constants_bytes),
          units(notes + Product::notes_bytes(in_features)),
          second(units + (second_bytes > 0 ? steps_of(in_features) * unit_bit_bytes : 0)),
          end(whole_lines(second + second_bytes + (second_bytes > 0 ? read_ahead : 0))) {}
  };
  static Entry entry(const std::byte *packed, int panel) {
    Entry result;
    std::memcpy(&result, packed + panel * entry_bytes, sizeof result);
    return result;
  }

  static bool has_second_words(const FourBitMatrix &matrix, int column, int group) {
    return group < word_groups_in_row(matrix.in_features) && matrix.has_second_words(column / group_outputs, group);
  }

  static std::ptrdiff_t marked_in_row(const FourBitMatrix &matrix, int group_row) {
    const int bytes = group_bit_bytes(matrix.in_features);
    const std::uint8_t *bits = matrix.groups + std::ptrdiff_t{group_row} * bytes;
    std::ptrdiff_t count = 0;
    for (int i = 0; i < bytes; ++i)
      count += __builtin_popcount(bits[i]);
    return count;
  }

  // Which units of a step have second words: those that hold a word of a group that has.
  static Units units_of(const FourBitMatrix &matrix, int first_column, int step) {
    Units result;
    Step::for_each_column(first_column, matrix.out_features, [&](int column, int v, int lane) {
      const Places &places = Step::places_of(v, lane);
      for (int group = 0; group < step_groups; ++group)
        if (has_second_words(matrix, column, step * step_groups + group))
          for (int k = 0; k < word_group_inputs; k += together)
            result.set(places.of(group, k).unit());
    });
    return result;
  }

  static int end_of_panel(const FourBitMatrix &matrix, int first_column) {
    return first_column + columns < matrix.out_features ? first_column + columns : matrix.out_features;
  }

  static std::ptrdiff_t second_bytes_of(const FourBitMatrix &matrix, int first_column) {
    std::ptrdiff_t count = 0;
    if constexpr (together > 1) { // units of one column alone
      for (int column = first_column; column < end_of_panel(matrix, first_column); ++column)
        count += marked_in_row(matrix, column / group_outputs);
      count *= word_group_inputs / together;
    } else {
      for (int step = 0; step < steps_of(matrix.in_features); ++step)
        count += units_of(matrix, first_column, step).count();
    }
    return count * unit_bytes;
  }

  // work(first column, entry, groups with second words in the rows of groups above the first column's) for every panel.
  template <typename Work> static std::ptrdiff_t for_each_panel(const FourBitMatrix &matrix, const Work &work) {
    Entry next{table_bytes(matrix.out_features), 0};
    std::ptrdiff_t before = 0;
    int row = 0;
    for (int column = 0; column < matrix.out_features; column += columns) {
      for (; row < column / group_outputs; ++row)
        before += marked_in_row(matrix, row);
      next.second_bytes = second_bytes_of(matrix, column);
      work(column, next, before);
      next.at += Parts(matrix.in_features, next.second_bytes).end;
    }
    return next.at;
  }

  // Four words from where a file has them; a row of first words ends with a single byte where the number of inputs is
  // 4 n + 1 or 4 n + 2.
  static unsigned words_at(const std::uint8_t *from, bool has_second_byte) {
    return from[0] | (has_second_byte ? unsigned{from[1]} << 8 : 0U);
  }

  // Second words of a panel's columns, read group after group.
  class SecondWords {
  public:
    // `before`: groups with second words in the rows of groups above the first column's.
    SecondWords(const FourBitMatrix &matrix, int first_column, std::ptrdiff_t before) {
      int row = first_column / group_outputs;
      for (int column = first_column; column < end_of_panel(matrix, first_column); ++column) {
        for (; row < column / group_outputs; ++row)
          before += marked_in_row(matrix, row);
        next_[column - first_column] = matrix.second == nullptr
                                           ? nullptr
                                           : matrix.second + before * group_bytes +
                                                 std::ptrdiff_t{column % group_outputs} * (word_group_inputs / 2);
      }
    }
    // The four words of the column's next group, whose bit is 1.
    unsigned take(int column_of_panel) {
      const std::uint8_t *from = next_[column_of_panel];
      next_[column_of_panel] += group_bytes;
      return words_at(from, true);
    }

  private:
    const std::uint8_t *next_[std::size_t{columns}] = {};
  };

  // Puts `together` words, the first lowest, into the bytes of their unit.
  static void put(unsigned words, int shift, std::uint8_t *unit) {
    words = (words & ((1U << (4 * together)) - 1)) << shift;
    for (std::ptrdiff_t i = 0; i < unit_bytes; ++i)
      unit[i] = static_cast<std::uint8_t>(unit[i] | (words >> (8 * i) & 255));
  }

  // The first words of a column, what the product notes of it, and the sum of its weights. The loader has proven that
  // 128 times the sum of their magnitudes is below 2^31, so neither the sum nor its product with V::code_bias
  // overflows.
  static std::int32_t put_column(const FourBitMatrix &matrix, int column, int column_of_panel, const Places &places,
                                 SecondWords &second, std::uint8_t *first, std::byte *notes) {
    const int row_bytes = first_word_bytes(matrix.in_features);
    const std::uint8_t *row = matrix.first + std::ptrdiff_t{column} * row_bytes;
    std::int32_t sum = 0;
    NotedColumn<Product> noted(notes);
    for (int group = 0; group < word_groups_in_row(matrix.in_features); ++group) {
      const unsigned words = words_at(row + std::ptrdiff_t{2} * group, 2 * group + 1 < row_bytes);
      const bool two = has_second_words(matrix, column, group);
      const unsigned more = two ? second.take(column_of_panel) : 0;
      std::uint8_t *step = first + group / step_groups * step_bytes;
      for (int k = 0; k < word_group_inputs; k += together) {
        const Place &place = places.of(group % step_groups, k);
        put(words >> (4 * k), place.shift, step + place.byte);
      }
      for (int k = 0; k < word_group_inputs; ++k) {
        const auto word = static_cast<std::uint8_t>(words >> (4 * k) & 15);
        const auto other = static_cast<std::uint8_t>(more >> (4 * k) & 15);
        const std::int8_t value =
            two ? two_word_value(matrix.layout.scale, word, other) : one_word_value(matrix.layout.scale, word);
        sum += value;
        noted.add(value);
      }
    }
    noted.finish();
    return sum;
  }

  static void pack_panel(const FourBitMatrix &matrix, const Requantization &requantization, int first_column,
                         std::ptrdiff_t before, const Entry &entry, std::byte *panel) {
    const Parts parts(matrix.in_features, entry.second_bytes);
    const PanelConstants<V, std::byte> constants(panel + parts.constants);
    std::byte *notes = panel + parts.notes;
    SecondWords second(matrix, first_column, before);
    Step::for_each_column(first_column, matrix.out_features, [&](int column, int v, int lane) {
      const int place_in_panel = v * V::lanes + lane;
      const std::int32_t sum = put_column(matrix, column, column - first_column, Step::places_of(v, lane), second,
                                          reinterpret_cast<std::uint8_t *>(panel), notes);
      constants.start[place_in_panel] = -V::code_bias * sum;
      place<V>(requantization, column, v, lane, constants);
    });
    if constexpr (Product::noted_inputs > 0)
      Product::finish_notes(matrix.in_features, notes);
    if (entry.second_bytes == 0)
      return;

    SecondWords again(matrix, first_column, before);
    auto *bits = reinterpret_cast<std::uint8_t *>(panel + parts.units);
    auto *words = reinterpret_cast<std::uint8_t *>(panel + parts.second);
    for (int step = 0; step < steps_of(matrix.in_features); ++step, bits += unit_bit_bytes) {
      const Units marked = units_of(matrix, first_column, step);
      marked.store(bits);
      Step::for_each_column(first_column, matrix.out_features, [&](int column, int v, int lane) {
        const Places &places = Step::places_of(v, lane);
        for (int group = 0; group < step_groups; ++group) {
          if (!has_second_words(matrix, column, step * step_groups + group))
            continue;
          const unsigned four = again.take(column - first_column);
          for (int k = 0; k < word_group_inputs; k += together) {
            const Place &place = places.of(group, k);
            put(four >> (4 * k), place.shift, words + marked.count_before(place.unit()) * unit_bytes);
          }
        }
      });
      words += marked.count() * unit_bytes;
    }
  }

  // A vector of first words, with that of second words that is added to it or without.
  template <bool two>
  INTVIT_INLINE static void decode(const WordValues &values, const std::uint8_t *first, const std::uint8_t *second,
                                   Element *elements) {
    const Bytes words = V::load_bytes(first);
    Bytes low = V::word_values(values.first, V::low_nibbles(words));
    Bytes high = V::word_values(values.first, V::high_nibbles(words));
    if constexpr (two) {
      const Bytes more = V::load_bytes(second);
      low = V::add_word_values(low, V::word_values(values.second, V::low_nibbles(more)));
      high = V::add_word_values(high, V::word_values(values.second, V::high_nibbles(more)));
    }
    V::store_elements(elements, V::zip_low(low, high));
    V::store_elements(elements + vector_bytes, V::zip_high(low, high));
  }

  // Second words of a step's units, from where they stand close together to where their first words are; returns what
  // follows them. Reads up to 16 bytes of what follows, and writes up to 8 bytes behind the step.
  INTVIT_INLINE static const std::uint8_t *spread(const std::uint8_t *bits, const std::uint8_t *words,
                                                  std::uint8_t *step) {
    for (std::ptrdiff_t i = 0; i < unit_bit_bytes; ++i) {
      V::gather_bytes(words, unit_sources<unit_bytes>.of[bits[i]], step + 8 * unit_bytes * i);
      words += unit_bytes * __builtin_popcount(bits[i]);
    }
    return words;
  }

  template <bool two>
  INTVIT_INLINE static void decode_step(const WordValues &values, const std::uint8_t *first, const std::uint8_t *second,
                                        Element *elements) {
#pragma GCC unroll 4
    for (std::ptrdiff_t i = 0; i < step_bytes; i += vector_bytes)
      decode<two>(values, first + i, second + i, elements + 2 * i);
  }

  // So many steps are spread before they are decoded, so that what was just stored in narrow pieces is not loaded whole
  // before it has reached the cache.
  static constexpr std::ptrdiff_t steps_at_once = 8;

public:
  static std::size_t packed_bytes(const WeightsView &weights) {
    return static_cast<std::size_t>(for_each_panel(weights.four_bits, [](int, const Entry &, std::ptrdiff_t) {}));
  }

  static void pack(const WeightsView &weights, const Requantization &requantization, std::byte *packed) {
    const FourBitMatrix &matrix = weights.four_bits;
    std::memset(packed, 0, static_cast<std::size_t>(table_bytes(matrix.out_features)));
    for_each_panel(matrix, [&](int column, const Entry &entry, std::ptrdiff_t before) {
      std::memset(packed + entry.at, 0, static_cast<std::size_t>(Parts(matrix.in_features, entry.second_bytes).end));
      std::memcpy(packed + column / columns * entry_bytes, &entry, sizeof entry);
      pack_panel(matrix, requantization, column, before, entry, packed + entry.at);
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
    return Parts(args.in_features, entry(args.packed, panel).second_bytes).end;
  }

  // Not inlined into the product, which has no registers to spare.
  [[gnu::noinline]] static PanelView<V> view(const WordValues &values, const LinearArgs &args, int panel,
                                             Element *decoded) {
    const Entry found = entry(args.packed, panel);
    const Parts parts(args.in_features, found.second_bytes);
    const std::byte *at = args.packed + found.at;
    const auto *first = reinterpret_cast<const std::uint8_t *>(at);
    const auto *bits = reinterpret_cast<const std::uint8_t *>(at + parts.units);
    const auto *words = reinterpret_cast<const std::uint8_t *>(at + parts.second);
    const std::ptrdiff_t steps = steps_of(args.in_features);
    alignas(64) std::uint8_t second[std::size_t{steps_at_once * step_bytes + 64}];
    for (std::ptrdiff_t begin = 0; begin < steps; begin += steps_at_once) {
      const std::ptrdiff_t count = steps - begin < steps_at_once ? steps - begin : steps_at_once;
      if (found.second_bytes == 0) {
        for (std::ptrdiff_t s = begin; s < begin + count; ++s)
          decode_step<false>(values, first + s * step_bytes, second, decoded + 2 * s * step_bytes);
        continue;
      }
      for (std::ptrdiff_t s = 0; s < count; ++s)
        words = spread(bits + (begin + s) * unit_bit_bytes, words, second + s * step_bytes);
      for (std::ptrdiff_t s = 0; s < count; ++s)
        decode_step<true>(values, first + (begin + s) * step_bytes, second + s * step_bytes,
                          decoded + 2 * (begin + s) * step_bytes);
    }
    return {decoded, at + parts.constants, at + parts.notes};
  }
};

template <WordOperations V, WeightFormat stored>
class FourBitPanels : public FourBitPanelsOf<V, four_bit_layout(stored).group_outputs> {
  using Panels = FourBitPanelsOf<V, four_bit_layout(stored).group_outputs>;

public:
  static constexpr WeightFormat format = stored;

  static PanelView<V> view(const LinearArgs &args, int panel, typename V::Element *decoded) {
    return Panels::view(word_values<four_bit_layout(stored).scale>, args, panel, decoded);
  }
};

template <class V> using StlqTilePanels = FourBitPanels<V, WeightFormat::stlq_tiles>;
template <class V> using StlqGroupPanels = FourBitPanels<V, WeightFormat::stlq_groups>;
template <class V> using Int4Panels = FourBitPanels<V, WeightFormat::int4>;
template <class V> using Int4WidePanels = FourBitPanels<V, WeightFormat::int4_wide>;

} // namespace intvit::kernels::vector

// A step of a panel of weights of four bits (four_bits_panel.hpp): where its words stand, and its units.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/four_bits.hpp"
#include "kernels/inline.hpp"
#include "kernels/vector/panel.hpp"

namespace intvit::kernels::vector {

// For every byte of bits of units of so many bytes, which byte of second words that stand close together becomes each
// of 16 bytes: of the units whose bit is 1 the next ones, else none.
template <std::ptrdiff_t unit_bytes> struct UnitSources {
  static constexpr std::uint8_t none = 128;

  alignas(64) std::uint8_t of[256][16];

  constexpr UnitSources() : of{} {
    for (int bits = 0; bits < 256; ++bits) {
      for (std::uint8_t &source : of[bits])
        source = none;
      std::uint8_t next = 0;
      for (int unit = 0; unit < 8; ++unit)
        if ((bits >> unit & 1) != 0)
          for (int byte = 0; byte < unit_bytes; ++byte)
            of[bits][unit * unit_bytes + byte] = next++;
    }
  }
};
template <std::ptrdiff_t unit_bytes> inline constexpr UnitSources<unit_bytes> unit_sources;

template <WordOperations V> struct FourBitStep {
  using Bytes = typename V::Bytes;

  static constexpr int columns = Panel<V>::columns;
  static constexpr int step_inputs = V::group > word_group_inputs ? V::group : word_group_inputs;
  static constexpr int step_groups = step_inputs / word_group_inputs;
  static constexpr std::ptrdiff_t step_bytes = std::ptrdiff_t{columns} * step_inputs / 2;
  static constexpr auto vector_bytes = static_cast<std::ptrdiff_t>(sizeof(Bytes));
  static_assert(word_tile_outputs % columns == 0 && step_inputs % V::group == 0 && step_bytes % vector_bytes == 0 &&
                vector_bytes % 16 == 0);

  static constexpr std::ptrdiff_t unit_bytes = V::group >= word_group_inputs ? 2 : 1;
  static constexpr std::ptrdiff_t units = step_bytes / unit_bytes;
  // Bits of units, so many of them together.
  using Bits = std::conditional_t<units % 64 == 0, std::uint64_t, std::uint16_t>;
  static constexpr std::ptrdiff_t bits_together = static_cast<std::ptrdiff_t>(8 * sizeof(Bits));
  static constexpr std::ptrdiff_t unit_bit_bytes = units / 8;
  static_assert(units % bits_together == 0);

  // The bits of a step's units.
  struct Units {
    Bits bits[std::size_t{units / bits_together}] = {};

    void load(const std::uint8_t *from) { std::memcpy(bits, from, sizeof bits); }
    void store(std::uint8_t *to) const { std::memcpy(to, bits, sizeof bits); }
    void set(std::ptrdiff_t unit) {
      bits[unit / bits_together] = static_cast<Bits>(bits[unit / bits_together] | Bits{1} << (unit % bits_together));
    }
    INTVIT_INLINE std::ptrdiff_t count() const {
      std::ptrdiff_t sum = 0;
      for (const Bits each : bits)
        sum += __builtin_popcountll(each);
      return sum;
    }
    // Of those before `unit`.
    std::ptrdiff_t count_before(std::ptrdiff_t unit) const {
      std::ptrdiff_t sum = 0;
      for (std::ptrdiff_t i = 0; i < unit / bits_together; ++i)
        sum += __builtin_popcountll(bits[i]);
      const std::uint64_t below = (std::uint64_t{1} << (unit % bits_together)) - 1;
      return sum + __builtin_popcountll(bits[unit / bits_together] & below);
    }
  };

  // Where the word of an element of a step stands.
  struct Place {
    std::ptrdiff_t byte = 0;
    int shift = 0;

    std::ptrdiff_t unit() const { return byte / unit_bytes; }
  };
  // V::zip_low() and V::zip_high() work on every 16 bytes: those at 0..7 give the first vector's elements, those at
  // 8..15 the second's.
  static constexpr Place place_of(std::ptrdiff_t element) {
    const std::ptrdiff_t vector = element / (2 * vector_bytes);
    const std::ptrdiff_t half = element / vector_bytes % 2;
    const std::ptrdiff_t in_half = element % vector_bytes;
    return {vector * vector_bytes + in_half / 16 * 16 + 8 * half + in_half % 16 / 2, static_cast<int>(element % 2) * 4};
  }

  // So many inputs of a column stand together in a unit.
  static constexpr int together = V::group < word_group_inputs ? V::group : word_group_inputs;

  // The places of a column's words in a step, [column in the panel's order].
  struct Places {
    Place places[std::size_t{step_inputs}] = {};

    const Place &of(int group, int k) const { return places[group * word_group_inputs + k]; }
  };
  struct PlacesOfColumns {
    Places of[std::size_t{columns}] = {};

    constexpr PlacesOfColumns() {
      for (int column = 0; column < columns; ++column)
        for (int k = 0; k < step_inputs; ++k)
          of[column].places[k] = place_of((std::ptrdiff_t{k / V::group} * columns + column) * V::group + k % V::group);
    }
  };
  static const Places &places_of(int vector, int lane) {
    static constexpr PlacesOfColumns all;
    return all.of[vector * V::lanes + lane];
  }

  // The columns of a panel in a file: work(column of the matrix, its place in the panel) for each.
  template <typename Work> static void for_each_column(int first_column, int out_features, const Work &work) {
    for (int v = 0; v < Panel<V>::vectors; ++v)
      for (int lane = 0; lane < V::lanes; ++lane)
        if (const int column = first_column + Panel<V>::column(v, lane); column < out_features)
          work(column, v, lane);
  }
};

} // namespace intvit::kernels::vector

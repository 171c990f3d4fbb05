// The weights of a linear map in any format that a model file may hold them in.
//
// Whatever the format, a weight stands for an int8 in [-127, 127], and a linear map is defined by these integers.
// Kernels may keep another form in memory and decode it where they need it (LinearKernel::formats).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/four_bits.hpp"

namespace intvit::kernels {

enum class WeightFormat : std::uint8_t {
  int8,
  stlq_tiles,  // four bits on a log scale, four more by tiles of 64 outputs and 4 inputs
  stlq_groups, // the same, four more by 4 inputs of an output
  int4,        // four bits on the uniform scale, four more by 4 inputs of an output
  int4_wide,   // four bits on the wide scale, more by 4 inputs of an output
};

inline constexpr std::size_t weight_format_count = static_cast<std::size_t>(WeightFormat::int4_wide) + 1; // of the last

// Of a format of four bits.
constexpr FourBitLayout four_bit_layout(WeightFormat format) {
  return {format == WeightFormat::int4        ? WordScale::uniform
          : format == WeightFormat::int4_wide ? WordScale::wide
                                              : WordScale::log,
          format == WeightFormat::stlq_tiles ? word_tile_outputs : 1};
}

// A T for every format, in the order of WeightFormat.
template <class T> struct PerFormat {
  T values[weight_format_count];

  constexpr const T &operator[](WeightFormat format) const { return values[static_cast<std::size_t>(format)]; }

  // Every format's, in their order; one that is missing does not compile.
  template <class... Each> static constexpr PerFormat of(const Each &...each) {
    static_assert(sizeof...(Each) == weight_format_count, "there is one for every format");
    return {{each...}};
  }

  // The same for every format.
  static constexpr PerFormat all(const T &value) {
    PerFormat result;
    for (T &each : result.values)
      each = value;
    return result;
  }
};

// A matrix [out_features, in_features] of weights as it stands in a file: `int8` in that format, `four_bits` in every
// other.
struct WeightsView {
  WeightFormat format = WeightFormat::int8;
  int out_features = 0;
  int in_features = 0;
  const std::int8_t *int8 = nullptr; // row-major
  FourBitMatrix four_bits;           // of the same sides, in the format's layout
};

// The integers that the weights stand for, [out_features, in_features], row-major.
inline void decode_weights(const WeightsView &weights, std::int8_t *values) {
  switch (weights.format) {
  case WeightFormat::int8:
    std::memcpy(values, weights.int8,
                static_cast<std::size_t>(weights.out_features) * static_cast<std::size_t>(weights.in_features));
    return;
  case WeightFormat::stlq_tiles:
  case WeightFormat::stlq_groups:
  case WeightFormat::int4:
  case WeightFormat::int4_wide:
    decode_four_bits(weights.four_bits, values);
    return;
  }
}

} // namespace intvit::kernels

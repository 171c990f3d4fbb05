// The weights of a linear map in any format that a model file may hold them in.
//
// Whatever the format, a weight stands for an int8 in [-127, 127], and a linear map is defined by these integers.
// Kernels may keep another form in memory and decode it where they need it (LinearKernel::formats).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/stlq.hpp"

namespace intvit::kernels {

enum class WeightFormat : std::uint8_t {
  int8,
  stlq, // words of four bits on a logarithmic scale
};

inline constexpr std::size_t weight_format_count = static_cast<std::size_t>(WeightFormat::stlq) + 1; // of the last

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

// A matrix [out_features, in_features] of weights as it stands in a file. Behind the sides there is a member for every
// format; only that of `format` is looked at.
struct WeightsView {
  WeightFormat format = WeightFormat::int8;
  int out_features = 0;
  int in_features = 0;
  const std::int8_t *int8 = nullptr; // row-major
  StlqMatrix stlq;                   // of the same sides
};

// The integers that the weights stand for, [out_features, in_features], row-major.
inline void decode_weights(const WeightsView &weights, std::int8_t *values) {
  switch (weights.format) {
  case WeightFormat::int8:
    std::memcpy(values, weights.int8,
                static_cast<std::size_t>(weights.out_features) * static_cast<std::size_t>(weights.in_features));
    return;
  case WeightFormat::stlq:
    decode_stlq(weights.stlq, values);
    return;
  }
}

} // namespace intvit::kernels

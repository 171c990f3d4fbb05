// The loops of LoopTable for vectors of any width. Each loops_*.cpp instantiates them in a translation unit with its
// own instruction-set flags. Nothing here has external linkage and nothing else may be included, so that no code
// compiled for a newer CPU can end up in a function that older ones run.
#pragma once

#include <cstddef>
#include <cstring>

#include "models/loops/loop_table.hpp"

namespace intvit {

namespace {

template <typename Vector, typename Element> void load(Vector &to, const Element *from) {
  std::memcpy(&to, from, sizeof(Vector));
}

template <typename Vector, typename Element> void store(Element *to, const Vector &from) {
  std::memcpy(to, &from, sizeof(Vector));
}

// Rows x 2 vectors of accumulators: at most 12 of the 16 registers that SSE2 and AVX2 have.
template <typename Vector, typename Element, std::size_t Rows>
void add_tile(const Element *a, std::ptrdiff_t a_stride, const Element *panel, std::ptrdiff_t depth, Element *out,
              std::ptrdiff_t out_stride) {
  constexpr std::ptrdiff_t half = sizeof(Vector) / sizeof(Element);
  Vector sums[Rows][2];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
    load(sums[r][0], out + static_cast<std::ptrdiff_t>(r) * out_stride);
    load(sums[r][1], out + static_cast<std::ptrdiff_t>(r) * out_stride + half);
  }
  for (std::ptrdiff_t k = 0; k < depth; ++k) {
    Vector left;
    Vector right;
    load(left, panel + k * 2 * half);
    load(right, panel + k * 2 * half + half);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < Rows; ++r) {
      const Element value = a[static_cast<std::ptrdiff_t>(r) * a_stride + k];
      sums[r][0] += value * left;
      sums[r][1] += value * right;
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
    store(out + static_cast<std::ptrdiff_t>(r) * out_stride, sums[r][0]);
    store(out + static_cast<std::ptrdiff_t>(r) * out_stride + half, sums[r][1]);
  }
}

template <typename Vector, typename Element>
void add_any_tile(const Element *a, std::ptrdiff_t a_stride, const Element *panel, std::ptrdiff_t depth, int rows,
                  Element *out, std::ptrdiff_t out_stride) {
  switch (rows) {
  case 6:
    return add_tile<Vector, Element, 6>(a, a_stride, panel, depth, out, out_stride);
  case 5:
    return add_tile<Vector, Element, 5>(a, a_stride, panel, depth, out, out_stride);
  case 4:
    return add_tile<Vector, Element, 4>(a, a_stride, panel, depth, out, out_stride);
  case 3:
    return add_tile<Vector, Element, 3>(a, a_stride, panel, depth, out, out_stride);
  case 2:
    return add_tile<Vector, Element, 2>(a, a_stride, panel, depth, out, out_stride);
  default:
    return add_tile<Vector, Element, 1>(a, a_stride, panel, depth, out, out_stride);
  }
}

// round_to_even() of models/quantize/codes/arithmetic.hpp.
template <typename Vector> void round_lanes(Vector &x) {
  constexpr double no_fraction = 6755399441055744.0;
  x = (x + no_fraction) - no_fraction;
}

template <typename Vector> void clamp_lanes(Vector &x, double low, double high) {
  x = x < low ? Vector{} + low : x;
  x = x > high ? Vector{} + high : x;
}

template <typename Vector>
void add_code_sums(const double *values, const double *weights, std::ptrdiff_t rows, const double *scale,
                   const double *zero, const CodeSums &sums) {
  constexpr std::ptrdiff_t lanes = sizeof(Vector) / sizeof(double);
  for (std::ptrdiff_t c = 0; c < code_channels; c += lanes) {
    Vector scales, zeros, errors, squared_errors, codes, squared_codes;
    load(scales, scale + c);
    load(zeros, zero + c);
    load(errors, sums.error + c);
    load(squared_errors, sums.squared_error + c);
    load(codes, sums.code + c);
    load(squared_codes, sums.squared_code + c);
    for (std::ptrdiff_t row = 0; row < rows; ++row) {
      Vector value;
      load(value, values + row * code_channels + c);
      Vector code = value / scales + zeros;
      clamp_lanes(code, -128.0, 127.0);
      round_lanes(code);
      code -= zeros;
      const Vector error = value - scales * code;
      const double weight = weights[row];
      errors += error * weight;
      squared_errors += error * error * weight;
      codes += code * weight;
      squared_codes += code * code * weight;
    }
    store(sums.error + c, errors);
    store(sums.squared_error + c, squared_errors);
    store(sums.code + c, codes);
    store(sums.squared_code + c, squared_codes);
  }
}

// So many floats of a panel as doubles.
template <typename Vector> void load_floats(Vector &to, const float *from) {
  for (std::size_t i = 0; i < sizeof(Vector) / sizeof(double); ++i)
    to[i] = static_cast<double>(from[i]);
}

template <typename Vector>
void largest_magnitudes(const float *panel, std::ptrdiff_t depth, const double *input_scale, double *largest) {
  constexpr std::ptrdiff_t lanes = sizeof(Vector) / sizeof(double);
  for (std::ptrdiff_t n = 0; n < 2 * lanes; n += lanes) {
    Vector most{};
    for (std::ptrdiff_t k = 0; k < depth; ++k) {
      Vector weight;
      load_floats(weight, panel + k * 2 * lanes + n);
      weight *= input_scale[k];
      weight = weight < 0.0 ? -weight : weight;
      most = weight > most ? weight : most;
    }
    store(largest + n, most);
  }
}

template <typename Vector>
void nearest_errors(const float *panel, std::ptrdiff_t depth, const double *input_scale, const double *variance,
                    const double *scale, double step, double steps, double *error) {
  constexpr std::ptrdiff_t lanes = sizeof(Vector) / sizeof(double);
  for (std::ptrdiff_t n = 0; n < 2 * lanes; n += lanes) {
    Vector scales;
    load(scales, scale + n);
    Vector errors{};
    for (std::ptrdiff_t k = 0; k < depth; ++k) {
      Vector weight;
      load_floats(weight, panel + k * 2 * lanes + n);
      weight *= input_scale[k];
      Vector value = weight / scales * (1.0 / step);
      round_lanes(value);
      clamp_lanes(value, -steps, steps);
      const Vector left = weight - scales * (value * step);
      errors += left * left * variance[k];
    }
    store(error + n, errors);
  }
}

template <typename Floats, typename Doubles> constexpr LoopTable vector_loops(const char *name) {
  return {name,
          2 * sizeof(Floats) / sizeof(float),
          add_any_tile<Floats, float>,
          2 * sizeof(Doubles) / sizeof(double),
          add_any_tile<Doubles, double>,
          add_code_sums<Doubles>,
          largest_magnitudes<Doubles>,
          nearest_errors<Doubles>};
}

} // namespace

} // namespace intvit

// The tiled matrix product that all vector instruction sets share (docs/numerics.md, "Linear").
//
// A translation unit of its own instantiates this with a class V of the instruction set's operations, so that nothing
// compiled with its flags can be linked into another. Weights are packed in panels of V::tile_vectors vectors of
// columns; a tile of V::tile_rows rows by one panel is accumulated in registers over all of K, then goes through the
// epilogue.
//
// V gives: lanes (32-bit), group (how many products one dot instruction adds up in a lane), Element (type of a packed
// input and weight), bias (added to every input code to suit the instruction; taken back out by starting accumulators
// at -bias * sum(weight), which is exact modulo 2^32, and the true accumulator fits 32 bits), and the operations used
// below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/linear.hpp"

namespace intvit::kernels::vector {

// The innermost loops: sums[r][v] += input row r times panel, over `steps` groups of K.
template <class V> struct Product {
  using Vec = typename V::Vec;
  using Element = typename V::Element;

  template <int rows>
  static void add(Vec (&sums)[std::size_t{rows}][std::size_t{V::tile_vectors}], const Element *input, int stride,
                  const Element *weights, int steps) {
    constexpr int columns = V::tile_vectors * V::lanes;
    for (int step = 0; step < steps; ++step, weights += columns * V::group, input += V::group) {
      Vec w[std::size_t{V::tile_vectors}];
#pragma GCC unroll 8
      for (int v = 0; v < V::tile_vectors; ++v)
        w[v] = V::load_elements(weights + v * V::lanes * V::group);
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
        const Vec a = V::broadcast(input + r * stride);
#pragma GCC unroll 8
        for (int v = 0; v < V::tile_vectors; ++v)
          sums[r][v] = V::dot(sums[r][v], a, w[v]);
      }
    }
  }
};

template <class V> class LinearTile {
  using Vec = typename V::Vec;
  using Element = typename V::Element;

  static constexpr int lanes = V::lanes;
  static constexpr int group = V::group;
  static constexpr int vectors = V::tile_vectors;

  // Rows of input that are prepared at once: few enough to stay in the first caches beside a panel of weights, enough
  // to read a panel seldom.
  static constexpr int most_rows = 16 * V::tile_rows;

  static constexpr int groups(int in_features) { return (in_features + group - 1) / group; }

  // A panel: the weights [groups][columns][group], then a column each: start value, multiplier, offset.
  static constexpr std::ptrdiff_t weight_bytes(int in_features) {
    return std::ptrdiff_t{groups(in_features)} * columns * group * static_cast<std::ptrdiff_t>(sizeof(Element));
  }
  static constexpr std::ptrdiff_t panel_bytes(int in_features) {
    return weight_bytes(in_features) +
           columns * static_cast<std::ptrdiff_t>(2 * sizeof(std::int32_t) + sizeof(std::int64_t));
  }

public:
  static constexpr int columns = vectors * lanes;

  static std::size_t packed_bytes(int out_features, int in_features) {
    const std::ptrdiff_t panels = (out_features + columns - 1) / columns;
    return static_cast<std::size_t>(panels * panel_bytes(in_features));
  }

  static std::size_t scratch_bytes(int in_features) {
    return static_cast<std::size_t>(most_rows) * static_cast<std::size_t>(row_elements(in_features)) * sizeof(Element);
  }

  static void pack(const std::int8_t *weights, const Requantization &requantization, int out_features, int in_features,
                   std::byte *packed) {
    for (int first = 0; first < out_features; first += columns, packed += panel_bytes(in_features)) {
      std::memset(packed, 0, static_cast<std::size_t>(panel_bytes(in_features)));
      auto *elements = reinterpret_cast<Element *>(packed);
      Constants constants(packed + weight_bytes(in_features));
      for (int column = 0; column < columns && first + column < out_features; ++column) {
        const std::int8_t *row = weights + std::ptrdiff_t{first + column} * in_features;
        std::uint32_t sum = 0;
        for (int k = 0; k < in_features; ++k) {
          sum += static_cast<std::uint32_t>(row[k]);
          elements[(std::ptrdiff_t{k / group} * columns + column) * group + k % group] = static_cast<Element>(row[k]);
        }
        constants.start[column] = static_cast<std::int32_t>(0U - static_cast<std::uint32_t>(V::bias) * sum);
        constants.multiplier[column] = requantization.multiplier[first + column];
        // Offsets of a vector's even lanes, then of its odd ones: multiplications to 64 bits take every other lane.
        const int lane = column % lanes;
        constants.offset[column - lane + (lane % 2) * (lanes / 2) + lane / 2] = requantization.offset[first + column];
      }
    }
  }

  static void run(const LinearArgs &args, Range rows, Range wanted) {
    auto *input = reinterpret_cast<Element *>(args.scratch);
    const int count = rows.end - rows.begin;
    if (count <= 0)
      return;
    // Equal parts, so that no part is left with a few rows for which all panels would be read again.
    const int parts = (count + most_rows - 1) / most_rows;
    const int part = ((count + parts - 1) / parts + V::tile_rows - 1) / V::tile_rows * V::tile_rows;
    for (int first = rows.begin; first < rows.end; first += part) {
      const int end = first + part < rows.end ? first + part : rows.end;
      for (int row = first; row < end; ++row)
        prepare(args, row, input + std::ptrdiff_t{row - first} * row_elements(args.in_features));
      for (int column = wanted.begin; column < wanted.end; column += columns)
        for (int row = first; row < end; row += V::tile_rows)
          tile(args, input + std::ptrdiff_t{row - first} * row_elements(args.in_features), row,
               end - row < V::tile_rows ? end - row : V::tile_rows, {column, wanted.end});
    }
  }

private:
  // A panel's constants, behind its weights.
  struct Constants {
    std::int32_t *start;
    std::int32_t *multiplier;
    std::int64_t *offset;

    explicit Constants(std::byte *bytes)
        : start(reinterpret_cast<std::int32_t *>(bytes)), multiplier(start + columns),
          offset(reinterpret_cast<std::int64_t *>(multiplier + columns)) {}
  };
  struct ConstantsView {
    const std::int32_t *start;
    const std::int32_t *multiplier;
    const std::int64_t *offset;

    explicit ConstantsView(const std::byte *bytes)
        : start(reinterpret_cast<const std::int32_t *>(bytes)), multiplier(start + columns),
          offset(reinterpret_cast<const std::int64_t *>(multiplier + columns)) {}
  };

  // Prepared rows are a whole number of 64-byte lines long.
  static constexpr int row_elements(int in_features) {
    constexpr int line = 64 / static_cast<int>(sizeof(Element));
    return (in_features + line - 1) / line * line;
  }

  // Input codes plus bias; the rest of the last group meets weights of 0.
  static void prepare(const LinearArgs &args, int row, Element *to) {
    const std::int8_t *from = args.input + row * args.input_stride;
    for (int k = 0; k < args.in_features; ++k)
      to[k] = static_cast<Element>(from[k] + V::bias);
    for (int k = args.in_features; k < row_elements(args.in_features); ++k)
      to[k] = 0;
  }

  static void tile(const LinearArgs &args, const Element *input, int row, int rows, Range wanted) {
    const std::byte *panel = args.packed + wanted.begin / columns * panel_bytes(args.in_features);
    switch (rows) {
    case 1:
      return accumulate<1>(args, input, row, wanted, panel);
    case 2:
      return accumulate<2>(args, input, row, wanted, panel);
    case 3:
      return accumulate<3>(args, input, row, wanted, panel);
    case 4:
      return accumulate<4>(args, input, row, wanted, panel);
    case 5:
      return accumulate<5>(args, input, row, wanted, panel);
    default:
      static_assert(V::tile_rows == 6);
      return accumulate<6>(args, input, row, wanted, panel);
    }
  }

  template <int rows>
  static void accumulate(const LinearArgs &args, const Element *input, int row, Range wanted, const std::byte *panel) {
    const ConstantsView constants(panel + weight_bytes(args.in_features));
    Vec sums[std::size_t{rows}][std::size_t{vectors}];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const Vec start = V::load(constants.start + v * lanes);
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r)
        sums[r][v] = start;
    }
    Product<V>::template add<rows>(sums, input, row_elements(args.in_features),
                                   reinterpret_cast<const Element *>(panel), groups(args.in_features));
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const int first = wanted.begin + v * lanes;
      if (first >= wanted.end)
        break;
      const int count = wanted.end - first < lanes ? wanted.end - first : lanes;
      const Column c(constants, v, args, first, count);
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r)
        c.store(args, sums[r][v], row + r);
    }
  }

  // The epilogue of one vector of columns.
  class Column {
  public:
    Column(const ConstantsView &constants, int v, const LinearArgs &args, int first, int count)
        : multiplier_(V::load(constants.multiplier + v * lanes)), even_(V::load64(constants.offset + v * lanes)),
          odd_(V::load64(constants.offset + v * lanes + lanes / 2)), first_(first), count_(count) {
      if (args.epilogue == Epilogue::residual)
        extra_ = V::load(args.residual.multiplier + first, count);
      if (args.epilogue == Epilogue::gelu) {
        extra_ = V::load(args.gelu.multiplier + first, count);
        zero_point_ = V::load(args.gelu.zero_point + first, count);
      }
    }

    void store(const LinearArgs &args, Vec sum, int row) const {
      const std::ptrdiff_t index = row * args.output_stride + first_;
      auto *output8 = static_cast<std::int8_t *>(args.output) + index;
      switch (args.epilogue) {
      case Epilogue::requantize:
        return V::store_clamped(output8, V::requantize(sum, multiplier_, even_, odd_, args.shift), count_);
      case Epilogue::gelu: {
        const Vec x = V::requantize(sum, multiplier_, even_, odd_, args.shift);
        return V::store_clamped(output8, V::gelu_code(x, args.gelu.fraction_bits, extra_, zero_point_), count_);
      }
      case Epilogue::residual: {
        const std::ptrdiff_t place = row * args.residual.stream.stride + first_;
        const Vec code = args.residual.stream.type == CodeType::int8
                             ? V::load(static_cast<const std::int8_t *>(args.residual.stream.data) + place, count_)
                             : V::load(static_cast<const std::int16_t *>(args.residual.stream.data) + place, count_);
        const Vec result = V::add_requantize(sum, multiplier_, V::shift_left(code, args.residual.shift), extra_, even_,
                                             odd_, args.shift);
        if (args.output_type == CodeType::int8)
          return V::store_clamped(output8, result, count_);
        return V::store_clamped(static_cast<std::int16_t *>(args.output) + index, result, count_);
      }
      case Epilogue::logits:
        return V::store(static_cast<std::int32_t *>(args.output) + index,
                        V::requantize(sum, multiplier_, even_, odd_, args.shift), count_);
      }
    }

  private:
    Vec multiplier_;
    Vec even_; // offsets, 64 bits each
    Vec odd_;
    Vec extra_{};
    Vec zero_point_{};
    int first_;
    int count_;
  };
};

} // namespace intvit::kernels::vector

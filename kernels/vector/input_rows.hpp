// A linear map's input rows in the form that the product of a tile reads.
//
// Rows are taken as they lie in memory where the product can read them so. Else each is converted to elements first,
// and where the product wants the rows of a tile in an order of its own (TileProductFor), they are rearranged, once for
// all panels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear.hpp"
#include "kernels/vector/panel.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::vector {

template <ElementOperations V> class InputRows {
  using Element = typename V::Element;
  using Product = TileProduct<V>;

  static constexpr int tile_rows = V::tile_rows;
  static constexpr auto element_bytes = static_cast<std::ptrdiff_t>(sizeof(Element));

  // Whether rows need not be converted.
  static constexpr bool are_elements(int in_features) { return V::reads_codes && in_features % V::group == 0; }

  // Converted rows are a whole number of 64-byte lines long.
  static constexpr std::ptrdiff_t converted_elements(int in_features) {
    constexpr int line = 64 / static_cast<int>(sizeof(Element));
    return std::ptrdiff_t{(in_features + line - 1) / line} * line;
  }
  static constexpr std::ptrdiff_t arranged_bytes(int in_features) {
    return Product::arranged_bytes(steps<V>(in_features) * V::group);
  }
  // Rows that are to be rearranged are converted a tile at a time.
  static constexpr std::ptrdiff_t converted_bytes(int in_features, int rows) {
    if (are_elements(in_features))
      return 0;
    return (arranged_bytes(in_features) > 0 ? tile_rows : rows) * converted_elements(in_features) * element_bytes;
  }

public:
  // Whether the product reads the rows where they lie, so that any number of them takes no memory.
  static constexpr bool in_place(int in_features) {
    return are_elements(in_features) && arranged_bytes(in_features) == 0;
  }
  // How long a row is in the form that is read.
  static constexpr std::ptrdiff_t row_bytes(int in_features) { return converted_elements(in_features) * element_bytes; }

  // Of `rows` rows, a whole number of tiles; a multiple of 64.
  static constexpr std::ptrdiff_t scratch_bytes(int in_features, int rows) {
    return converted_bytes(in_features, rows) + rows / tile_rows * arranged_bytes(in_features);
  }

  // `scratch` has room for `most` rows, at least as many as `rows`.
  InputRows(const LinearArgs &args, Range rows, int most, std::byte *scratch)
      : count_(rows.end - rows.begin), arranged_tile_bytes_(arranged_bytes(args.in_features)),
        arranged_(scratch + converted_bytes(args.in_features, most)) {
    const bool convert = !are_elements(args.in_features);
    auto *converted = reinterpret_cast<Element *>(scratch);
    const std::int8_t *codes = args.input + rows.begin * args.input_stride;
    const auto convert_rows = [&](int first, int count) {
      for (int row = 0; row < count; ++row)
        V::codes_to_elements(codes + (first + row) * args.input_stride, args.in_features, converted + row * stride_,
                             static_cast<int>(stride_));
    };
    rows_ = convert ? converted : reinterpret_cast<const Element *>(codes);
    stride_ = convert ? converted_elements(args.in_features) : args.input_stride;
    if (arranged_tile_bytes_ == 0) {
      if (convert)
        convert_rows(0, count_);
      return;
    }
    for (int first = 0; first < count_; first += tile_rows) {
      const int count = count_ - first < tile_rows ? count_ - first : tile_rows;
      if (convert)
        convert_rows(first, count);
      const Element *at[std::size_t{tile_rows}];
      point_to_rows(convert ? 0 : first, count, at);
      Product::arrange(at, steps<V>(args.in_features) * V::group, arranged_ + first / tile_rows * arranged_tile_bytes_);
    }
  }

  // The tile that begins with row `first` of the range, of which `count` rows are wanted: the last one stands for those
  // that lack.
  INTVIT_INLINE typename Product::Input tile(int first, int count) const {
    const Element *at[std::size_t{tile_rows}];
    point_to_rows(first, count, at);
    return Product::input(at, arranged_ + first / tile_rows * arranged_tile_bytes_);
  }

private:
  INTVIT_INLINE void point_to_rows(int first, int count, const Element *(&at)[std::size_t{tile_rows}]) const {
    const Element *row = rows_ + first * stride_;
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r)
      at[r] = row + (r < count ? r : count - 1) * stride_;
  }

  int count_;
  const Element *rows_ = nullptr;
  std::ptrdiff_t stride_ = 0;
  std::ptrdiff_t arranged_tile_bytes_;
  std::byte *arranged_;
};

} // namespace intvit::kernels::vector

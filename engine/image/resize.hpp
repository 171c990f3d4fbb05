// Resizing as Pillow does it, byte for byte, in integers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/image/frame.hpp"
#include "engine/image/image.hpp"
#include "engine/image/resample_table.hpp"
#include "kernels/dispatch.hpp"

namespace intvit {

// Makes the table of an axis when it is first asked for, and keeps those asked for last: photographs have few sizes, in
// turns.
class ResampleTables {
public:
  static constexpr int most = 8;

  // The number of such a table, which stays until `most` others have been asked for.
  int find(int input_size, int output_size, ResizeFilter filter, int first, int count);
  const ResampleTable &operator[](int number) const { return entries_[static_cast<std::size_t>(number)].table; }

private:
  struct Entry {
    std::array<int, 5> of{}; // what find() was asked for
    std::uint64_t asked = 0; // when; 0: there is no table
    ResampleTable table;
  };
  std::array<Entry, most> entries_;
  std::uint64_t asked_ = 0; // how often
};

// Whether Pillow 13.0 brings columns to the new height before it brings rows to the new width. Requires that both
// change and that sizes are in 1 .. max_image_side.
bool columns_first(int input_width, int input_height, int width, int height);

// Resizes and crops any number of pictures of the same size. It allocates when it is prepared, and never after.
class Resizer {
public:
  // Prepares to resize pictures of input_width x input_height to width x height and to keep `region` of the result.
  // Errors: bad_argument if the region is empty or not inside width x height; those of make_image for every size,
  // including that of the picture between the passes (new width, old height; or the other way round).
  Status prepare(int input_width, int input_height, int width, int height, ResizeFilter filter, const Region &region,
                 PassOrder order = PassOrder::rows);

  // What run() needs besides for frames that have to be converted. Allocates where nothing is prepared for that.
  // Errors: those of make_image for the picture between the passes.
  Status prepare_conversion();

  // Requires a picture of the prepared size, upright. Writes the region's rows, `output_stride` bytes apart, with red
  // and blue exchanged where the frame has them so. Of a frame only what is needed is converted, a few rows at a time.
  void run(const Frame &frame, std::uint8_t *output, std::ptrdiff_t output_stride, const kernels::KernelTable &kernels);

private:
  // The inputs of an axis that its outputs are made of.
  struct Axis {
    int table = -1;                               // of tables_; -1: the pass would not change the size and is left out
    std::vector<kernels::ResampleWindow> windows; // the table's, counted from the first input
    int first = 0;
    int count = 0;
  };
  Status make_between();
  void prepare_axis(int input_size, int output_size, ResizeFilter filter, int first, int count, Axis &axis);
  // Input rows to the new width, into rows of between_ from `first` on.
  void narrow(const ImageView &rows, int first, const kernels::KernelTable &kernels);

  Region region_;
  ResampleTables tables_;
  Axis columns_;
  Axis rows_;
  bool columns_first_ = false;
  Image between_; // what the second pass reads
  // Input rows that are converted: a few at a time, or all where columns are first. Empty: not prepared.
  std::vector<std::uint8_t> band_;
  std::ptrdiff_t band_row_bytes_ = 0;
};

// The picture at another size: first each row is brought to the new width, then each column to the new height, with an
// 8-bit picture in between. A pass that would not change the size is left out. The result equals Image.resize((width,
// height), filter) of Pillow up to 12.1 on RGB pictures, with PassOrder::pillow13 that of Pillow 13.0.
// resample_table.hpp describes the weights, kernels/resample.hpp the sums. All `kernels` give the same bits. Errors:
// bad_argument if `image` does not hold the pixels that its size says; those of make_image for the new size and for the
// picture in between (new width, old height).
Result<Image> resize(const Image &image, int width, int height, ResizeFilter filter,
                     const kernels::KernelTable &kernels = kernels::default_kernels(),
                     PassOrder order = PassOrder::rows);

// The part `region` of that result, without computing the rest. Errors: also bad_argument if the region is empty or not
// inside width x height.
Result<Image> resize_region(const Image &image, int width, int height, ResizeFilter filter, const Region &region,
                            const kernels::KernelTable &kernels = kernels::default_kernels(),
                            PassOrder order = PassOrder::rows);

} // namespace intvit

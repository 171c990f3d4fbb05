// Turns blocks of samples into rows of pixels. Of each component it stores a strip that is a little higher than an MCU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/image/image.hpp"
#include "engine/image/jpeg/headers.hpp"

namespace intvit {

class JpegRenderer {
public:
  // `frame` and `image` must outlive the renderer. Allocates, and may throw std::bad_alloc.
  JpegRenderer(const JpegFrame &frame, JpegColors colors, Image &image);

  // Where to store the samples of a block of the present MCU row; `row` counts the component's rows of blocks in it.
  std::uint8_t *block(std::size_t component, int column, int row) {
    Strip &strip = strips_[component];
    return strip.samples.data() + (strip.history + std::ptrdiff_t{row} * block_side) * strip.stride +
           std::ptrdiff_t{column} * block_side;
  }
  std::ptrdiff_t stride(std::size_t component) const { return strips_[component].stride; }

  // To be called when all blocks of that row of MCUs are stored. Writes the rows of pixels whose lower neighbours are
  // known.
  void finish_mcu_row(int mcu_row);

private:
  struct Strip {
    std::vector<std::uint8_t> samples;
    std::ptrdiff_t stride = 0;
    std::ptrdiff_t history = 0;   // rows of the strip before, which the next pixels need
    std::ptrdiff_t first_row = 0; // of the component, in the strip's first row: negative in the first strip
    int horizontal_expansion = 1;
    int vertical_expansion = 1;
    std::vector<std::uint8_t> expanded; // a row at the picture's width
  };

  const std::uint8_t *expanded_row(std::size_t component, int y);

  const JpegFrame &frame_;
  JpegColors colors_;
  Image &image_;
  std::vector<Strip> strips_;
  std::vector<std::uint16_t> sums_;
  int next_row_ = 0; // of the picture
};

} // namespace intvit

// A picture to draw on.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/image/image.hpp"

namespace intvit::cli {

using Colour = std::array<std::uint8_t, 3>; // R, G, B

class Canvas {
public:
  // Throws std::runtime_error where a picture cannot be so large.
  Canvas(int width, int height, Colour background);

  const Image &image() const { return image_; }

  // Where these reach beyond the edge they are cut off.
  void paste(const Image &picture, int left, int top);
  void fill(Region region, Colour colour);
  // In letters of 7 * scale pixels above the base line, with smooth edges. What is not ASCII is drawn as '?'.
  void text(const std::string &text, int left, int top, int scale, Colour colour);

private:
  Image image_;
};

// In pixels, as Canvas::text() draws it.
int text_width(const std::string &text, int scale);

// Shortened at its end, ".." in place of what is left out, so that it is at most `width` pixels wide.
std::string fitted(const std::string &text, int width, int scale);

} // namespace intvit::cli

#include "cli/picture/canvas.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <stb/stb_easy_font.h>

namespace intvit::cli {

namespace {

std::string drawable(const std::string &text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      result += byte >= 0x20 && byte < 0x7F ? c : '?';
    else if (byte >= 0xC0) // the first byte of a character of UTF-8
      result += '?';
  }
  return result;
}

// As stb_easy_font writes it.
struct Vertex {
  float x;
  float y;
  float z;
  std::array<std::uint8_t, 4> colour;
};

} // namespace

Canvas::Canvas(int width, int height, Colour background) {
  Result<Image> image = make_image(width, height);
  if (!image.ok())
    throw std::runtime_error("the picture: " + image.status().message());
  image_ = std::move(*image);
  fill({0, 0, width, height}, background);
}

void Canvas::paste(const Image &picture, int left, int top) {
  const int first = std::max(0, -left);
  const int last = std::min(picture.width, image_.width - left);
  for (int y = std::max(0, -top); y < std::min(picture.height, image_.height - top) && first < last; ++y)
    std::copy(picture.rgb.begin() + (std::ptrdiff_t{y} * picture.width + first) * 3,
              picture.rgb.begin() + (std::ptrdiff_t{y} * picture.width + last) * 3,
              image_.rgb.begin() + (std::ptrdiff_t{top + y} * image_.width + left + first) * 3);
}

void Canvas::fill(Region region, Colour colour) {
  for (int y = std::max(0, region.top); y < std::min(region.top + region.height, image_.height); ++y)
    for (int x = std::max(0, region.left); x < std::min(region.left + region.width, image_.width); ++x)
      std::copy(colour.begin(), colour.end(), image_.rgb.begin() + (std::ptrdiff_t{y} * image_.width + x) * 3);
}

void Canvas::text(const std::string &text, int left, int top, int scale, Colour colour) {
  // Letters are made of horizontal and vertical strokes of whole pixels, each a rectangle of four corners.
  std::string letters = drawable(text);
  std::vector<Vertex> corners(letters.size() * 4 * 24); // far more strokes than a letter has
  const int strokes = stb_easy_font_print(0, 0, letters.data(), nullptr, corners.data(),
                                          static_cast<int>(corners.size() * sizeof(Vertex)));
  for (int stroke = 0; stroke < strokes; ++stroke) {
    const Vertex &from = corners[static_cast<std::size_t>(stroke) * 4];
    const Vertex &to = corners[static_cast<std::size_t>(stroke) * 4 + 2];
    const auto pixels = [&](float length) { return static_cast<int>(length) * scale; };
    fill({left + pixels(from.x), top + pixels(from.y), pixels(to.x - from.x), pixels(to.y - from.y)}, colour);
  }
}

int text_width(const std::string &text, int scale) {
  std::string letters = drawable(text);
  return stb_easy_font_width(letters.data()) * scale;
}

std::string fitted(const std::string &text, int width, int scale) {
  if (text_width(text, scale) <= width)
    return text;
  std::string shorter = drawable(text);
  while (!shorter.empty() && text_width(shorter + "..", scale) > width)
    shorter.pop_back();
  return shorter + "..";
}

} // namespace intvit::cli

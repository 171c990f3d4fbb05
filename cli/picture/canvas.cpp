#include "cli/picture/canvas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cli/picture/letters.hpp"

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

// Pixels of a unit of letters.
double unit(int scale) {
  return 7.0 * scale / letter_height;
}

double distance(double x, double y, const std::pair<double, double> &a, const std::pair<double, double> &b) {
  const double dx = b.first - a.first;
  const double dy = b.second - a.second;
  const double length = dx * dx + dy * dy;
  const double along = length > 0 ? std::clamp(((x - a.first) * dx + (y - a.second) * dy) / length, 0.0, 1.0) : 0.0;
  const double across = x - a.first - along * dx;
  const double down = y - a.second - along * dy;
  return std::sqrt(across * across + down * down);
}

// How much of each pixel letters cover, 0..1.
struct Coverage {
  int width;
  int height;
  std::vector<double> shares;

  // Where pixels are half covered at an edge, the edge looks smooth.
  void draw(const std::pair<double, double> &a, const std::pair<double, double> &b, double radius) {
    const double reach = radius + 1;
    const int left = std::max(0, static_cast<int>(std::min(a.first, b.first) - reach));
    const int right = std::min(width - 1, static_cast<int>(std::max(a.first, b.first) + reach));
    const int top = std::max(0, static_cast<int>(std::min(a.second, b.second) - reach));
    const int bottom = std::min(height - 1, static_cast<int>(std::max(a.second, b.second) + reach));
    for (int y = top; y <= bottom; ++y)
      for (int x = left; x <= right; ++x) {
        const double share = std::clamp(radius + 0.5 - distance(x + 0.5, y + 0.5, a, b), 0.0, 1.0);
        double &pixel =
            shares[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
        pixel = std::max(pixel, share);
      }
  }
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
  const double size = unit(scale);
  const double radius = std::max(0.5, letter_stroke * size / 2);
  Coverage coverage{text_width(text, scale) + 2 * scale, 12 * scale, {}};
  coverage.shares.resize(static_cast<std::size_t>(coverage.width) * static_cast<std::size_t>(coverage.height));
  double place = radius;
  for (const char c : drawable(text)) {
    const Letter shape = letter(c);
    const auto pixel = [&](const std::pair<double, double> &point) {
      return std::pair(place + point.first * size, radius + point.second * size);
    };
    for (const Stroke &stroke : shape.strokes)
      for (std::size_t i = 1; i < stroke.size(); ++i)
        coverage.draw(pixel(stroke[i - 1]), pixel(stroke[i]), radius);
    place += (shape.width + letter_space) * size;
  }
  for (int y = std::max(0, -top); y < std::min(coverage.height, image_.height - top); ++y)
    for (int x = std::max(0, -left); x < std::min(coverage.width, image_.width - left); ++x) {
      const double share = coverage.shares[static_cast<std::size_t>(y) * static_cast<std::size_t>(coverage.width) +
                                           static_cast<std::size_t>(x)];
      std::uint8_t *pixel = image_.rgb.data() + (std::ptrdiff_t{top + y} * image_.width + left + x) * 3;
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(std::lround(pixel[c] * (1 - share) + colour[c] * share));
    }
}

int text_width(const std::string &text, int scale) {
  double units = 0;
  for (const char c : drawable(text))
    units += letter(c).width + letter_space;
  return static_cast<int>(std::ceil(units * unit(scale)));
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

#include "models/drawing/drawing.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>

#include "models/parallel.hpp"
#include "models/random/random_integer.hpp"

namespace intvit {

namespace {

// Pictures are drawn twice as large and made smaller, so that edges have pixels in between.
constexpr int drawn_scale = 2;

// Colours in units of 1/16, so that shades have steps finer than a byte's.
constexpr int unit = 16;
constexpr int white = 255 * unit;

using Colour = std::array<int, 3>; // red, green, blue in units of 1/16; not clamped

// Cosines of multiples of 1/32 turn, in units of 1/256.
constexpr std::array<int, 9> quarter_cosine = {256, 251, 237, 213, 181, 142, 98, 50, 0};
constexpr int turn = 32;

int angle_cosine(int angle) {
  angle &= turn - 1;
  const int half = angle > turn / 2 ? turn - angle : angle; // 0 to a half turn, the cosine is even
  return half <= turn / 4 ? quarter_cosine[static_cast<std::size_t>(half)]
                          : -quarter_cosine[static_cast<std::size_t>(turn / 2 - half)];
}
int angle_sine(int angle) {
  return angle_cosine(angle - turn / 4);
}

// One value for every pixel.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<int> values;

  Plane(int w, int h) : width(w), height(h), values(static_cast<std::size_t>(w) * static_cast<std::size_t>(h)) {}
  int &at(int x, int y) {
    return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  // Repeated in all directions.
  int around(int x, int y) const {
    const int column = ((x % width) + width) % width;
    const int row = ((y % height) + height) % height;
    return values[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)];
  }
};

class Painter {
public:
  Painter(int width, int height, std::uint32_t seed)
      : width_(width), height_(height), generator_(seed),
        noise_(width, height), channels_{Plane(width, height), Plane(width, height), Plane(width, height)} {}

  void paint() {
    make_palette();
    add_noise(noise_, any(160, 256));
    paint_ground();
    const int shorter = std::min(width_, height_);
    const int smallest = std::max(shorter >> any(3, 7), 1);
    for (int i = 0, count = one_in(6) ? 0 : 1 << any(2, 10); i < count; ++i)
      paint_leaf_in(0, width_ - 1, 0, height_ - 1, smallest, shorter);
    if (one_in(2))
      blur(shorter * any(1, 5) / 100);
    // What the picture is of: some leaves around a place near the middle.
    const int spread = shorter / any(3, 6);
    const int x = width_ / 2 + any(-width_ / 5, width_ / 5);
    const int y = height_ / 2 + any(-height_ / 5, height_ / 5);
    for (int i = 0, count = one_in(5) ? 0 : 1 << any(1, 7); i < count; ++i)
      paint_leaf_in(x - spread, x + spread, y - spread, y + spread, std::max(shorter >> any(4, 6), 1), shorter / 2);
    if (one_in(2))
      blur(any(1, 2));
  }

  // Smaller by drawn_scale, with the noise of a camera.
  Image picture() {
    Image image;
    image.width = width_ / drawn_scale;
    image.height = height_ / drawn_scale;
    image.rgb.reserve(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3);
    const int grain = one_in(2) ? 0 : any(1, 8) * unit;
    const bool grey = one_in(25);
    const int gain = any(200, 330); // contrast, in units of 1/256
    const int offset = any(-30, 30) * unit;
    for (int row = 0; row < image.height; ++row)
      for (int column = 0; column < image.width; ++column)
        for (Plane &channel : channels_) {
          Plane *plane = grey ? &channels_[1] : &channel;
          int sum = 0;
          for (int i = 0; i < drawn_scale * drawn_scale; ++i)
            sum += plane->at(column * drawn_scale + i % drawn_scale, row * drawn_scale + i / drawn_scale);
          int value = sum / (drawn_scale * drawn_scale);
          value = white / 2 + (value - white / 2) * gain / 256 + offset + any(-grain, grain);
          image.rgb.push_back(static_cast<std::uint8_t>(std::clamp(value, 0, white) / unit));
        }
    return image;
  }

private:
  int any(int low, int high) { return random_integer(generator_, low, high); }
  bool one_in(int count) { return any(1, count) == 1; }

  // A light, and less of a colour.
  Colour any_colour() {
    const int light = any(10, 245) * unit;
    const int saturation = any(0, 3);
    const int red = any(-20, 24) * saturation * unit;
    const int blue = any(-26, 18) * saturation * unit;
    return {light + red, light - (red + blue) / 4, light + blue};
  }
  void make_palette() {
    palette_.clear();
    for (int i = 0, count = any(2, 8); i < count; ++i)
      palette_.push_back(any_colour());
  }
  Colour from_palette() {
    Colour colour = palette_[static_cast<std::size_t>(any(0, static_cast<int>(palette_.size()) - 1))];
    const int lighter = any(-40, 40) * unit;
    for (int &value : colour)
      value += lighter + any(-8, 8) * unit;
    return colour;
  }

  // The density of radii falls with their third power: r = low / sqrt(1 - u (1 - (low / high)^2)).
  int power_law_radius(int low, int high) {
    high = std::max(high, low);
    // 1 / r^2 is evenly distributed; found by halving, for there is no square root of integers.
    constexpr std::int64_t one = std::int64_t{1} << 40;
    const std::int64_t least = one / (std::int64_t{high} * high);
    const std::int64_t most = one / (std::int64_t{low} * low);
    const std::int64_t wanted = least + (most - least) * any(0, 1 << 20) / (1 << 20);
    int below = low;
    while (below < high && one / (std::int64_t{below + 1} * (below + 1)) >= wanted)
      ++below;
    return below;
  }

  // Value noise: random numbers on lattices that get finer by two, joined by lines; every octave has `kept` / 256 of
  // the amplitude of the one before it. The sum is brought to +-1024.
  void add_noise(Plane &plane, int kept) {
    const int coarsest = std::max(std::min(width_, height_) / 2, 2);
    int total = 0;
    for (int cell = coarsest, amplitude = 1024; cell >= 2; cell /= 2, amplitude = amplitude * kept / 256) {
      const int columns = width_ / cell + 2;
      const int rows = height_ / cell + 2;
      Plane lattice(columns, rows);
      for (int &value : lattice.values)
        value = any(-amplitude, amplitude);
      total += amplitude;
      for (int y = 0; y < height_; ++y)
        for (int x = 0; x < width_; ++x) {
          const int left = x / cell;
          const int top = y / cell;
          const int right = x % cell;
          const int down = y % cell;
          const int upper = lattice.at(left, top) * (cell - right) + lattice.at(left + 1, top) * right;
          const int lower = lattice.at(left, top + 1) * (cell - right) + lattice.at(left + 1, top + 1) * right;
          plane.at(x, y) += (upper / cell * (cell - down) + lower / cell * down) / cell;
        }
    }
    // The sum of octaves is seldom more than half of what it could be.
    for (int &value : plane.values)
      value = std::clamp(value * 2048 / std::max(total, 1), -1024, 1024);
  }

  void paint_ground() {
    const Colour top = from_palette();
    const Colour bottom = from_palette();
    const int rough = any(0, 120) * unit;
    for (int y = 0; y < height_; ++y)
      for (int x = 0; x < width_; ++x)
        for (std::size_t c = 0; c < 3; ++c)
          channels_[c].at(x, y) = top[c] + (bottom[c] - top[c]) * y / height_ + noise_.at(x, y) * rough / 1024;
  }

  // Its centre in a rectangle, its radius in a range. In statements of their own: the order in which arguments are
  // computed is a compiler's own.
  void paint_leaf_in(int left, int right, int top, int bottom, int smallest, int largest) {
    const int x = any(left, right);
    const int y = any(top, bottom);
    const int radius = power_law_radius(smallest, largest);
    paint_leaf(x, y, radius);
  }

  enum class Shape : std::uint8_t { ellipse, rectangle, lens };

  void paint_leaf(int centre_x, int centre_y, int radius) {
    const auto shape = static_cast<Shape>(any(0, 2));
    const int angle = any(0, turn - 1);
    const int along = angle_cosine(angle);
    const int across = angle_sine(angle);
    const int length = radius;
    const int breadth = std::max(radius * any(60, 256) / 256, 1);
    const Colour colour = from_palette();
    const Colour stripe = from_palette();
    const int rough = one_in(2) ? any(0, 90) * unit : 0;
    const int shade = any(-60, 60) * unit;
    const int period = one_in(4) ? any(2, std::max(radius / 2, 3)) : 0;
    const int noise_x = any(0, width_);
    const int noise_y = any(0, height_);
    const int reach = shape == Shape::rectangle ? length + breadth : length;
    for (int y = std::max(centre_y - reach, 0); y <= std::min(centre_y + reach, height_ - 1); ++y)
      for (int x = std::max(centre_x - reach, 0); x <= std::min(centre_x + reach, width_ - 1); ++x) {
        const int u = ((x - centre_x) * along + (y - centre_y) * across) / 256;
        const int v = ((y - centre_y) * along - (x - centre_x) * across) / 256;
        if (!covers(shape, u, v, length, breadth))
          continue;
        const bool striped = period > 0 && ((u + length) / period) % 2 == 1;
        const int light = shade * v / breadth + noise_.around(x + noise_x, y + noise_y) * rough / 1024;
        for (std::size_t c = 0; c < 3; ++c)
          channels_[c].at(x, y) = (striped ? stripe[c] : colour[c]) + light;
      }
  }

  // u and v: from the leaf's centre along and across it.
  static bool covers(Shape shape, std::int64_t u, std::int64_t v, std::int64_t length, std::int64_t breadth) {
    switch (shape) {
    case Shape::ellipse:
      return u * u * breadth * breadth + v * v * length * length <= length * length * breadth * breadth;
    case Shape::rectangle:
      return u * u <= length * length && v * v <= breadth * breadth;
    case Shape::lens: // between two parabolas
      break;
    }
    return (v < 0 ? -v : v) * length * length <= breadth * (length * length - u * u);
  }

  // Twice the mean over 2 radius + 1 pixels, along rows and along columns.
  void blur(int radius) {
    if (radius < 1)
      return;
    for (Plane &plane : channels_)
      for (int pass = 0; pass < 2; ++pass) {
        for (int y = 0; y < height_; ++y)
          blur_line(&plane.at(0, y), width_, 1, radius);
        for (int x = 0; x < width_; ++x)
          blur_line(&plane.at(x, 0), height_, width_, radius);
      }
  }
  void blur_line(int *first, int count, std::ptrdiff_t distance, int radius) {
    line_.resize(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      line_[static_cast<std::size_t>(i)] = std::clamp(first[i * distance], -white, 2 * white);
    const auto at = [&](int i) { return line_[static_cast<std::size_t>(std::clamp(i, 0, count - 1))]; };
    std::int64_t sum = 0;
    for (int i = -radius; i <= radius; ++i)
      sum += at(i);
    for (int i = 0; i < count; ++i) {
      first[i * distance] = static_cast<int>(sum / (2 * radius + 1));
      sum += at(i + radius + 1) - at(i - radius);
    }
  }

  int width_;
  int height_;
  std::mt19937 generator_;
  std::vector<Colour> palette_;
  Plane noise_;
  std::array<Plane, 3> channels_;
  std::vector<int> line_;
};

} // namespace

Image draw_picture(int width, int height, std::uint32_t seed) {
  Painter painter(width * drawn_scale, height * drawn_scale, seed);
  painter.paint();
  return painter.picture();
}

std::vector<Image> draw_pictures(int count, int width, int height, std::uint32_t seed, int threads) {
  if (count > 0 && (width > largest_drawn_side || height > largest_drawn_side))
    throw std::runtime_error("pictures of " + std::to_string(width) + " x " + std::to_string(height) +
                             " pixels are not drawn; calibrate on photographs");
  std::vector<Image> images(static_cast<std::size_t>(count));
  parallel_for(threads, images.size(), [&](std::size_t i, std::size_t) {
    images[i] = draw_picture(width, height, seed + static_cast<std::uint32_t>(i));
  });
  return images;
}

} // namespace intvit

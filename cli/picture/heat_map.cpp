#include "cli/picture/heat_map.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace intvit::cli {

namespace {

// Where a pixel lies between the centres of two cells, as the second cell's share of its colour. The share follows a
// smooth step: there are no visible edges, and unlike a spline it never leaves the range of the two cells' values.
struct Between {
  std::size_t first = 0;
  std::size_t second = 0;
  double share = 0;
};

Between between(int pixel, int pixels, int cells) {
  const double at = std::clamp((pixel + 0.5) * cells / pixels - 0.5, 0.0, cells - 1.0);
  const auto first = static_cast<std::size_t>(at);
  const double t = at - static_cast<double>(first);
  return {first, std::min(first + 1, static_cast<std::size_t>(cells) - 1), t * t * (3 - 2 * t)};
}

double sample(std::span<const double> values, int grid_width, const Between &across, const Between &down) {
  const auto row = [&](std::size_t y) {
    const std::span<const double> cells = values.subspan(y * static_cast<std::size_t>(grid_width));
    return cells[across.first] * (1 - across.share) + cells[across.second] * across.share;
  };
  return row(down.first) * (1 - down.share) + row(down.second) * down.share;
}

} // namespace

Colour heat_colour(double value) {
  // Points of a scale from dark violet over red and orange to light yellow.
  constexpr std::array<std::array<double, 3>, 6> scale{
      {{4, 6, 42}, {74, 16, 108}, {150, 38, 104}, {218, 76, 64}, {250, 150, 28}, {252, 244, 150}}};
  const double at = std::clamp(value, 0.0, 1.0) * (scale.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(at), scale.size() - 2);
  const double share = at - static_cast<double>(below);
  Colour colour{};
  for (std::size_t c = 0; c < 3; ++c)
    colour[c] = static_cast<std::uint8_t>(std::lround(scale[below][c] * (1 - share) + scale[below + 1][c] * share));
  return colour;
}

Image heat_map(const Image &photograph, std::span<const double> values, int grid_width, int grid_height,
               HeatScale scale) {
  constexpr double heat_share = 0.6;
  constexpr double grey_step = 8; // nobody sees it, and the file gets smaller
  Image result = photograph;
  std::vector<Between> across;
  across.reserve(static_cast<std::size_t>(photograph.width));
  for (int x = 0; x < photograph.width; ++x)
    across.push_back(between(x, photograph.width, grid_width));
  const double range = scale.high - scale.low;
  std::uint8_t *pixel = result.rgb.data();
  for (int y = 0; y < photograph.height; ++y) {
    const Between down = between(y, photograph.height, grid_height);
    for (int x = 0; x < photograph.width; ++x, pixel += 3) {
      const double value = sample(values, grid_width, across[static_cast<std::size_t>(x)], down);
      const Colour heat = heat_colour(range > 0 ? (value - scale.low) / range : 0);
      const double luminance = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
      const double grey = std::min(255.0, std::round(luminance / grey_step) * grey_step);
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(std::lround(grey * (1 - heat_share) + heat[c] * heat_share));
    }
  }
  return result;
}

} // namespace intvit::cli

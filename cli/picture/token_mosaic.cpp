#include "cli/picture/token_mosaic.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace intvit::cli {

Image token_mosaic(const Image &photograph, std::span<const int> group, int grid_width, int grid_height) {
  const int groups = *std::max_element(group.begin(), group.end()) + 1;
  const auto group_at = [&](int x, int y) {
    const int column = x * grid_width / photograph.width;
    const int row = y * grid_height / photograph.height;
    return static_cast<std::size_t>(
        group[static_cast<std::size_t>(row) * static_cast<std::size_t>(grid_width) + static_cast<std::size_t>(column)]);
  };
  std::vector<std::array<std::int64_t, 4>> sums(static_cast<std::size_t>(groups)); // of R, G, B, and how many
  const std::uint8_t *pixel = photograph.rgb.data();
  for (int y = 0; y < photograph.height; ++y)
    for (int x = 0; x < photograph.width; ++x, pixel += 3) {
      std::array<std::int64_t, 4> &sum = sums[group_at(x, y)];
      for (std::size_t c = 0; c < 3; ++c)
        sum[c] += pixel[c];
      ++sum[3];
    }
  const int border = std::max(1, photograph.width / 400);
  Image result = photograph;
  std::uint8_t *to = result.rgb.data();
  for (int y = 0; y < photograph.height; ++y)
    for (int x = 0; x < photograph.width; ++x, to += 3) {
      const std::size_t own = group_at(x, y);
      const bool edge = group_at(std::min(x + border, photograph.width - 1), y) != own ||
                        group_at(x, std::min(y + border, photograph.height - 1)) != own;
      for (std::size_t c = 0; c < 3; ++c)
        to[c] = edge ? std::uint8_t{255} : static_cast<std::uint8_t>(sums[own][c] / sums[own][3]);
    }
  return result;
}

} // namespace intvit::cli

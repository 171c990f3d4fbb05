// Rotary positions (RoPE, arXiv 2104.09864) on a grid of patches: half of a head's pairs of channels are turned by
// angles that grow along one side of the grid, half by angles that grow along the other.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace intvit {

// The cosines and sines of one block, with 30 fraction bits, the same on every machine.
struct Rotation {
  int first = 0;                    // tokens before the patches, which are not turned
  int columns = 0;                  // pairs: those of a head, the same for all, or those of all heads
  std::vector<std::int32_t> cosine; // [patches, columns]
  std::vector<std::int32_t> sine;

  int rows() const { return columns == 0 ? 0 : static_cast<int>(cosine.size()) / columns; }
};

// How the angles follow from a patch's place. The k-th of n = head_dim / 4 pairs of an axis has the frequency
// temperature^(-k / n).
struct Rope {
  enum class Grid : std::uint8_t {
    none,    // no rotation
    index,   // angle = frequency * (index + offset), with `reference` times reference / side
    centred, // angle = 2 pi * frequency * c, c from -1 to 1 along the side, at the centres of patches (DINOv3)
    learned, // each head has frequencies of its own for either axis (arXiv 2403.13298, "mixed")
  };

  Grid grid = Grid::none;
  double temperature = 0;
  bool columns_first = false; // the first half of the pairs is turned along a row of the grid, else down a column
  double offset = 0;
  int reference = 0; // patches a side that the angles were trained with; 0: as many as there are
};

// Of a grid of height x width patches. Requires head_dim % 4 == 0 and grid index or centred.
std::shared_ptr<const Rotation> rotation(const Rope &rope, int height, int width, int head_dim, int first);

// With learned frequencies [2, pairs]: those along a row, then those down a column.
std::shared_ptr<const Rotation> rotation(const float *frequencies, int pairs, int height, int width, int first);

} // namespace intvit

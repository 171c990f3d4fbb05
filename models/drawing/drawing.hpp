// Pictures that nobody took, whose statistics are like those of photographs: to calibrate on where there are none.
//
// A picture is a shaded ground with noise, leaves on it, blurred or not, and leaves in front. A leaf is an ellipse, a
// rectangle or a lens, shaded, striped or rough. Their sizes follow a power law and so hide one another as things in
// photographs do (dead leaves: equally many edges at every scale); the noise has equal power in every octave. Integers
// alone: a picture depends on its seed and its size, and is the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/image/image.hpp"

namespace intvit {

// While it is drawn, a pixel takes 64 bytes.
inline constexpr int largest_drawn_side = 4096;

// width, height: 1 to largest_drawn_side pixels.
Image draw_picture(int width, int height, std::uint32_t seed);

// Those of seeds `seed`, `seed` + 1 and so on. Throws std::runtime_error where a side is larger than that.
std::vector<Image> draw_pictures(int count, int width, int height, std::uint32_t seed, int threads);

} // namespace intvit

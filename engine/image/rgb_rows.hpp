// Rows of samples to RGB. Each function converts `width` pixels and reads nothing behind them; it may write up to 16
// pixels more than that, which mean nothing.
#pragma once

#include <array>
#include <cstdint>

#include "engine/image/frame.hpp"

namespace intvit {

// A row's samples, from an even column on: of planes, or in the first pointer alone.
using YuvRow = std::array<const std::uint8_t *, 3>;

// By docs/images.md's formulas. `format`: one that has y, u and v.
void yuv_to_rgb(PixelFormat format, const YuvRow &row, int width, const YuvFactors &factors, std::uint8_t *rgb);

// Of four bytes a pixel the first three.
void rgba_to_rgb(const std::uint8_t *row, int width, std::uint8_t *rgb);

void grey_to_rgb(const std::uint8_t *row, int width, std::uint8_t *rgb);

} // namespace intvit

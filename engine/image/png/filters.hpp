// PNG's filters: each row of bytes is stored as differences from what is to its left and above it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit {

// How many bytes behind a row of `row_bytes` must be readable in `stored` and `above`, and writable in `row`.
inline constexpr std::size_t png_row_slack = 8;

// Undoes filter `kind` of a row of pixels that begin `pixel_bytes` (1 to 8) apart, which were stored in whole bytes.
// `above` is the row before, without its filter; of zeros for the first one. `row` must be another row. Returns whether
// there is such a filter.
bool undo_png_filter(int kind, const std::uint8_t *stored, const std::uint8_t *above, std::uint8_t *row,
                     std::size_t row_bytes, std::size_t pixel_bytes);

} // namespace intvit

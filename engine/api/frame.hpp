// A caller's pixels, checked.
#pragma once

#include <cstddef>

#include "engine/image/frame.hpp"
#include "engine/include/intvit.h"
#include "engine/status.hpp"

namespace intvit::api {

// A plane's distance of rows: `stride`, or `row_bytes` if it is 0. Errors: bad_argument if rows would overlap, or lie
// further apart than memory reaches.
Result<std::ptrdiff_t> row_distance(std::ptrdiff_t stride, std::ptrdiff_t row_bytes, int rows);

// The frame that `data` points to. Errors: bad_argument; unsupported (a field that this version does not know).
Result<Frame> take_frame(const void *data);

} // namespace intvit::api

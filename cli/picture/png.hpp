// Pictures as PNG files.
#pragma once

#include <string>

#include "engine/image/image.hpp"

namespace intvit::cli {

// Throws std::runtime_error that names the file where it cannot be written.
void write_png(const std::string &path, const Image &image);

} // namespace intvit::cli

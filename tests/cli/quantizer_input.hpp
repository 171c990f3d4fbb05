// A float model and photographs, small enough to quantize in no time.
#pragma once

#include <string>

namespace intvit::test {

// Random float weights in timm's layout with a config.json: 16x16 pixels, 5 classes.
std::string weights_folder();

// The photograph of a cat, a small square of it in one shade from 0 to 255, as a PPM file.
std::string photograph_with_square(int shade);

// A folder with three pictures, of which two are the first with a square in it, in folders named after two of the
// classes.
std::string photographs();

} // namespace intvit::test

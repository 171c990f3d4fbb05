// A float model and photographs, small enough to quantize in no time.
#pragma once

#include <string>

namespace intvit::test {

// Random float weights in timm's layout with a config.json: 16x16 pixels, 5 classes.
std::string weights_folder();

// A picture of 32 x 24 random pixels, another for every seed, as a PPM file.
std::string noise_picture(unsigned seed);

// A folder with three different pictures in folders named after two of the classes.
std::string photographs();

} // namespace intvit::test

// A float model and photographs, small enough to quantize in no time.
#pragma once

#include <string>

namespace intvit::test {

// Random float weights in timm's layout with a config.json: 16x16 pixels, 5 classes.
std::string weights_folder();

// A folder with three photographs in folders named after two of the classes.
std::string photographs();

} // namespace intvit::test

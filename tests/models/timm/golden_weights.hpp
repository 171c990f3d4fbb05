// Random weights under timm's names that check_timm.py makes likewise, number for number.
#pragma once

#include "engine/image/image.hpp"
#include "tests/support/timm_tensors.hpp"

namespace intvit::test {

// Uniform values from a Mersenne Twister seeded with the FNV-1a hash of the tensor's name, in a range that depends on
// what the name says the tensor is.
WeightTensor golden_tensor(const std::string &name, const std::vector<std::int64_t> &shape);

// Every byte is the upper one of a number of a Mersenne Twister seeded with 1.
Image golden_image(int width, int height);

} // namespace intvit::test

// Tensors of weight files as float32.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/container/tensor_view.hpp"

namespace intvit::importer {

// "[192, 3, 16, 16]"
std::string shape_text(const std::vector<std::int64_t> &shape);

// Widens the elements of `from`, which messages call `name`, to the from.elements() floats at `to`. Throws
// std::runtime_error where the type is none of F32, F16 and BF16, or an element is NaN or infinite.
void read_tensor(const TensorView &from, const std::string &name, float *to);

} // namespace intvit::importer

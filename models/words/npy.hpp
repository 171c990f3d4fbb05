// NumPy's files of arrays (.npy), as far as embeddings need them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "models/architectures/weights.hpp"

namespace intvit {

// A matrix of float16, float32 or float64, little-endian, row after row; a vector is one row. Throws
// std::runtime_error, beginning with `path`, where it is none, cannot be read, or holds NaN, infinity or a number
// beyond largest_value.
RowMatrix read_npy(const std::string &path);

// The file of a float32 matrix.
std::vector<std::byte> npy_bytes(const RowMatrix &matrix);
// The file of a float32 array of that shape, of which the matrix holds the elements one after the other.
std::vector<std::byte> npy_bytes(const RowMatrix &matrix, const std::vector<std::int64_t> &shape);

} // namespace intvit

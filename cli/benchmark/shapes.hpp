// Lists of matrix products: bench/shapes/*.txt.
#pragma once

#include <string>
#include <vector>

namespace intvit::cli {

// A linear map: [rows, in] codes times [out, in] weights.
struct Shape {
  int rows = 0;
  int out_features = 0;
  int in_features = 0;
  int count = 0; // how often in one forward pass

  long long multiply_accumulates() const { return 1LL * rows * out_features * in_features; }
};

inline constexpr int max_shape_dimension = 65536;

// A line holds rows, out, in and count, from 1 to max_shape_dimension and separated by blanks; "#" begins a comment.
// Throws std::runtime_error that names the file and the line.
std::vector<Shape> read_shapes(const std::string &path);

} // namespace intvit::cli

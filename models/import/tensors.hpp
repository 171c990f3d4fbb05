// Tensors of weight files as float32 matrices.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/container/tensor_view.hpp"
#include "models/architectures/weights.hpp"
#include "models/import/weight_files.hpp"

namespace intvit::importer {

// "[192, 3, 16, 16]"
std::string shape_text(const std::vector<std::int64_t> &shape);

// Widens the elements of `from`, which messages call `name`, to the from.elements() floats at `to`. Throws
// std::runtime_error where the type is none of F32, F16 and BF16, or an element is NaN or infinite.
void read_tensor(const TensorView &from, const std::string &name, float *to);

// Folds a layer scale (arXiv 2103.17239), one factor an output, into the map before it.
void scale_outputs(const RowVector &scale, LinearWeights &layer);

// Reads a model's tensors one by one and keeps account of them. Each is checked against the shape it must have before
// anything is allocated for it, so that no more memory is taken than the files are long. All throw std::runtime_error
// that names the tensor and both shapes where it is missing or differs, or as read_tensor().
class TensorReader {
public:
  using Shape = std::vector<std::int64_t>;

  explicit TensorReader(const WeightFiles &files) : files_(files) {}

  bool has(const std::string &name) const { return files_.find(name) != nullptr; }

  // The tensor of that shape as rows of `columns` elements, which divide it.
  RowMatrix matrix(const std::string &name, const Shape &shape, std::int64_t columns);
  RowVector vector(const std::string &name, std::int64_t size);
  // name.weight of that shape, the outputs first, and name.bias; zeros where there is to be no bias.
  LinearWeights linear(const std::string &name, const Shape &shape, bool has_bias = true);
  LayerNormWeights layer_norm(const std::string &name, std::int64_t channels);

  // A tensor that may be there and has no influence on the result.
  void ignore(const std::string &name) { read_.insert(name); }

  // Throws std::runtime_error, naming a tensor that was neither read nor ignored and ending in `hint`.
  void require_all_read(const std::string &hint) const;

private:
  const WeightFiles &files_;
  std::set<std::string, std::less<>> read_;
};

} // namespace intvit::importer

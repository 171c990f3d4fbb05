#include "models/import/position_bias.hpp"

#include <algorithm>
#include <cmath>

namespace intvit::importer {

namespace {

double log_distance(int distance) {
  return std::copysign(std::log1p(std::abs(static_cast<double>(distance))), distance);
}

} // namespace

RowMatrix read_grid_bias(TensorReader &tensors, const std::string &name, const BiasGrid &grid, int heads,
                         bool has_prefix) {
  const int rows = has_prefix ? grid.biases() : grid.distances();
  RowMatrix bias = RowMatrix::Zero(heads, grid.biases());
  bias.leftCols(rows) = tensors.matrix(name, {rows, heads}, heads).transpose();
  return bias;
}

RowMatrix read_grid_bias_network(TensorReader &tensors, const std::string &module, const BiasGrid &grid, int heads,
                                 int hidden) {
  const LinearWeights fc1 = tensors.linear(module + ".fc1", {hidden, 2});
  const LinearWeights fc2 = tensors.linear(module + ".fc2", {heads, hidden});
  RowMatrix bias = RowMatrix::Zero(heads, grid.biases());
  for (int column = 0; column < grid.distances(); ++column) {
    const int down = column / (2 * grid.width - 1) - (grid.height - 1);
    const int right = column % (2 * grid.width - 1) - (grid.width - 1);
    RowMatrix place(1, 2);
    place << static_cast<float>(log_distance(down)), static_cast<float>(log_distance(right));
    const RowVector values = mapped(mapped(place, fc1).cwiseMax(0.0F), fc2);
    for (Eigen::Index head = 0; head < heads; ++head)
      bias(head, column) = values[head];
  }
  return bias;
}

RowMatrix read_window_bias_network(TensorReader &tensors, const std::string &module, int size, int trained, int biases,
                                   int heads) {
  const int hidden = tensors.dimension(module + ".0.weight", 0);
  const LinearWeights fc1 = tensors.linear(module + ".0", {hidden, 2});
  const LinearWeights fc2 = tensors.linear(module + ".2", {heads, hidden}, false);
  const double unit = std::max((trained > 0 ? trained : size) - 1, 1);
  const auto place_of = [&](int distance) {
    const double share = 8.0 * distance / unit;
    return static_cast<float>(std::copysign(std::log2(std::abs(share) + 1) / 3, share));
  };
  RowMatrix bias = RowMatrix::Zero(heads, biases);
  const int side = 2 * size - 1;
  for (int column = 0; column < side * side; ++column) {
    RowMatrix place(1, 2);
    place << place_of(column / side - (size - 1)), place_of(column % side - (size - 1));
    const RowVector values = mapped(mapped(place, fc1).cwiseMax(0.0F), fc2);
    for (Eigen::Index head = 0; head < heads; ++head)
      bias(head, column) = static_cast<float>(16 / (1 + std::exp(-static_cast<double>(values[head]))));
  }
  return bias;
}

RowVector read_cosine_scale(TensorReader &tensors, const std::string &name, int heads) {
  RowVector scale = tensors.matrix(name, {heads, 1, 1}, heads);
  for (float &value : scale)
    value = static_cast<float>(std::exp(std::min(static_cast<double>(value), std::log(100.0))));
  return scale;
}

} // namespace intvit::importer

#include "models/import/position_bias.hpp"

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

} // namespace intvit::importer

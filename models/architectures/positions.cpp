#include "models/architectures/positions.hpp"

#include <algorithm>
#include <cmath>

namespace intvit {

namespace {

// Keys' cubic convolution kernel.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2)
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// [to, from]: a row of weights for every output position.
Eigen::MatrixXd interpolation(int from, int to, Resampling resampling) {
  Eigen::MatrixXd weights = Eigen::MatrixXd::Zero(to, from);
  const double scale = static_cast<double>(from) / to;
  const double stretch = std::max(scale, 1.0);
  for (int i = 0; i < to; ++i) {
    const double centre = resampling == Resampling::aligned
                              ? static_cast<double>(i) * (from - 1) / std::max(to - 1, 1) + 0.5
                              : (i + 0.5) * scale;
    const bool linear = resampling == Resampling::antialiased_linear;
    if (linear || resampling == Resampling::antialiased) {
      const int support = linear ? 1 : 2;
      const int begin = std::max(static_cast<int>(std::floor(centre - support * stretch + 0.5)), 0);
      const int end = std::min(static_cast<int>(std::floor(centre + support * stretch + 0.5)), from);
      double sum = 0;
      for (int j = begin; j < end; ++j) {
        const double distance = (j - centre + 0.5) / stretch;
        weights(i, j) = linear ? std::max(0.0, 1 - std::abs(distance)) : cubic(distance, -0.5);
        sum += weights(i, j);
      }
      weights.row(i) /= sum;
    } else if (resampling != Resampling::cubic) {
      const int before = static_cast<int>(std::floor(centre - 0.5));
      weights(i, std::clamp(before, 0, from - 1)) += 1 - (centre - 0.5 - before);
      weights(i, std::clamp(before + 1, 0, from - 1)) += centre - 0.5 - before;
    } else {
      const int nearest = static_cast<int>(std::floor(centre - 0.5));
      for (int j = nearest - 1; j <= nearest + 2; ++j) // beyond the edge, the edge is repeated
        weights(i, std::clamp(j, 0, from - 1)) += cubic(j - centre + 0.5, -0.75);
    }
  }
  return weights;
}

} // namespace

// Every sum is taken in the order of its terms, so that all machines agree.
RowMatrix resample_positions(const RowMatrix &positions, int from_height, int from_width, int to_height, int to_width,
                             Resampling resampling) {
  const Eigen::MatrixXd rows = interpolation(from_height, to_height, resampling);
  const Eigen::MatrixXd columns = interpolation(from_width, to_width, resampling);
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Matrix source = positions.cast<double>();
  Matrix resized = Matrix::Zero(Eigen::Index{from_height} * to_width, positions.cols());
  for (int y = 0; y < from_height; ++y)
    for (int x = 0; x < to_width; ++x)
      for (int u = 0; u < from_width; ++u)
        if (columns(x, u) != 0)
          resized.row(y * to_width + x) += columns(x, u) * source.row(y * from_width + u);
  Matrix result = Matrix::Zero(Eigen::Index{to_height} * to_width, positions.cols());
  for (int y = 0; y < to_height; ++y)
    for (int v = 0; v < from_height; ++v)
      if (rows(y, v) != 0)
        result.middleRows(Eigen::Index{y} * to_width, to_width) +=
            rows(y, v) * resized.middleRows(Eigen::Index{v} * to_width, to_width);
  return result.cast<float>();
}

} // namespace intvit

// A second Vision Transformer, in double and as plainly as possible, against which the float reference is tested. It
// shares no code with it: not the layers, not Eigen's arithmetic, not the layout of VitWeights (tensors are looked up
// by timm's names).
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/image/image.hpp"
#include "models/architectures/vit.hpp"
#include "models/reference/observer.hpp"

namespace intvit::test {

struct Table {
  Table() = default;
  Table(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(rows * columns) {}
  explicit Table(const MatrixView &matrix);

  double &at(std::size_t row, std::size_t column) { return values[row * columns + column]; }
  double at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }

  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;
};

Table naive_linear(const Table &x, const Table &weight, const Table &bias); // x weight^T + bias
Table naive_normalize(const Table &x, double eps);
Table naive_affine(const Table &x, const Table &gamma, const Table &beta);
Table naive_gelu(const Table &x);
Table naive_softmax(const Table &x);

// The largest |a - b| over the elements of two tables of one shape; infinity where the shapes differ.
double distance(const Table &a, const Table &b);
// 1, or the largest |a| where that is more: what a distance is to be compared with.
double magnitude(const Table &a);

// What a forward computed, by site.
using SiteKey = std::tuple<int, reference::SiteKind, int>; // layer, kind, head
using Activations = std::map<SiteKey, Table>;

// The forward of `model` on pixels of its input size: every activation of models/reference/observer.hpp.
Activations naive_forward(VitModel model, const Image &pixels);

Image random_image(int width, int height, unsigned seed);

} // namespace intvit::test

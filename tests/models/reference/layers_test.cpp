#include "models/reference/layers.hpp"

#include <catch2/catch.hpp>

#include "tests/models/reference/naive_vit.hpp"

namespace intvit {

using test::distance;
using test::Table;

namespace {

RowMatrix random_matrix(Eigen::Index rows, Eigen::Index columns, float scale, float offset) {
  std::srand(11);
  return (RowMatrix::Random(rows, columns) * scale).array() + offset;
}

} // namespace

TEST_CASE("linear agrees with a naive one in double") {
  const LinearWeights weights = {random_matrix(13, 29, 1.0F, 0.1F), random_matrix(1, 13, 2.0F, 1.0F)};
  const RowMatrix x = random_matrix(7, 29, 3.0F, 0.0F);
  const Table expected = test::naive_linear(Table(x), Table(weights.weight), Table(weights.bias));
  CHECK(distance(expected, Table(reference::linear(x, weights))) < 1e-5);
}

TEST_CASE("layer norm agrees with a naive one in double") {
  const LayerNormWeights weights = {random_matrix(1, 21, 1.0F, 1.0F), random_matrix(1, 21, 1.0F, 0.5F)};
  const RowMatrix x = random_matrix(5, 21, 4.0F, 3.0F);
  const Table normalized = test::naive_normalize(Table(x), 1e-6);
  const Table expected = test::naive_affine(normalized, Table(weights.weight), Table(weights.bias));
  CHECK(distance(normalized, Table(reference::normalize(x, 1e-6))) < 1e-6);
  CHECK(distance(expected, Table(reference::layer_norm(x, weights, 1e-6))) < 1e-6);
}

TEST_CASE("layer norm of equal values is 0, and eps counts where the variance is small") {
  const RowMatrix constant = RowMatrix::Constant(1, 8, 5.0F);
  CHECK(reference::normalize(constant, 1e-6) == RowMatrix::Zero(1, 8));
  // Variance 1e-6 exactly where eps is 1e-6: the result shrinks by sqrt(2).
  RowMatrix small(1, 2);
  small << 1e-3F, -1e-3F;
  CHECK(static_cast<double>(reference::normalize(small, 1e-6)(0, 0)) == Approx(0.70710678).epsilon(1e-6));
}

TEST_CASE("gelu of a matrix agrees with a naive one in double") {
  const RowMatrix x = random_matrix(9, 17, 6.0F, 0.0F);
  CHECK(distance(test::naive_gelu(Table(x)), Table(reference::gelu(x))) < 1e-6);
}

TEST_CASE("softmax agrees with a naive one in double, also on large scores") {
  const RowMatrix x = random_matrix(6, 31, 8.0F, 0.0F);
  const Table expected = test::naive_softmax(Table(x));
  CHECK(distance(expected, Table(reference::softmax(x))) < 3e-7);
  const RowMatrix shifted = x.array() + 1024.0F;
  CHECK(distance(expected, Table(reference::softmax(shifted))) < 1e-3); // the shift itself rounds the scores
}

TEST_CASE("layers read blocks of larger matrices") {
  const RowMatrix wide = random_matrix(4, 30, 2.0F, 0.0F);
  const RowMatrix part = wide.middleCols(7, 12);
  CHECK(reference::softmax(wide.middleCols(7, 12)) == reference::softmax(part));
  CHECK(reference::gelu(wide.middleCols(7, 12)) == reference::gelu(part));
  CHECK(reference::normalize(wide.middleCols(7, 12), 1e-6) == reference::normalize(part, 1e-6));
}

} // namespace intvit

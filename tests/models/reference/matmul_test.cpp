#include "models/reference/matmul.hpp"

#include <iostream>

#include <catch2/catch.hpp>

#include "tests/models/reference/naive_vit.hpp"

namespace intvit {

namespace {

RowMatrix random_matrix(Eigen::Index rows, Eigen::Index columns, unsigned seed) {
  std::srand(seed);
  return RowMatrix::Random(rows, columns);
}

struct Shape {
  Eigen::Index m;
  Eigen::Index k;
  Eigen::Index n;
};

// Every count of rows in a tile, and columns around the width of every variant's tile.
const Shape shapes[] = {{1, 1, 1},   {2, 3, 7},   {3, 5, 8},    {4, 8, 9},    {5, 2, 15},    {6, 7, 16},   {7, 64, 17},
                        {11, 1, 31}, {12, 9, 32}, {13, 33, 33}, {17, 48, 65}, {1, 192, 100}, {8, 1100, 40}};

} // namespace

TEST_CASE("every variant of the matrix product agrees with a naive one in double") {
  for (const LoopTable *loops : loop_tables())
    for (const Shape &shape : shapes) {
      CAPTURE(loops->name, shape.m, shape.k, shape.n);
      const RowMatrix a = random_matrix(shape.m, shape.k, 1);
      const RowMatrix b = random_matrix(shape.n, shape.k, 2);
      const test::Table zero(1, static_cast<std::size_t>(shape.n));
      const test::Table expected = test::naive_linear(test::Table(a), test::Table(b), zero);
      const RowMatrix transposed = b.transpose();
      const double tolerance = 1e-7 * static_cast<double>(shape.k + 1); // each of k sums rounds once
      CHECK(test::distance(expected, test::Table(reference::matmul_transposed(a, b, 1, *loops))) < tolerance);
      CHECK(test::distance(expected, test::Table(reference::matmul(a, transposed, *loops))) < tolerance);
    }
}

// What makes models quantized on different machines equal.
TEST_CASE("all variants of the matrix product give the same bits: sums over ascending k, rounded at each step") {
  for (const LoopTable *loops : loop_tables())
    std::cout << "float matmul variant: " << loops->name << "\n";
  for (const Shape &shape : shapes) {
    const RowMatrix a = random_matrix(shape.m, shape.k, 3);
    const RowMatrix b = random_matrix(shape.n, shape.k, 4);
    RowMatrix expected(shape.m, shape.n);
    for (Eigen::Index row = 0; row < shape.m; ++row)
      for (Eigen::Index column = 0; column < shape.n; ++column) {
        volatile float sum = 0.0F; // volatile: each product and sum is rounded to float32
        for (Eigen::Index k = 0; k < shape.k; ++k) {
          const volatile float product = a(row, k) * b(column, k);
          sum = sum + product;
        }
        expected(row, column) = sum;
      }
    for (const LoopTable *loops : loop_tables()) {
      CAPTURE(loops->name, shape.m, shape.k, shape.n);
      CHECK(reference::matmul_transposed(a, b, 1, *loops) == expected);
      CHECK(reference::matmul_transposed(a, b, 3, *loops) == expected);
    }
  }
}

TEST_CASE("a matrix times its own transpose: the lower triangle of the product") {
  for (const Shape &shape : shapes) {
    const RowMatrix a = random_matrix(shape.n, shape.k, 8);
    const RowMatrix expected = reference::matmul_transposed(a, a);
    for (const LoopTable *loops : loop_tables())
      for (const int threads : {1, 3}) {
        CAPTURE(loops->name, threads, shape.k, shape.n);
        const RowMatrix product = reference::matmul_with_own_transpose(a, threads, *loops);
        bool same = true;
        for (Eigen::Index i = 0; i < product.rows(); ++i)
          same = same && product.row(i).head(i + 1) == expected.row(i).head(i + 1);
        CHECK(same);
      }
  }
}

TEST_CASE("matrix products read blocks of larger matrices") {
  const RowMatrix wide = random_matrix(9, 40, 5);
  const RowMatrix a = wide.middleCols(3, 11);
  const RowMatrix b = wide.middleCols(20, 11);
  CHECK(reference::matmul_transposed(wide.middleCols(3, 11), wide.middleCols(20, 11)) ==
        reference::matmul_transposed(a, b));
  const RowMatrix square = random_matrix(11, 9, 6);
  CHECK(reference::matmul(square, wide.middleCols(20, 11)) == reference::matmul(square, b));
}

TEST_CASE("matrix products of shapes that do not fit are refused") {
  const RowMatrix a = random_matrix(2, 3, 7);
  CHECK_THROWS_WITH(reference::matmul(a, a), "matrix product: 3 columns against 2 rows");
}

} // namespace intvit

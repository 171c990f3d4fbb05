// The blocked, many-threaded forms of factorization and rounding give the bits of plain ones, which go row by row.
#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include <catch2/catch.hpp>

#include "models/quantize/linear/ldl.hpp"
#include "models/quantize/linear/weight_rounding.hpp"
#include "models/reference/matmul.hpp"

namespace intvit {
namespace {

using Eigen::ArrayXd;
using Eigen::Index;
using Square = std::vector<std::vector<double>>;

RowMatrix random_floats(Index rows, Index columns, unsigned seed) {
  std::mt19937 generator(seed);
  RowMatrix matrix(rows, columns);
  for (Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(generator()) / 2147483648.0F - 1.0F;
  return matrix;
}

ArrayXd positive(Index size, unsigned seed) {
  return random_floats(1, size, seed).row(0).transpose().array().cast<double>().abs() + 0.05;
}

double less(double value, double a, double b) {
  const volatile double product = a * b;
  return value - product;
}

// L below the diagonal, D on it.
Square plain_ldl(Square m) {
  for (std::size_t j = 0; j < m.size(); ++j) {
    for (std::size_t k = 0; k < j; ++k)
      for (std::size_t i = 0; i < k; ++i)
        m[j][k] = less(m[j][k], m[j][i], m[k][i]);
    for (std::size_t k = 0; k < j; ++k) {
      const double l = m[j][k] / m[k][k];
      m[j][j] = less(m[j][j], l, m[j][k]);
      m[j][k] = l;
    }
  }
  return m;
}

Square plain_covariance(const RowMatrix &codes, const std::vector<std::size_t> &order) {
  const RowMatrix products = reference::matmul_transposed(codes, codes);
  const auto count = static_cast<double>(codes.cols());
  const auto channels = static_cast<double>(codes.rows());
  double mean_variance = 0;
  for (Index c = 0; c < codes.rows(); ++c)
    mean_variance += static_cast<double>(products(c, c)) / count / channels;
  Square h(order.size(), std::vector<double>(order.size()));
  for (std::size_t i = 0; i < h.size(); ++i)
    for (std::size_t j = 0; j < h.size(); ++j) {
      const auto product = static_cast<double>(products(static_cast<Index>(order[i]), static_cast<Index>(order[j])));
      h[i][j] = i == j ? product / count + 0.01 * mean_variance + 1e-12 : count / (count + channels) * product / count;
    }
  return h;
}

struct PlainRow {
  std::vector<std::int8_t> values;
  double scale = 0;
};

template <class Grid>
PlainRow plain_rounding(const Grid &grid, Index n, const ArrayXd &row, const Square &h,
                        const std::vector<std::size_t> &order, const Scales &scales) {
  PlainRow best;
  double least = std::numeric_limits<double>::infinity();
  for (const double percent : scales.percent) {
    const double scale = std::min(row.abs().maxCoeff() * percent / 100.0 / grid.largest(), scales.largest);
    std::vector<double> target;
    for (const std::size_t c : order)
      target.push_back(row[static_cast<Index>(c)]);
    PlainRow rounded{std::vector<std::int8_t>(order.size()), scale};
    double error = 0;
    for (std::size_t j = order.size(); j-- > 0;) {
      const auto c = static_cast<Index>(order[j]);
      const std::int8_t value = grid.nearest(target[j] / scale, n, c);
      rounded.values[order[j]] = value;
      const double left = less(target[j], scale, value);
      const volatile double term = h[j][j] * left;
      error = less(error, -term, left);
      const double own = less(row[c], scale, value);
      for (std::size_t i = 0; i < j; ++i)
        target[i] = less(target[i], -h[j][i], own);
    }
    if (error < least) {
      least = error;
      best = rounded;
    }
  }
  return best;
}

} // namespace

TEST_CASE("rounding: a blocked factorization has the bits of a plain one, for any number of threads") {
  for (const Index size : {1, 2, 63, 64, 65, 150})
    for (const int threads : {1, 3}) {
      CAPTURE(size, threads);
      const RowMatrix samples = random_floats(size, size + 20, 1);
      const RowMatrix products = reference::matmul_transposed(samples, samples);
      SquareMatrix matrix(size);
      Square plain;
      for (Index i = 0; i < size; ++i) {
        plain.emplace_back();
        for (Index j = 0; j < size; ++j)
          plain.back().push_back(static_cast<double>(products(i, j)) / 7.0);
        std::copy_n(plain.back().begin(), i + 1, matrix.row(i));
      }
      plain = plain_ldl(plain);
      factorize(matrix, threads);
      bool same = true;
      for (std::size_t i = 0; i < plain.size(); ++i)
        for (std::size_t j = 0; j <= i; ++j)
          same = same && plain[i][j] == matrix.row(static_cast<Index>(i))[j];
      CHECK(same);
      reflect(matrix);
      const Index last = size - 1;
      for (std::size_t i = 0; i < plain.size(); ++i)
        for (std::size_t j = 0; j <= i; ++j)
          same = same && plain[i][j] == matrix.row(last - static_cast<Index>(j))[last - static_cast<Index>(i)];
      CHECK(same);
    }
}

TEST_CASE("rounding: with compensation, rows side by side have the bits of rows one by one") {
  struct Shape {
    Index outputs;
    Index inputs;
  };
  for (const Shape &shape : {Shape{1, 1}, {3, 9}, {16, 128}, {70, 130}, {130, 300}})
    for (const int threads : {1, 2}) {
      const Index inputs = shape.inputs;
      const RowMatrix weight = random_floats(shape.outputs, inputs, 2);
      const RowMatrix codes = random_floats(inputs, 500, 3) + 0.7F * random_floats(1, 500, 4).replicate(inputs, 1);
      const ArrayXd input_scale = positive(inputs, 5);
      const ArrayXd variance = positive(inputs, 6);
      std::vector<std::size_t> order(static_cast<std::size_t>(inputs));
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return variance[static_cast<Index>(a)] < variance[static_cast<Index>(b)];
      });
      const Square h = plain_ldl(plain_covariance(codes, order));
      std::vector<bool> two_words(static_cast<std::size_t>(weight.size()));
      for (std::size_t i = 0; i < two_words.size(); i += 3)
        two_words[i] = true;
      for (const WeightGrid &grid : {WeightGrid(UniformGrid()), WeightGrid(UniformGrid(2, 31)),
                                     WeightGrid(WordGrid(*storage_of(WeightLevels::stlq, 4), inputs, two_words)),
                                     WeightGrid(WordGrid(*storage_of(WeightLevels::int4, 4), inputs, two_words))}) {
        CAPTURE(shape.outputs, inputs, threads, grid.index());
        Scales scales = scale_candidates(WeightLevels::int4, {});
        scales.largest = 0.009; // some rows are clipped
        const RoundedWeights rounded = round_compensating(weight, input_scale, codes, variance, grid, scales, threads);
        bool same = true;
        for (Index n = 0; n < shape.outputs; ++n) {
          const ArrayXd row = weight.row(n).transpose().array().cast<double>() * input_scale;
          const PlainRow plain =
              std::visit([&](const auto &levels) { return plain_rounding(levels, n, row, h, order, scales); }, grid);
          same = same && plain.scale == rounded.scale[n] &&
                 std::equal(plain.values.begin(), plain.values.end(), rounded.values.begin() + n * inputs);
        }
        CHECK(same);
      }
    }
}

TEST_CASE("rounding: the error that a search asks for is that of rounding to nearest") {
  const RowMatrix weight = random_floats(37, 50, 7);
  for (const WeightGrid &grid : {WeightGrid(UniformGrid()), WeightGrid(UniformGrid(2, 31)),
                                 WeightGrid(WordGrid(*storage_of(WeightLevels::stlq, 4), 50))})
    for (const double largest : {0.001, 1.0}) {
      CAPTURE(grid.index(), largest);
      static constexpr std::array fitting{100.0};
      const NearestError error(weight, grid, largest, 2);
      for (const unsigned seed : {8U, 9U}) {
        const ArrayXd input_scale = positive(50, seed);
        const ArrayXd variance = positive(50, seed + 10);
        CHECK(error(input_scale, variance) ==
              round_to_nearest(weight, input_scale, variance, grid, {fitting, largest}, 1).error);
      }
    }
}

} // namespace intvit

#include "models/architectures/rotation.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace intvit {

namespace {

// Additions, multiplications and divisions of doubles alone, which every machine rounds alike; sine and cosine of the C
// library may differ in their last bit.
struct Turned {
  double cosine;
  double sine;
};

Turned turned(double angle) {
  constexpr double quarter = std::numbers::pi / 2;
  const double quarters = std::floor(angle / quarter + 0.5);
  const double x = angle - quarters * quarter; // at most pi / 4 on either side
  const double square = x * x;
  double cosine = 1;
  double sine = x;
  double term = 1; // of the series, up to x^21 / 21!
  for (int i = 1; i <= 10; ++i) {
    term *= -square / ((2 * i - 1) * (2 * i));
    cosine += term;
    sine += term * x / (2 * i + 1);
  }
  switch (static_cast<std::int64_t>(quarters) & 3) {
  case 0:
    return {cosine, sine};
  case 1:
    return {-sine, cosine};
  case 2:
    return {-cosine, -sine};
  default:
    return {sine, -cosine};
  }
}

std::int32_t fixed_point_30(double value) {
  return static_cast<std::int32_t>(std::floor(std::ldexp(value, 30) + 0.5));
}

double power(double base, int exponent) {
  double result = 1;
  for (int i = 0; i < exponent; ++i)
    result *= base;
  return result;
}

// The positive number whose n-th power is `value`, by Newton's method.
double root(double value, int n) {
  double x = value > 1 ? value : 1;
  for (int i = 0; i < 2000; ++i) {
    const double next = x - (x - value / power(x, n - 1)) / n;
    if (!(next < x)) // it falls until it can fall no more
      break;
    x = next;
  }
  return x;
}

template <class Angle>
std::shared_ptr<const Rotation> table(int height, int width, int columns, int first, const Angle &angle) {
  auto result = std::make_shared<Rotation>();
  result->first = first;
  result->columns = columns;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int pair = 0; pair < columns; ++pair) {
        const Turned turn = turned(angle(y, x, pair));
        result->cosine.push_back(fixed_point_30(turn.cosine));
        result->sine.push_back(fixed_point_30(turn.sine));
      }
  return result;
}

double angle_base(const Rope &rope, int index, int side) {
  if (rope.grid == Rope::Grid::centred)
    return 2 * std::numbers::pi * (2 * ((index + 0.5) / side) - 1);
  const double shifted = index + rope.offset;
  return rope.reference == 0 ? shifted : shifted / side * rope.reference;
}

} // namespace

std::shared_ptr<const Rotation> rotation(const Rope &rope, int height, int width, int head_dim, int first) {
  const int axis = head_dim / 4;
  const double step = root(rope.temperature, axis);
  std::vector<double> period;
  period.reserve(static_cast<std::size_t>(axis));
  for (int k = 0; k < axis; ++k)
    period.push_back(power(step, k));
  return table(height, width, 2 * axis, first, [&](int y, int x, int pair) {
    const bool along_row = (pair < axis) == rope.columns_first;
    return (along_row ? angle_base(rope, x, width) : angle_base(rope, y, height)) /
           period[static_cast<std::size_t>(pair % axis)];
  });
}

std::shared_ptr<const Rotation> rotation(const float *frequencies, int pairs, int height, int width, int first) {
  return table(height, width, pairs, first, [&](int y, int x, int pair) {
    return x * static_cast<double>(frequencies[pair]) + y * static_cast<double>(frequencies[pairs + pair]);
  });
}

} // namespace intvit

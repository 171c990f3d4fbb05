#include "engine/image/resample_table.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "engine/image/binary64.hpp"

// Why the weights meet the kernels' bound (kernels::max_resample_weight_sum). Let P and N be the sums of the positive
// and of the negative filter values of a window, in magnitude. After division by P - N the positive weights sum to P /
// (P - N), which is at most 2 if N <= P / 2. Rounding adds at most 2^-23 to each weight. With few weights the bound
// leaves room for this; with many, the cases below do. Box and bilinear have N = 0.
//
// In filter units the inputs lie h = 1 / s <= 1 apart, and the one nearest to the centre within h / 2. Lanczos has
// filter(1/2) = 0.607, negative lobes 0.148 deep with an area of 0.09 each, and 0.571 as the area of half its main
// lobe. Bicubic has 0.562, 0.075, 0.042 and 0.541: the same steps, with more room.
// - h = 1: each negative lobe holds one input. N <= 2 * 0.148 = 0.296 and P / 2 >= filter(1/2) / 2 = 0.303.
// - 0.49 < h < 1: the inputs in a negative lobe have at most 0.21 together. If both lobes are inside the picture, so is
//   the main lobe, whose two inputs around the centre already have 1 together: N <= 0.42, P / 2 >= 0.5. If one is,
//   N <= 0.21 and P / 2 >= 0.303.
// - h <= 0.49: sums of a function with one peak differ from its area / h by at most the peak. Both lobes inside:
//   N <= 0.18 / h + 0.296 and P / 2 >= 0.571 / h - 0.5. One inside: N <= 0.09 / h + 0.148, and as the centre lies at
//   least 1/2 from the border, P / 2 >= 0.5 / h - 0.5.
// The largest positive sum that the test finds is 1.29 in units of 2^22.

namespace intvit {
namespace {

constexpr std::array<std::string_view, 4> filter_names = {"box", "bilinear", "bicubic", "lanczos"};

// In halves, to be an integer.
int twice_support(ResizeFilter filter) {
  switch (filter) {
  case ResizeFilter::box:
    return 1;
  case ResizeFilter::bilinear:
    return 2;
  case ResizeFilter::bicubic:
    return 4;
  case ResizeFilter::lanczos:
    return 6;
  }
  return 0;
}

Binary64 box(Binary64 x) {
  const Binary64 half = binary64(1, -1);
  return -half < x && x <= half ? binary64(1) : Binary64{};
}

Binary64 bilinear(Binary64 x) {
  x.negative = false;
  return x < binary64(1) ? binary64(1) - x : Binary64{};
}

Binary64 bicubic(Binary64 x) {
  x.negative = false;
  if (x < binary64(1))
    return (binary64(3, -1) * x - binary64(5, -1)) * x * x + binary64(1);
  if (x < binary64(2))
    return (((x - binary64(5)) * x + binary64(8)) * x - binary64(4)) * binary64(-1, -1);
  return {};
}

Binary64 sinc(Binary64 x) {
  if (x.is_zero())
    return binary64(1);
  const Binary64 pi = binary64(0x1921FB54442D18, -51);
  x = x * pi;
  return sine(x) / x;
}

Binary64 lanczos(Binary64 x) {
  return binary64(-3) <= x && x < binary64(3) ? sinc(x) * sinc(x / binary64(3)) : Binary64{};
}

Binary64 evaluate(ResizeFilter filter, Binary64 x) {
  switch (filter) {
  case ResizeFilter::box:
    return box(x);
  case ResizeFilter::bilinear:
    return bilinear(x);
  case ResizeFilter::bicubic:
    return bicubic(x);
  case ResizeFilter::lanczos:
    return lanczos(x);
  }
  return {};
}

// Rounds halves away from zero. A weight lies in -1 .. 2.
std::int32_t to_fixed_point(Binary64 weight) {
  weight.exponent += weight.is_zero() ? 0 : kernels::resample_weight_bits;
  const Binary64 half = binary64(1, -1);
  return truncate(weight.negative ? -half + weight : half + weight);
}

} // namespace

std::string_view name(ResizeFilter filter) {
  return filter_names[static_cast<std::size_t>(filter)];
}

std::optional<ResizeFilter> resize_filter(std::string_view name) {
  const auto *found = std::find(filter_names.begin(), filter_names.end(), name);
  if (found == filter_names.end())
    return std::nullopt;
  return static_cast<ResizeFilter>(found - filter_names.begin());
}

ResampleTable resample_table(int input_size, int output_size, ResizeFilter filter, int first, int count) {
  const Binary64 half = binary64(1, -1);
  const Binary64 one = binary64(1);
  const Binary64 scale = binary64(input_size) / binary64(output_size);
  const Binary64 stretch = scale < one ? one : scale;
  const Binary64 support = binary64(twice_support(filter), -1) * stretch;
  const Binary64 inverse_stretch = one / stretch;

  std::vector<Binary64> centres;
  ResampleTable table;
  for (int i = first; i < first + count; ++i) {
    const Binary64 centre = (binary64(i) + half) * scale;
    const int begin = std::max(truncate(centre - support + half), 0);
    const int end = std::min(truncate(centre + support + half), input_size);
    centres.push_back(centre);
    table.windows.push_back({begin, end - begin});
    table.stride = std::max(table.stride, static_cast<std::size_t>(end - begin));
  }

  table.weights.resize(table.windows.size() * table.stride);
  std::vector<Binary64> values;
  for (std::size_t i = 0; i < table.windows.size(); ++i) {
    const kernels::ResampleWindow window = table.windows[i];
    Binary64 sum;
    values.clear();
    for (int j = window.first; j < window.first + window.count; ++j) {
      values.push_back(evaluate(filter, (binary64(j) - centres[i] + half) * inverse_stretch));
      sum = sum + values.back();
    }
    // The input nearest to the centre always lies well inside the support.
    assert(!sum.is_zero() && !sum.negative);
    for (std::size_t j = 0; j < values.size(); ++j)
      table.weights[i * table.stride + j] = to_fixed_point(values[j] / sum);
  }
  return table;
}

} // namespace intvit

// LayerNorm against FQ-ViT's: ours must be closer to the real LayerNorm of the same codes.
#include "kernels/layer_norm.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "kernels/kernel_table.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/golden.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

struct Errors {
  double sum = 0;
  double largest = 0;

  void add(double error) {
    sum += std::abs(error);
    largest = std::max(largest, std::abs(error));
  }
};

} // namespace

TEST_CASE("layer_norm: closer to the real LayerNorm than FQ-ViT's integer LayerNorm") {
  const auto file = open_golden();
  if (!file)
    return;
  for (const std::string name : {"ln0", "ln1", "ln2"}) {
    const auto bytes = golden_values<std::uint8_t>(*file, name + ".codes");
    const auto alpha = golden_values<std::uint8_t>(*file, name + ".alpha");
    const auto scales = golden_values<double>(*file, name + ".scale_zero_out");
    const auto gamma = golden_values<double>(*file, name + ".gamma");
    const auto beta = golden_values<double>(*file, name + ".beta");
    const auto fqvit = golden_values<std::int32_t>(*file, name + ".out");
    const auto exact = golden_values<double>(*file, name + ".exact");
    const std::size_t channels = alpha.size();
    REQUIRE(channels > 0);
    const double output_scale = scales[2];

    // FQ-ViT's codes are 0..255; ours are the same minus 128.
    std::vector<std::int8_t> codes(bytes.size());
    std::transform(bytes.begin(), bytes.end(), codes.begin(),
                   [](std::uint8_t code) { return static_cast<std::int8_t>(code - 128); });
    const std::vector<std::int8_t> zero_point(channels, static_cast<std::int8_t>(scales[1] - 128));
    std::vector<double> factor(channels);
    std::vector<double> addend(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      factor[c] = std::ldexp(gamma[c] / output_scale, -16);
      addend[c] = beta[c] / output_scale;
    }
    const Constants constants = constants_for(factor, addend);
    std::vector<std::int8_t> output(codes.size());
    const LayerNormArgs args{.input = {codes.data(), ElementType::int8, static_cast<std::ptrdiff_t>(channels)},
                             .channels = static_cast<int>(channels),
                             .alpha = alpha.data(),
                             .zero_point = zero_point.data(),
                             .epsilon = 0, // FQ-ViT's integer form has none
                             .requantization = constants.view(),
                             .output = output.data(),
                             .output_stride = static_cast<std::ptrdiff_t>(channels)};
    reference_kernels().layer_norm(args, {0, static_cast<int>(codes.size() / channels)});

    Errors ours;
    Errors theirs;
    std::size_t clamped_values = 0;
    for (std::size_t i = 0; i < output.size(); ++i) {
      // Their output is not clamped: compare where both fit 8 bits.
      if (exact[i] < -128 || exact[i] > 127 || fqvit[i] < -128 || fqvit[i] > 127) {
        ++clamped_values;
        continue;
      }
      ours.add(output[i] - exact[i]);
      theirs.add(fqvit[i] - exact[i]);
    }
    const auto count = static_cast<double>(output.size() - clamped_values);
    CAPTURE(name, clamped_values, ours.sum / count, ours.largest, theirs.sum / count, theirs.largest);
    CHECK(clamped_values < output.size() / 100);
    CHECK(ours.sum < theirs.sum);
    CHECK(ours.largest < theirs.largest);
    CHECK(ours.largest < 0.501); // rounding alone is 0.5
  }
}

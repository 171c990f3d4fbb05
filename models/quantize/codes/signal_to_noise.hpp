#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

namespace intvit {

// The signal-to-noise ratio of quantized values, as LayerReport has it, value by value.
class SignalToNoise {
public:
  // A value's deviation from the mean of its kind, and what quantization changed of it.
  void add(double deviation, double error) {
    signal_ += deviation * deviation;
    noise_ += error * error;
  }

  // Nothing where the values do not vary: by less than rounding makes of values whose squares add up to that.
  std::optional<double> decibels(double sum_of_squares) const {
    if (signal_ <= 1e-9 * sum_of_squares)
      return std::nullopt;
    return 10 * std::log10(signal_ / std::max(noise_, 1e-30 * signal_));
  }

private:
  double signal_ = 0;
  double noise_ = 0;
};

} // namespace intvit

#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

namespace intvit {

// Adds up the signal-to-noise ratio of quantized values (LayerReport).
class SignalToNoise {
public:
  // One value: its deviation from the mean of its channel, and how much quantization changed it.
  void add(double deviation, double error) {
    signal_ += deviation * deviation;
    noise_ += error * error;
  }

  // Nothing if the values do not vary by more than the rounding of floats; `sum_of_squares` is theirs.
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

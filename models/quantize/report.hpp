// What quantizing a part of the model cost.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace intvit {

struct LayerReport {
  std::string name; // of the node that computes it
  enum class Kind { linear, stream } kind = Kind::linear;
  // Signal-to-quantization-noise ratio in decibels, on the half of the calibration images from which neither strength
  // nor clipping was chosen. linear: the variance of the real outputs over the mean squared error of what the quantized
  // layer gives for the quantized input. stream: the variance of the residual stream over the mean squared error of its
  // codes alone. Empty if the input was not sampled or the values do not vary.
  std::optional<double> signal_to_noise;
  // linear: the choice for its input's codes; see QuantizeOptions::channel_strength and RangeObserver::mse.
  double strength = 0;
  double clipping = 1;
};

using ReportLayer = std::function<void(const LayerReport &)>;

} // namespace intvit

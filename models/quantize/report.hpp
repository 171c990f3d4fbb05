// What quantizing a part of the model cost.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace intvit {

struct LayerReport {
  std::string name; // of the node that computes it
  enum class Kind { linear, stream } kind = Kind::linear;
  // Signal-to-quantization-noise ratio in decibels, on calibration images of the half that chose neither strength nor
  // clipping. linear: the variance of the real outputs over the mean squared error of the outputs that the quantized
  // layer gives for the quantized input. stream: the same of the residual stream's codes that the layer writes, the
  // rounding of the stream alone. Empty where the input is
  // not sampled or the values do not vary.
  std::optional<double> signal_to_noise;
  // linear: the choice for its input's codes; see QuantizeOptions::channel_strength and RangeMethod::mse.
  double strength = 0;
  double clipping = 1;
};

using ReportLayer = std::function<void(const LayerReport &)>;

} // namespace intvit

// How the residual stream is stored at one point of the network.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/residual.hpp"
#include "models/architectures/weights.hpp"
#include "models/quantize/calibration.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

// value = base_scale * 2^alpha[c] * (code - zero_point[c]); for int16 alpha and zero_point are 0.
struct StreamCodes {
  kernels::ElementType type = kernels::ElementType::int8;
  double base_scale = 1;
  std::vector<std::uint8_t> alpha;
  std::vector<std::int8_t> zero_point;

  std::optional<double> signal_to_noise; // LayerReport's

  Eigen::ArrayXd scale() const; // base_scale * 2^alpha
  Eigen::ArrayXd zero() const;
};

// Codes of 16 bits whatever the options. Reads the samples' smallest and largest values only.
StreamCodes int16_stream_codes(const SiteSamples &samples, double smallest_scale);

// `importance`: what an error of a channel costs the layer that reads the stream. `smallest_scale`: the smallest one
// that the layer that writes the stream can express.
StreamCodes choose_stream_codes(const SiteSamples &samples, const QuantizeOptions &options,
                                const Eigen::ArrayXd &importance, double smallest_scale);

// The finest scale of a stream that a LayerNorm can write: it requantizes gamma times a quotient by a factor below 0.5.
double smallest_stream_scale(const LayerNormWeights &norm);

// Codes of 8 bits with the best alpha of 0..max_alpha for every channel. The zero point is the given one or, if there
// is none, each channel's own. `error`: the sum over channels of importance times the squared error of the sampled
// values.
struct StreamChoice {
  StreamCodes codes;
  double error = 0;
};
StreamChoice choose_factors(const SiteSamples &samples, double base_scale, int max_alpha,
                            std::optional<double> shared_zero, const Eigen::ArrayXd &importance);

} // namespace intvit

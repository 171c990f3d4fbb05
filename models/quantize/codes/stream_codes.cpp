#include "models/quantize/codes/stream_codes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/quantize/codes/arithmetic.hpp"
#include "models/quantize/codes/fixed_point.hpp"
#include "models/quantize/codes/signal_to_noise.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;

// 16 bits have room to spare: unseen images may reach twice as far as the calibration images.
constexpr double int16_margin = 2.0;

double squared_error(const SiteSamples &samples, Eigen::Index c, double scale, double zero) {
  double sum = 0;
  for (const RowMatrix &rows : samples.rows)
    for (Eigen::Index row = 0; row < rows.rows(); ++row) {
      const double value = static_cast<double>(rows(row, c));
      const double code = clamped_code(value / scale + zero, -128.0, 127.0);
      const double difference = value - scale * (code - zero);
      sum += difference * difference;
    }
  return sum;
}

StreamCodes ptf_codes(const SiteSamples &samples, const ArrayXd &importance, double smallest_scale) {
  const double widest = static_cast<double>((samples.overall_maximum() - samples.overall_minimum()).maxCoeff()) / 255;
  StreamChoice best;
  best.error = std::numeric_limits<double>::infinity();
  // With this base the widest channel takes the largest factor. Other channels may fit better with a base that is a
  // little smaller or larger, so several are tried.
  for (int quarter = -4; quarter <= 4; ++quarter) {
    const double factor = fractional_power(2.0, (quarter + 4) % 4 / 4.0) * (quarter < 0 ? 0.5 : quarter < 4 ? 1 : 2);
    const double base = std::max(widest * factor / (1 << kernels::max_ptf_alpha), smallest_scale);
    StreamChoice choice = choose_factors(samples, base, kernels::max_ptf_alpha, std::nullopt, importance);
    if (choice.error < best.error)
      best = std::move(choice);
  }
  return best.codes;
}

StreamCodes codes_as(const SiteSamples &samples, const QuantizeOptions &options, const ArrayXd &importance,
                     double smallest_scale) {
  switch (options.residual) {
  case ResidualFormat::ptf8:
    return ptf_codes(samples, importance, smallest_scale);
  case ResidualFormat::ptf8_paper:
    return published::paper_stream_codes(samples, importance, smallest_scale);
  case ResidualFormat::int8:
    return published::uniform_stream_codes(samples, options, smallest_scale);
  case ResidualFormat::int16:
    break;
  }
  return int16_stream_codes(samples, smallest_scale);
}

// Of the second half's rows.
std::optional<double> stream_signal_to_noise(const StreamCodes &codes, const RowMatrix &rows) {
  const double largest = codes.type == kernels::ElementType::int8 ? 127.0 : 32767.0;
  const double smallest = codes.type == kernels::ElementType::int8 ? -128.0 : -32767.0;
  const ArrayXd scale = codes.scale();
  const ArrayXd zero = codes.zero();
  const RowVector mean = rows.colwise().mean();
  SignalToNoise ratio;
  for (Eigen::Index row = 0; row < rows.rows(); ++row)
    for (Eigen::Index c = 0; c < rows.cols(); ++c) {
      const auto value = static_cast<double>(rows(row, c));
      const double code = clamped_code(value / scale[c] + zero[c], smallest, largest);
      ratio.add(value - static_cast<double>(mean[c]), value - scale[c] * (code - zero[c]));
    }
  return ratio.decibels(static_cast<double>(rows.squaredNorm()));
}

} // namespace

ArrayXd StreamCodes::scale() const {
  ArrayXd result(static_cast<Eigen::Index>(alpha.size()));
  for (std::size_t c = 0; c < alpha.size(); ++c)
    result[static_cast<Eigen::Index>(c)] = std::ldexp(base_scale, alpha[c]);
  return result;
}

ArrayXd StreamCodes::zero() const {
  ArrayXd result(static_cast<Eigen::Index>(zero_point.size()));
  for (std::size_t c = 0; c < zero_point.size(); ++c)
    result[static_cast<Eigen::Index>(c)] = zero_point[c];
  return result;
}

StreamChoice choose_factors(const SiteSamples &samples, double base_scale, int max_alpha,
                            std::optional<double> shared_zero, const ArrayXd &importance) {
  const ArrayXd low = samples.overall_minimum().transpose().array().cast<double>();
  const ArrayXd high = samples.overall_maximum().transpose().array().cast<double>();
  StreamChoice choice;
  choice.codes.base_scale = base_scale;
  for (Eigen::Index c = 0; c < low.size(); ++c) {
    double best_error = std::numeric_limits<double>::infinity();
    int best_alpha = 0;
    double best_zero = 0;
    for (int alpha = 0; alpha <= max_alpha; ++alpha) {
      const double scale = std::ldexp(base_scale, alpha);
      const double zero =
          shared_zero ? *shared_zero : clamped_code(-0.5 - (low[c] + high[c]) / 2 / scale, -128.0, 127.0);
      // A step so fine that half of the range is cut off cannot be the best.
      if (high[c] - low[c] > 2 * 255 * scale && alpha < max_alpha)
        continue;
      const double error = squared_error(samples, c, scale, zero);
      if (error < best_error) {
        best_error = error;
        best_alpha = alpha;
        best_zero = zero;
      }
    }
    choice.error += best_error * importance[c];
    choice.codes.alpha.push_back(static_cast<std::uint8_t>(best_alpha));
    choice.codes.zero_point.push_back(static_cast<std::int8_t>(best_zero));
  }
  return choice;
}

double smallest_stream_scale(const LayerNormWeights &norm) {
  return static_cast<double>(norm.weight.cwiseAbs().maxCoeff()) * quotient_unit / 0.4;
}

StreamCodes int16_stream_codes(const SiteSamples &samples, double smallest_scale) {
  const float largest =
      std::max(samples.overall_maximum().cwiseAbs().maxCoeff(), samples.overall_minimum().cwiseAbs().maxCoeff());
  const auto channels = static_cast<std::size_t>(samples.minimum[0].cols());
  return {kernels::ElementType::int16, std::max(int16_margin * static_cast<double>(largest) / 32767, smallest_scale),
          std::vector<std::uint8_t>(channels, 0), std::vector<std::int8_t>(channels, 0)};
}

StreamCodes choose_stream_codes(const SiteSamples &samples, const QuantizeOptions &options, const ArrayXd &importance,
                                double smallest_scale) {
  StreamCodes codes = codes_as(samples, options, importance, smallest_scale);
  codes.signal_to_noise = stream_signal_to_noise(codes, samples.rows[1]);
  return codes;
}

} // namespace intvit

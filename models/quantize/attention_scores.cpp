#include "models/quantize/attention_scores.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "engine/ops/bounds.hpp"
#include "kernels/attention.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;

// 255 steps span what the weights can tell apart: 16 octaves, or 8.
int units_per_octave(kernels::Softmax softmax) {
  return softmax == kernels::Softmax::int8 ? 32 : 16;
}

// No channel's range is taken as less than 1/256 of the widest, nor than what no softmax would notice, so that no scale
// is absurdly fine.
ArrayXd at_least_a_share(const ArrayXd &range) {
  return range.max(range.maxCoeff() / 256).max(1e-3);
}

ArrayXd largest(const ChannelRange &range) {
  return range.low.abs().max(range.high.abs());
}

// The range about 0 of the tensor that the three make up together, for each channel of one of them.
ChannelRange shared_range(const SiteSamples &query, const SiteSamples &key, const SiteSamples &value,
                          const QuantizeOptions &options) {
  const std::array<const SiteSamples *, 3> parts{&query, &key, &value};
  const ArrayXd end = largest(observe_range(side_by_side(parts), options)).head(query.rows[0].cols());
  return {-end, end};
}

std::vector<std::int32_t> bias_codes(const RowVector &biases, double codes_per_unit) {
  std::vector<std::int32_t> codes;
  for (const float bias : biases)
    codes.push_back(static_cast<std::int32_t>(std::lround(static_cast<double>(bias) * codes_per_unit)));
  return codes;
}

} // namespace

AttentionCodes choose_attention_codes(const SiteSamples &query, const SiteSamples &key, const SiteSamples &value,
                                      int heads, const QuantizeOptions &options, const ArrayXd &qkv_scale,
                                      const ScoreBiases &biases) {
  const ChannelRange queries =
      options.per_tensor ? shared_range(query, key, value, options) : observe_range(query, options);
  const ChannelRange keys = options.per_tensor ? queries : observe_range(key, options);
  const ArrayXd query_range = at_least_a_share(largest(queries));
  const ArrayXd key_range = at_least_a_share((keys.high - keys.low) / 2);
  const Eigen::Index channels = query_range.size();
  const ArrayXd smallest_query_scale = smallest_scale(qkv_scale.head(channels));
  const ArrayXd smallest_key_scale = smallest_scale(qkv_scale.segment(channels, channels));
  const CodeConstraint value_constraint = requantizable(qkv_scale.tail(channels));
  const Eigen::Index head_dim = channels / heads;
  const double root = std::sqrt(static_cast<double>(head_dim));

  // The unit of a product of codes, a head: the widest channel's two ranges over 127 steps each, but no finer than
  // leaves the biases 20 bits.
  ArrayXd unit(heads);
  for (Eigen::Index h = 0; h < heads; ++h) {
    unit[h] = (query_range * key_range / (127.0 * 127.0))
                  .max(smallest_query_scale * smallest_key_scale)
                  .segment(h * head_dim, head_dim)
                  .maxCoeff();
    if (biases.values.size() > 0)
      unit[h] =
          std::max(unit[h], std::ldexp(root * static_cast<double>(biases.values.row(h).cwiseAbs().maxCoeff()), -20));
  }

  // In softmax steps, and then with a multiplier of few bits: unit is enlarged a little to make it exact.
  const double steps = units_per_octave(options.softmax) / std::numbers::ln2 / root;
  const auto exact_unit = [&](double multiplier, int shift) { return std::ldexp(multiplier, -shift) / steps; };
  AttentionCodes scores;
  const auto head_fits = [&](Eigen::Index h, int shift) {
    const double wanted = std::max(1.0, std::ceil(std::ldexp(unit[h] * steps, shift)));
    if (wanted >= 1e9)
      return false;
    const auto multiplier = static_cast<std::int32_t>(wanted);
    const int dim = static_cast<int>(head_dim);
    std::uint64_t range = 0;
    if (biases.values.size() > 0) {
      const std::vector<std::int32_t> codes = bias_codes(biases.values.row(h), root / exact_unit(wanted, shift));
      const auto [low, high] = std::minmax_element(codes.begin(), codes.end());
      range = static_cast<std::uint64_t>(std::int64_t{*high} - *low);
      if (biases.masks) {
        const std::uint64_t mask = masking(dim, multiplier, shift, range);
        if (mask > kernels::max_masking)
          return false;
        range += mask;
      }
    }
    return score_fits(dim, multiplier, shift, range);
  };
  const auto fits = [&](int shift) {
    for (Eigen::Index h = 0; h < heads; ++h)
      if (!head_fits(h, shift))
        return false;
    return true;
  };
  scores.shift = 31;
  while (scores.shift > 1 && !fits(scores.shift))
    --scores.shift;
  if (!fits(scores.shift))
    throw std::runtime_error("attention scores are too large for the integer softmax");
  for (Eigen::Index h = 0; h < heads; ++h) {
    const double multiplier = std::max(1.0, std::ceil(std::ldexp(unit[h] * steps, scores.shift)));
    scores.multiplier.push_back(static_cast<std::int32_t>(multiplier));
    unit[h] = exact_unit(multiplier, scores.shift);
    if (biases.values.size() > 0) {
      const std::vector<std::int32_t> codes = bias_codes(biases.values.row(h), root / unit[h]);
      scores.bias.insert(scores.bias.end(), codes.begin(), codes.end());
    }
  }

  // scale_q * scale_k = unit with both ranges filled alike.
  scores.query.scale.resize(query_range.size());
  for (Eigen::Index c = 0; c < query_range.size(); ++c)
    scores.query.scale[c] = std::clamp(std::sqrt(unit[c / head_dim] * query_range[c] / key_range[c]),
                                       smallest_query_scale[c], unit[c / head_dim] / smallest_key_scale[c]);
  scores.query.zero = ArrayXd::Zero(query_range.size());
  scores.key.scale.resize(query_range.size());
  for (Eigen::Index c = 0; c < query_range.size(); ++c)
    scores.key.scale[c] = unit[c / head_dim] / scores.query.scale[c];
  scores.key.zero = -keys.middle() / scores.key.scale;

  if (options.per_tensor) {
    scores.value = {query_range / 127.0, ArrayXd::Zero(query_range.size())};
    value_constraint(scores.value);
    scores.value.zero.setZero();
  } else {
    scores.value = own_range_codes(value, options, value_constraint);
  }
  return scores;
}

kernels::ExpPolynomial exp_polynomial(kernels::Softmax softmax, int tokens) {
  // I-BERT's polynomial: exp(r) = 0.35815147 r^2 + 0.96963238 r + 1 for r in (-ln 2, 0].
  constexpr double quadratic = 0.35815147;
  constexpr double linear = 0.96963238;
  kernels::ExpPolynomial polynomial;
  polynomial.units_per_octave = units_per_octave(softmax);
  const double step = std::numbers::ln2 / polynomial.units_per_octave;
  polynomial.linear = static_cast<std::int32_t>(std::floor(linear / quadratic / step));
  polynomial.constant = static_cast<std::int32_t>(std::floor(1 / quadratic / (step * step)));
  polynomial.octaves = 16;
  while (polynomial.octaves > 0 && !exp_table_is_valid(polynomial, tokens))
    --polynomial.octaves;
  return polynomial;
}

} // namespace intvit

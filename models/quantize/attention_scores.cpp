#include "models/quantize/attention_scores.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "engine/graph/bounds.hpp"

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

ArrayXd to_array(const RowVector &values) {
  return values.transpose().array().cast<double>();
}

} // namespace

AttentionScores choose_score_codes(const SiteSamples &query, const SiteSamples &key, int heads,
                                   const QuantizeOptions &options) {
  const ArrayXd query_range =
      at_least_a_share(to_array(query.overall_minimum()).abs().max(to_array(query.overall_maximum()).abs()));
  const ArrayXd key_low = to_array(key.overall_minimum());
  const ArrayXd key_high = to_array(key.overall_maximum());
  const ArrayXd key_range = at_least_a_share((key_high - key_low) / 2);
  const Eigen::Index head_dim = query_range.size() / heads;

  // The unit of a product of codes, a head: the widest channel's two ranges over 127 steps each.
  ArrayXd unit(heads);
  for (Eigen::Index h = 0; h < heads; ++h)
    unit[h] = (query_range * key_range).segment(h * head_dim, head_dim).maxCoeff() / (127.0 * 127.0);

  // In softmax steps, and then with a multiplier of few bits: unit is enlarged a little to make it exact.
  const double steps = units_per_octave(options.softmax) / std::numbers::ln2 / std::sqrt(static_cast<double>(head_dim));
  AttentionScores scores;
  const auto fits = [&](int shift) {
    const double multiplier = std::ceil(std::ldexp(unit.maxCoeff() * steps, shift));
    return multiplier < 1e9 && score_fits(static_cast<int>(head_dim), static_cast<std::int32_t>(multiplier), shift);
  };
  scores.shift = 31;
  while (scores.shift > 1 && !fits(scores.shift))
    --scores.shift;
  if (!fits(scores.shift))
    throw std::runtime_error("attention scores are too large for the integer softmax");
  for (Eigen::Index h = 0; h < heads; ++h) {
    const double multiplier = std::max(1.0, std::ceil(std::ldexp(unit[h] * steps, scores.shift)));
    scores.multiplier.push_back(static_cast<std::int32_t>(multiplier));
    unit[h] = std::ldexp(multiplier, -scores.shift) / steps;
  }

  // scale_q * scale_k = unit with both ranges filled alike.
  scores.query.scale.resize(query_range.size());
  for (Eigen::Index c = 0; c < query_range.size(); ++c)
    scores.query.scale[c] = std::sqrt(unit[c / head_dim] * query_range[c] / key_range[c]);
  scores.query.zero = ArrayXd::Zero(query_range.size());
  scores.key.scale.resize(query_range.size());
  for (Eigen::Index c = 0; c < query_range.size(); ++c)
    scores.key.scale[c] = unit[c / head_dim] / scores.query.scale[c];
  scores.key.zero = -(key_low + key_high) / 2 / scores.key.scale;
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

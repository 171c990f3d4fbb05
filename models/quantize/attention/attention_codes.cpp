#include "models/quantize/attention/attention_codes.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <stdexcept>

#include "engine/ops/bounds.hpp"
#include "kernels/attention.hpp"
#include "kernels/token_merging.hpp"
#include "models/quantize/attention/exp_polynomial.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;

// Widens very small ranges, so that no scale becomes absurdly fine: to 1/256 of the widest channel's, and to 1e-3,
// which no softmax notices.
ArrayXd at_least_a_share(const ArrayXd &range) {
  return range.max(range.maxCoeff() / 256).max(1e-3);
}

ArrayXd largest(const ChannelRange &range) {
  return range.low.abs().max(range.high.abs());
}

// Both channels of a pair get the larger value.
void widen_pairs(Index head_dim, ArrayXd &values) {
  const Index pairs = head_dim / 2;
  for (Index first = 0; first < values.size(); first += head_dim) {
    const ArrayXd larger = values.segment(first, pairs).max(values.segment(first + pairs, pairs));
    values.segment(first, pairs) = larger;
    values.segment(first + pairs, pairs) = larger;
  }
}

// How one head's scores become steps of the softmax: sums of products of codes, plus biases, are multiplied by an
// integer and shifted right by `shift`. `unit` is the real value of one product of codes. It is enlarged a little, to a
// value that an integer multiplier expresses exactly. A larger shift enlarges it less, but makes scores overflow
// sooner.
class HeadScores {
public:
  // `biases`: position biases, may be empty. `masked`: some pairs of tokens are masked too. `largest_size`: of tokens.
  HeadScores(double unit, int head_dim, kernels::Softmax softmax, RowVector biases, bool masked, int largest_size)
      : head_dim_(head_dim), root_(std::sqrt(static_cast<double>(head_dim))), units_(units_per_octave(softmax)),
        steps_(units_ / std::numbers::ln2 / root_), biases_(std::move(biases)), masked_(masked),
        largest_size_(largest_size),
        // Not so small that a bias would need more than 20 bits.
        unit_(biases_.size() == 0
                  ? unit
                  : std::max(unit, std::ldexp(root_ * static_cast<double>(biases_.cwiseAbs().maxCoeff()), -20))) {}

  double multiplier(int shift) const { return std::max(1.0, std::ceil(std::ldexp(unit_ * steps_, shift))); }

  // The value of one product of codes with that multiplier.
  double exact_unit(int shift) const { return std::ldexp(multiplier(shift), -shift) / steps_; }

  std::vector<std::int32_t> bias_codes(int shift) const {
    const double codes_per_unit = root_ / exact_unit(shift);
    std::vector<std::int32_t> codes;
    for (const float bias : biases_)
      codes.push_back(static_cast<std::int32_t>(std::lround(static_cast<double>(bias) * codes_per_unit)));
    return codes;
  }

  // Whether no score can overflow.
  bool fits(int shift) const {
    const double wanted = multiplier(shift);
    if (wanted >= 1e9)
      return false;
    const auto exact = static_cast<std::int32_t>(wanted);
    std::uint64_t range = kernels::size_score(largest_size_, units_, exact, shift);
    if (range > kernels::max_score_bias)
      return false;
    if (biases_.size() > 0) {
      const std::vector<std::int32_t> codes = bias_codes(shift);
      const auto [low, high] = std::minmax_element(codes.begin(), codes.end());
      range = static_cast<std::uint64_t>(std::int64_t{*high} - *low);
      if (masked_) {
        const std::uint64_t mask = masking(head_dim_, exact, shift, range);
        if (mask > kernels::max_masking)
          return false;
        range += mask;
      }
    }
    return score_fits(head_dim_, exact, shift, range);
  }

private:
  int head_dim_;
  double root_;  // scores are divided by sqrt(d)
  int units_;    // steps of the softmax an octave
  double steps_; // how many steps of the softmax a score of 1 has, before that division
  RowVector biases_;
  bool masked_;
  int largest_size_;
  double unit_;
};

// The largest shift at which the scores of all heads fit.
int choose_shift(const std::vector<HeadScores> &heads) {
  for (int shift = 31; shift >= 1; --shift)
    if (std::all_of(heads.begin(), heads.end(), [&](const HeadScores &head) { return head.fits(shift); }))
      return shift;
  throw std::runtime_error("attention scores are too large for the integer softmax");
}

} // namespace

ChannelCodes AttentionCodes::side_by_side() const {
  const Index channels = query.scale.size();
  ChannelCodes codes{ArrayXd(3 * channels), ArrayXd(3 * channels)};
  codes.scale << query.scale, key.scale, value.scale;
  codes.zero << query.zero, key.zero, value.zero;
  return codes;
}

AttentionCodes choose_attention_codes(const SiteSamples &query, const SiteSamples &key, const SiteSamples &value,
                                      int heads, const QuantizeOptions &options, const ArrayXd &qkv_scale,
                                      const ScoreBiases &biases, const RotatedSamples *rotated) {
  const bool per_tensor = options.published.per_tensor;
  const ChannelRange queries =
      per_tensor ? published::shared_range(query, key, value, options) : observe_range(query, options);
  const ChannelRange keys = per_tensor ? queries : observe_range(key, options);
  const Index channels = queries.low.size();
  const Index head_dim = channels / heads;
  ArrayXd query_range = at_least_a_share(largest(queries));
  ArrayXd key_range = at_least_a_share((keys.high - keys.low) / 2);
  ArrayXd smallest_query_scale = smallest_scale(qkv_scale.head(channels));
  ArrayXd smallest_key_scale = smallest_scale(qkv_scale.segment(channels, channels));
  if (rotated != nullptr) {
    query_range = at_least_a_share(largest(queries).max(largest(observe_range(rotated->query, options))));
    key_range = at_least_a_share(largest(keys).max(largest(observe_range(rotated->key, options))));
    for (ArrayXd *values : {&query_range, &key_range, &smallest_query_scale, &smallest_key_scale})
      widen_pairs(head_dim, *values);
  }

  // In each channel query and key have 127 steps for their ranges; the widest channel decides the head's unit.
  const ArrayXd products = (query_range * key_range / (127.0 * 127.0)).max(smallest_query_scale * smallest_key_scale);
  std::vector<HeadScores> scores;
  for (Index h = 0; h < heads; ++h)
    scores.emplace_back(products.segment(h * head_dim, head_dim).maxCoeff(), static_cast<int>(head_dim),
                        options.softmax, biases.values.size() > 0 ? RowVector(biases.values.row(h)) : RowVector(),
                        biases.masks, biases.largest_size);
  AttentionCodes codes;
  codes.shift = choose_shift(scores);
  ArrayXd unit(channels); // of the channel's head
  for (Index h = 0; h < heads; ++h) {
    const HeadScores &head = scores[static_cast<std::size_t>(h)];
    codes.multiplier.push_back(static_cast<std::int32_t>(head.multiplier(codes.shift)));
    unit.segment(h * head_dim, head_dim).setConstant(head.exact_unit(codes.shift));
    const std::vector<std::int32_t> bias = head.bias_codes(codes.shift);
    codes.bias.insert(codes.bias.end(), bias.begin(), bias.end());
  }

  // scale_q * scale_k = unit, and both ranges fill their codes equally.
  codes.query.scale.resize(channels);
  for (Index c = 0; c < channels; ++c)
    codes.query.scale[c] = std::clamp(std::sqrt(unit[c] * query_range[c] / key_range[c]), smallest_query_scale[c],
                                      unit[c] / smallest_key_scale[c]);
  codes.query.zero = ArrayXd::Zero(channels);
  codes.key.scale = unit / codes.query.scale;
  codes.key.zero = rotated != nullptr ? ArrayXd(ArrayXd::Zero(channels)) : ArrayXd(-keys.middle() / codes.key.scale);

  const CodeConstraint value_constraint = requantizable(qkv_scale.tail(channels));
  if (per_tensor) {
    codes.value = {query_range / 127.0, ArrayXd::Zero(channels)};
    value_constraint(codes.value);
    codes.value.zero.setZero();
  } else {
    codes.value = own_range_codes(value, options, value_constraint);
  }
  return codes;
}

} // namespace intvit

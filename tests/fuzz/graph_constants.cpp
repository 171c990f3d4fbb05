#include "tests/fuzz/graph_constants.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "engine/ops/bounds.hpp"
#include "kernels/attention.hpp"
#include "kernels/token_merging.hpp"
#include "tests/kernels/four_bits_case.hpp"

namespace intvit::fuzz {

namespace {

using kernels::WeightFormat;

constexpr std::uint64_t limit63 = std::uint64_t{1} << 63;

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

// The largest shift that lets a factor of so much be a multiplier of 31 bits; its least where none does.
int shift_for(double factor) {
  int shift = 62;
  while (shift > 32 && std::ldexp(factor, shift) >= 0x1p31)
    --shift;
  return shift;
}

std::int32_t multiplier_for(double factor, int shift) {
  return static_cast<std::int32_t>(std::clamp(std::ldexp(factor, shift), 1.0, 2147483647.0));
}

} // namespace

Magnitudes GraphConstants::weights(const std::string &node, int out, int in) {
  test::Random random = choices_.elements();
  const std::size_t columns = static_cast<std::size_t>(in);
  std::vector<std::int8_t> values;
  const int kind = choices_.between(0, 7);
  if (kind < 2) {
    const FourBitStorage &storage = four_bit_storages[static_cast<std::size_t>(
        choices_.between(0, static_cast<int>(four_bit_storages.size()) - 1))];
    const WeightFormat format = storage.format;
    test::FourBitCase words = test::make_four_bits(random, format, out, in, storage.second_bits);
    values = std::move(words.values);
    graph_.weights(node, {format, out, in, std::move(words.first), std::move(words.groups), std::move(words.second)});
  } else {
    const std::size_t count = static_cast<std::size_t>(out) * columns;
    // Small ones, only the largest, or all.
    values = kind == 2   ? random.values<std::int8_t>(count, -2, 2)
             : kind == 3 ? random.values<std::int8_t>(count, -1, 0)
                         : random.values<std::int8_t>(count, -128, 127);
    if (kind == 3)
      for (std::int8_t &value : values)
        value = value < 0 ? std::int8_t{-128} : std::int8_t{127};
    graph_.weights(node, out, values);
  }
  Magnitudes result{std::vector<std::uint64_t>(static_cast<std::size_t>(out)), 1};
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    result.bound[i / columns] += 128 * static_cast<std::uint64_t>(std::abs(int{values[i]}));
    squares += values[i] * values[i];
  }
  result.typical = std::max(1.0, 50 * std::sqrt(squares / out)); // input codes of 50
  return result;
}

int GraphConstants::requantization(const std::string &node, const Magnitudes &values, double spread,
                                   const Residual &residual) {
  test::Random random = choices_.elements();
  const double factor = spread / values.typical;
  // Mostly the finest shift that keeps multipliers within 31 bits, now and then any.
  int shift = choices_.one_in(6) ? choices_.between(32, 62) : std::max(32, shift_for(factor) - choices_.between(0, 3));
  const bool extreme = choices_.one_in(4);
  const std::size_t count = values.bound.size();
  std::vector<std::int32_t> multipliers(count);
  std::vector<std::int32_t> residual_multipliers(count);
  std::vector<std::int64_t> offsets(count);
  const double residual_factor = residual.largest == 0 ? 0 : spread / residual.typical;
  for (std::size_t c = 0; c < count; ++c) {
    const auto typical = multiplier_for(factor, shift);
    multipliers[c] = random.between(typical / 3 * 2, typical);
    if (random.between(0, 1) == 0)
      multipliers[c] = -multipliers[c];
    if (residual.largest != 0) {
      const auto one = multiplier_for(std::ldexp(residual_factor, -residual.shift), shift);
      residual_multipliers[c] = random.between(one / 3 * 2, one);
    }
    const bool at_an_end = extreme && random.between(0, 3) == 0;
    if (at_an_end) {
      constexpr std::int32_t ends[] = {INT32_MIN, INT32_MAX, 0, 1, -1};
      multipliers[c] = ends[random.between(0, 4)];
      if (residual.largest != 0)
        residual_multipliers[c] = ends[random.between(0, 4)];
    }
    const std::uint64_t used =
        values.bound[c] * magnitude(multipliers[c]) +
        (static_cast<std::uint64_t>(residual.largest) << residual.shift) * magnitude(residual_multipliers[c]);
    // Bounds below 2^31 times multipliers up to 2^31, and residuals up to 2^61: always below 2^63.
    const auto room = static_cast<std::int64_t>(limit63 - 1 - used);
    offsets[c] =
        std::clamp<std::int64_t>(random.between(-10, 10) * (std::int64_t{1} << std::min(shift, 58)), -room, room);
    if (at_an_end)
      offsets[c] = random.between(0, 1) == 0 ? room : -room;
  }
  graph_.requantization(node, multipliers, offsets);
  if (residual.largest != 0)
    graph_.constant(node, residual.constant, residual_multipliers);
  return shift;
}

void GraphConstants::scores(const std::string &node, Attention &operation, int head_dim, const ScoreBiases &biases) {
  std::int32_t least = 1;
  std::int32_t most = 0;
  for (operation.score_shift = choices_.between(8, 24); most < least && operation.score_shift > 0;
       --operation.score_shift) {
    const auto fits = [&](std::int32_t multiplier) {
      std::uint64_t range = biases.bias_range;
      if (biases.largest_size > 0) {
        range =
            kernels::size_score(biases.largest_size, operation.exp.units_per_octave, multiplier, operation.score_shift);
        if (range > kernels::max_score_bias)
          return false;
      }
      if (biases.masked) {
        const std::uint64_t mask = masking(head_dim, multiplier, operation.score_shift, range);
        if (mask > kernels::max_masking)
          return false;
        range += mask;
      }
      return score_fits(head_dim, multiplier, operation.score_shift, range);
    };
    // Between the least that masks and the largest that fits; both by doubling and halving.
    least = 1;
    while (least < 1 << 29 && !fits(least))
      least *= 2;
    most = fits(least) ? least : 0;
    while (most > 0 && most < 1 << 29 && fits(most * 2))
      most *= 2;
  }
  ++operation.score_shift;
  values<std::int32_t>(node, "score_multiplier", {operation.heads},
                       choices_.one_in(4) ? most : std::max(least, most / 64), most);
}

} // namespace intvit::fuzz

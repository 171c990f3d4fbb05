#include "engine/runtime/probability.hpp"

#include <algorithm>
#include <array>

#include "kernels/reciprocal.hpp"

namespace intvit {

namespace {

// Fractional bits of one exponential: of 2^22 logits, whose sum is at most 2^62, or of 2^24, whose sum is no larger.
// Each exponential is cut by less than its last bit, 2^16 of them by 2^-24, far below a millionth of the sum, which is
// 1 at least.
constexpr int exponential_bits(std::size_t logits) {
  return logits <= std::size_t{1} << 22 ? 40 : 38;
}
// Fractional bits of the factors that it is made of.
constexpr int factor_bits = 31;
constexpr int fraction_digits = 28;

// log2(e) in units of 2^-31. Times a difference of two int32 it stays below 2^64.
constexpr std::uint64_t log2_e = 3'098'164'009;

// 2^-(1/2), 2^-(1/4), 2^-(1/8) and so on: each the square root of the one before.
constexpr std::array<std::uint64_t, fraction_digits> factors = [] {
  std::array<std::uint64_t, fraction_digits> roots{};
  std::uint64_t factor = std::uint64_t{1} << (factor_bits - 1);
  for (std::uint64_t &root : roots) {
    factor = kernels::integer_sqrt(factor << factor_bits);
    root = factor;
  }
  return roots;
}();

// e^-difference with `bits` fractional bits, 31 to 40; the difference is in units of 2^-fraction_bits. It is a power of
// two: a shift by the whole part of its exponent, and a factor for each binary digit of the rest. Error: below 2^-24 of
// the value and 1 in its last place.
std::uint64_t exponential(std::uint64_t difference, int fraction_bits, int bits) {
  const std::uint64_t exponent = difference * log2_e;
  const int exponent_bits = fraction_bits + 31;
  const std::uint64_t whole = exponent >> exponent_bits;
  if (whole > static_cast<std::uint64_t>(bits))
    return 0;
  std::uint64_t rest = exponent << (64 - exponent_bits);
  std::uint64_t value = std::uint64_t{1} << factor_bits;
  for (const std::uint64_t factor : factors) {
    if (rest >> 63 != 0)
      value = (value * factor + (std::uint64_t{1} << (factor_bits - 1))) >> factor_bits;
    rest <<= 1;
  }
  return (value << (bits - factor_bits)) >> whole;
}

std::uint64_t difference(std::int32_t largest, std::int32_t logit) {
  return static_cast<std::uint64_t>(std::int64_t{largest} - logit);
}

// 2^40 times a million and half of 2^62 stay below 2^64.
std::int32_t share_in_millionths(std::uint64_t value, std::uint64_t sum) {
  constexpr std::uint64_t million = 1'000'000;
  return static_cast<std::int32_t>((value * million + sum / 2) / sum);
}

} // namespace

Probabilities::Probabilities(std::span<const std::int32_t> logits, int fraction_bits, ResultKind kind)
    : kind_(kind), fraction_bits_(fraction_bits) {
  if (kind == ResultKind::labels)
    return;
  largest_ = *std::max_element(logits.begin(), logits.end());
  exponential_bits_ = exponential_bits(logits.size());
  for (const std::int32_t logit : logits)
    sum_ += exponential(difference(largest_, logit), fraction_bits, exponential_bits_);
}

std::int32_t Probabilities::millionths(std::int32_t logit) const {
  if (kind_ == ResultKind::labels)
    return label_millionths(logit, fraction_bits_);
  return share_in_millionths(exponential(difference(largest_, logit), fraction_bits_, exponential_bits_), sum_);
}

std::int32_t label_millionths(std::int32_t logit, int fraction_bits) {
  // 1 / (1 + e^-x) is the softmax's share of x beside 0. The larger of the two has the exponential 1.
  constexpr int bits = exponential_bits(2);
  constexpr std::uint64_t one = std::uint64_t{1} << bits;
  const std::uint64_t other = exponential(difference(std::max(logit, 0), std::min(logit, 0)), fraction_bits, bits);
  return share_in_millionths(logit >= 0 ? one : other, one + other);
}

} // namespace intvit

// Unsigned integers of 128 bits: the compiler's own on 64-bit processors, else two halves (needed for 32-bit Arm). This
// implements only what binary64.cpp needs; sums and products are modulo 2^128.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>

namespace intvit {

class WideHalves {
public:
  constexpr WideHalves(std::uint64_t value) : low_(value) {}
  constexpr WideHalves(std::uint64_t high, std::uint64_t low) : high_(high), low_(low) {}

  explicit constexpr operator std::uint64_t() const { return low_; }

  friend constexpr bool operator==(WideHalves left, WideHalves right) = default;
  friend constexpr std::strong_ordering operator<=>(WideHalves left, WideHalves right) {
    return left.high_ != right.high_ ? left.high_ <=> right.high_ : left.low_ <=> right.low_;
  }

  friend constexpr WideHalves operator+(WideHalves left, WideHalves right) {
    const std::uint64_t low = left.low_ + right.low_;
    return {left.high_ + right.high_ + (low < left.low_ ? 1U : 0U), low};
  }
  friend constexpr WideHalves operator-(WideHalves left, WideHalves right) {
    return {left.high_ - right.high_ - (left.low_ < right.low_ ? 1U : 0U), left.low_ - right.low_};
  }
  friend constexpr WideHalves operator&(WideHalves left, WideHalves right) {
    return {left.high_ & right.high_, left.low_ & right.low_};
  }
  friend constexpr WideHalves operator|(WideHalves left, WideHalves right) {
    return {left.high_ | right.high_, left.low_ | right.low_};
  }

  // By 0 to 127.
  friend constexpr WideHalves operator<<(WideHalves value, int count) {
    if (count >= 64)
      return {value.low_ << (count - 64), 0};
    // A shift by 64 is undefined, so the bits that cross are shifted twice.
    return {value.high_ << count | value.low_ >> 1 >> (63 - count), value.low_ << count};
  }
  friend constexpr WideHalves operator>>(WideHalves value, int count) {
    if (count >= 64)
      return {0, value.high_ >> (count - 64)};
    return {value.high_ >> count, value.low_ >> count | value.high_ << 1 << (63 - count)};
  }

  // Multiplies the low halves in 32-bit parts: the middle sum is below 3 * 2^32 + 2^64 - 2^33 + 1, which fits.
  friend constexpr WideHalves operator*(WideHalves left, WideHalves right) {
    constexpr std::uint64_t half = 0xFFFFFFFF;
    const std::uint64_t low = (left.low_ & half) * (right.low_ & half);
    const std::uint64_t middle = (left.low_ >> 32) * (right.low_ & half) + (low >> 32);
    const std::uint64_t other = (left.low_ & half) * (right.low_ >> 32) + (middle & half);
    const std::uint64_t high = (left.low_ >> 32) * (right.low_ >> 32) + (middle >> 32) + (other >> 32);
    return {high + left.high_ * right.low_ + left.low_ * right.high_, other << 32 | (low & half)};
  }

  // Bit by bit. Requires a divisor from 1 to 2^63, so that no remainder overflows when it is doubled.
  friend constexpr WideHalves operator/(WideHalves dividend, std::uint64_t divisor) {
    WideHalves quotient = 0;
    std::uint64_t remainder = 0;
    for (int bit = 127; bit >= 0; --bit) {
      remainder = remainder << 1 | (static_cast<std::uint64_t>(dividend >> bit) & 1);
      quotient = quotient << 1;
      if (remainder >= divisor) {
        remainder -= divisor;
        quotient = quotient | 1;
      }
    }
    return quotient;
  }

private:
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

#if defined(__SIZEOF_INT128__)
__extension__ using Wide = unsigned __int128;
#else
using Wide = WideHalves;
#endif

// The number of bits up to the highest one that is set; 0 for 0.
template <class Integer> constexpr int wide_bit_width(Integer value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return high != 0 ? 128 - std::countl_zero(high) : 64 - std::countl_zero(static_cast<std::uint64_t>(value));
}

} // namespace intvit

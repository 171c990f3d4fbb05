// exp and GELU from additions, multiplications and divisions alone, so that every IEEE machine gives the same bits (C
// libraries differ from one another). Free of branches, so that compilers vectorize loops over them.
#pragma once

#include <bit>
#include <cstdint>

namespace intvit::reference {

// e^x, relative error below 2e-7, for x in [-87, 88]; an argument beyond is taken for the nearer end.
inline float exp(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  // x = n ln 2 + r with |r| <= ln(2) / 2. Adding 1.5 * 2^23 rounds to an integer, whose two's complement is then in the
  // low mantissa bits.
  constexpr float rounder = 0x1.8p23F;
  const float shifted = x * 0x1.715476p0F + rounder;
  const float n = shifted - rounder;
  // ln 2 in two parts, the first short enough that n times it is exact.
  const float r = (x - n * 0x1.62ep-1F) - n * 0x1.0bfbe8p-15F;
  // Interpolation of e^r at Chebyshev nodes, relative error 2.6e-9.
  float p = 0.00139411189F;
  p = p * r + 0.00837513477F;
  p = p * r + 0.0416663528F;
  p = p * r + 0.166664154F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) + 127U; // n in [-126, 127]
  return p * std::bit_cast<float>(exponent << 23);
}

// x Phi(x), Phi the standard normal distribution function. Error below 1e-7 + 1e-7 |x|.
inline float gelu(float x) {
  // With t = |x| and the tail Q(t) = 1 - Phi(t): x Phi(x) = max(x, 0) - t Q(t), which cancels nowhere.
  const float t = x < 0.0F ? -x : x;
  // Q(t) = e^(-t^2 / 2) s P(s) with s = 1 / (1 + 0.27 t): interpolation at Chebyshev nodes for t in [0, 13.2], relative
  // error 2.8e-8. Beyond, the result is 0 to within the error stated.
  const float s = 1.0F / (1.0F + 0.27F * t);
  float p = 0.0289069805F;
  p = p * s - 0.126257857F;
  p = p * s + 0.169385949F;
  p = p * s - 0.068829201F;
  p = p * s + 0.107608655F;
  p = p * s + 0.0721262122F;
  p = p * s + 0.101793603F;
  p = p * s + 0.107545159F;
  p = p * s + 0.10772051F;
  const float tail = exp(-0.5F * t * t) * (s * p);
  return (x > 0.0F ? x : 0.0F) - t * tail;
}

// x / (1 + e^(-1.702 x)), to a few units of the last place.
inline float quick_gelu(float x) {
  return x / (1.0F + exp(-1.702F * x));
}

// x / (1 + e^(-x)), likewise.
inline float silu(float x) {
  return x / (1.0F + exp(-x));
}

// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), as tanh(u) = 2 / (1 + e^(-2 u)) - 1 gives it.
inline float gelu_tanh(float x) {
  return x / (1.0F + exp(-1.5957691216F * (x + 0.044715F * x * x * x)));
}

} // namespace intvit::reference

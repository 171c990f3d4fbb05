// What the softmax of every instruction set reads: the table of exp and what follows from it, built when a model is
// loaded, and the definition of a log-int-softmax code.
#include "kernels/softmax.hpp"

#include <algorithm>
#include <bit>

namespace intvit::kernels {

ExpTable build_exp_table(const ExpPolynomial &polynomial) {
  ExpTable table{};
  for (std::int32_t d = 0; d < 256; ++d) {
    const std::int32_t octave = d / polynomial.units_per_octave;
    const std::int64_t rest = d % polynomial.units_per_octave;
    const std::int64_t value = rest * (rest - polynomial.linear) + polynomial.constant;
    const std::uint64_t mantissa = value > 0 ? static_cast<std::uint64_t>(value) : 0;
    const std::int32_t left = polynomial.octaves - octave;
    // The loader admits constant * 2^octaves < 2^31 and only tables that never rise, in which no mantissa exceeds
    // `constant`: every entry fits 31 bits.
    const std::uint64_t exp = left >= 0 ? mantissa << left : (left > -64 ? mantissa >> -left : 0);
    table[static_cast<std::size_t>(d)] = static_cast<std::uint32_t>(exp);
  }
  return table;
}

bool halves_every_16(const ExpTable &exp) {
  for (std::size_t d = 16; d < exp.size(); ++d)
    if (exp[d] != exp[d - 16] >> 1)
      return false;
  return true;
}

std::array<std::uint8_t, 256> build_int8_weights(const ExpTable &exp) {
  std::array<std::uint8_t, 256> weights{};
  for (std::size_t d = 0; d < 255; ++d)
    weights[d] = static_cast<std::uint8_t>((std::uint64_t{exp[d]} * 255 + exp[0] / 2) / exp[0]);
  return weights;
}

int int16_weight_shift(const ExpTable &exp, int tokens) {
  const std::uint32_t largest = std::min(65535U, ((1U << 24) - 1) / static_cast<std::uint32_t>(tokens));
  int shift = 0;
  while (int16_weight(exp[0], shift) > largest)
    ++shift;
  return shift;
}

int log_int_softmax_code(std::uint32_t sum, std::uint32_t exp) {
  if (exp == 0)
    return no_log_int_softmax_code;
  const std::uint64_t ratio = (std::uint64_t{sum} * 2 + exp) / (std::uint64_t{exp} * 2);
  const int floor_log2 = static_cast<int>(std::bit_width(ratio)) - 1;
  // At ratio = 1 half of 2^floor is not an integer and nothing is left over: the code is 0.
  const bool up = floor_log2 > 0 && ratio - (std::uint64_t{1} << floor_log2) >= std::uint64_t{1} << (floor_log2 - 1);
  return floor_log2 + (up ? 1 : 0);
}

} // namespace intvit::kernels

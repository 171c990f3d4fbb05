#include "tests/kernels/four_bits_case.hpp"

#include <algorithm>
#include <cmath>

namespace intvit::test {

namespace {

int log_value(int code) {
  return code == 0 ? 0 : static_cast<int>(std::copysign(std::ldexp(1.0, 7 - std::abs(code)), code));
}

int value_of(kernels::WeightFormat format, int first, int second) {
  if (format == kernels::WeightFormat::int4)
    return 16 * first + second;
  if (format == kernels::WeightFormat::int4_wide)
    return 2 * first + 16 * second;
  return std::clamp(log_value(first) + log_value(second), -127, 127);
}

// The code of one of the four second words that two bits may say beside a first one on the log scale.
int draw_short_log_code(Random &random, int first) {
  constexpr int divisors[] = {4, -4, -8};
  const int choice = random.between(0, 3);
  const int value = choice == 3 ? 0 : log_value(first) / divisors[choice];
  int code = 0;
  while (log_value(code) != value)
    code = code > 0 ? -code : 1 - code; // 1, -1, 2, ...
  return code;
}

// Codes of a weight's words; `extreme`: of the largest values.
int draw_first(Random &random, kernels::WeightFormat format, bool extreme) {
  const bool wide = format == kernels::WeightFormat::int4_wide;
  if (!extreme)
    return random.between(wide ? -8 : -7, 7);
  const bool positive = random.bits() % 2 != 0;
  const int largest = format == kernels::WeightFormat::int4 || wide ? 7 : 1;
  return positive ? largest : wide ? -8 : -largest;
}

int draw_second(Random &random, kernels::WeightFormat format, bool extreme, int second_bits, int first) {
  const bool uniform = format == kernels::WeightFormat::int4;
  const auto sign = [&] { return random.bits() % 2 != 0 ? 1 : -1; };
  if (format == kernels::WeightFormat::int4_wide)
    return extreme ? 3 * sign() : 2 * random.between(0, 3) - 3;
  if (second_bits == 2)
    return !uniform ? draw_short_log_code(random, first) : 4 * (extreme ? sign() : random.between(-2, 1));
  return extreme ? sign() * (uniform ? 7 : 1) : random.between(uniform ? -8 : -7, 7);
}

} // namespace

FourBitCase make_four_bits(Random &random, kernels::WeightFormat format, int out_features, int in_features,
                           int second_bits) {
  const bool pairs = second_bits == 2 && format != kernels::WeightFormat::int4;
  const std::size_t group_outputs = format == kernels::WeightFormat::stlq_tiles ? 64 : 1;
  const auto out = static_cast<std::size_t>(out_features);
  const auto in = static_cast<std::size_t>(in_features);
  const std::size_t group_columns = (in + 3) / 4;
  const std::size_t group_rows = (out + group_outputs - 1) / group_outputs;
  const std::size_t row_bytes = (in + 1) / 2;
  FourBitCase result;
  result.format = format;
  result.out_features = out_features;
  result.in_features = in_features;
  result.first.resize(out * row_bytes);
  result.groups.resize(group_rows * ((group_columns + 7) / 8));
  result.values.resize(out * in);
  // Of groups with second words: none, half, all, or few. (Golden hashes are of what is drawn for tiles.)
  const int share = random.between(0, format == kernels::WeightFormat::stlq_tiles ? 2 : 3);
  const bool extreme = random.between(0, 7) == 0;
  bool two = false;
  for (std::size_t r = 0; r < group_rows; ++r)
    for (std::size_t c = 0; c < group_columns; ++c) {
      if (!pairs || c % 2 == 0)
        two = share == 2 || (share == 1 && random.bits() % 2 != 0) || (share == 3 && random.bits() % 8 == 0);
      const std::size_t words = result.second.size();
      if (two) {
        result.groups[r * ((group_columns + 7) / 8) + c / 8] |= static_cast<std::uint8_t>(1U << (c % 8));
        result.second.resize(words + 2 * group_outputs);
      }
      for (std::size_t n = group_outputs * r; n < std::min(out, group_outputs * (r + 1)); ++n)
        for (std::size_t k = 4 * c; k < std::min(in, 4 * c + 4); ++k) {
          const int first = draw_first(random, format, extreme);
          const int second = two ? draw_second(random, format, extreme, second_bits, first) : 0;
          const auto shifted = [&](int q) { return static_cast<std::uint8_t>((q & 15) << (k % 2 * 4)); };
          result.first[n * row_bytes + k / 2] |= shifted(first);
          if (two)
            result.second[words + (n % group_outputs) * 2 + k % 4 / 2] |= shifted(second);
          result.values[n * in + k] = static_cast<std::int8_t>(value_of(format, first, second));
        }
    }
  return result;
}

} // namespace intvit::test

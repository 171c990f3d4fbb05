// The mean of rows against 128-bit arithmetic.
#include "kernels/mean_rows.hpp"

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/kernels/mean_rows_case.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

void check(const MeanRowsCase &mean, Range columns) {
  const auto size = element_size(mean.output_type);
  const std::vector<std::byte> untouched(mean.channels * size, std::byte{99});
  std::vector<std::int64_t> expected = read_codes(untouched, mean.output_type);
  for (auto c = static_cast<std::size_t>(columns.begin); c < static_cast<std::size_t>(columns.end); ++c) {
    Int128 sum = 0;
    for (std::size_t row = 0; row < mean.rows; ++row)
      sum += mean.weight(row) * mean.code(row, c);
    expected[c] = stored(mean.constants.exact(sum, c), mean.output_type);
  }
  for (const KernelTable &kernels : available_kernels()) {
    std::vector<std::byte> output = untouched;
    kernels.mean_rows(mean.args(output.data()), columns);
    if (read_codes(output, mean.output_type) != expected)
      FAIL(kernels.name << ": " << mean.rows << " rows, " << mean.channels << " channels, columns " << columns.begin
                        << " to " << columns.end);
  }
}

} // namespace

TEST_CASE("mean_rows: exactly as defined, and only the columns it is asked for") {
  Random random(1);
  for (int round = 0; round < 600; ++round) {
    const MeanRowsCase mean =
        make_mean_rows(random, random.between<std::size_t>(1, 60), random.between<std::size_t>(1, 150));
    const int channels = static_cast<int>(mean.channels);
    check(mean, {0, channels});
    const int begin = random.between(0, channels);
    check(mean, {begin, random.between(begin, channels)});
  }
}

TEST_CASE("mean_rows: as many rows as there may be, of extreme codes, at the edge of what the loader admits") {
  Random random(2);
  for (const ElementType type : {ElementType::int8, ElementType::int16})
    for (const bool lowest : {true, false}) {
      MeanRowsCase mean = make_mean_rows(random, max_mean_rows, 19);
      mean.type = type;
      mean.weights.clear();
      std::fill(mean.codes8.begin(), mean.codes8.end(), lowest ? std::int8_t{-128} : std::int8_t{127});
      std::fill(mean.codes16.begin(), mean.codes16.end(), lowest ? std::int16_t{-32768} : std::int16_t{32767});
      const Int128 bound = power_of_two(14 + (type == ElementType::int8 ? 7 : 15));
      for (std::size_t c = 0; c < mean.channels; ++c) {
        const int sign = c % 2 == 0 ? 1 : -1;
        mean.constants.multiplier[c] = sign * 2147483647;
        mean.constants.offset[c] =
            (lowest ? -sign : sign) * static_cast<std::int64_t>(power_of_two(63) - 1 - bound * 2147483647);
      }
      for (const int shift : {min_shift, 46, max_shift}) {
        mean.constants.shift = shift;
        for (const ElementType output_type : {ElementType::int8, ElementType::int16, ElementType::int32}) {
          mean.output_type = output_type;
          check(mean, {0, 19});
        }
      }
    }
}

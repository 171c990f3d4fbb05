#include "tests/kernels/mean_rows_case.hpp"

#include <numeric>

namespace intvit::test {

using kernels::ElementType;

const void *MeanRowsCase::data() const {
  return type == ElementType::int8 ? static_cast<const void *>(codes8.data()) : codes16.data();
}

std::int64_t MeanRowsCase::code(std::size_t row, std::size_t c) const {
  return type == ElementType::int8 ? codes8[row * stride + c] : codes16[row * stride + c];
}

kernels::MeanRowsArgs MeanRowsCase::args(void *output) const {
  return {.input = {data(), type, static_cast<std::ptrdiff_t>(stride)},
          .rows = static_cast<int>(rows),
          .weights = weights.empty() ? nullptr : weights.data(),
          .requantization = constants.view(),
          .output = output,
          .output_type = output_type};
}

MeanRowsCase make_mean_rows(Random &random, std::size_t rows, std::size_t channels) {
  MeanRowsCase mean;
  mean.type = (random.bits() & 1) != 0 ? ElementType::int8 : ElementType::int16;
  mean.output_type = static_cast<ElementType>(random.between(0, 2));
  mean.rows = rows;
  mean.channels = channels;
  mean.stride = channels + random.between<std::size_t>(0, 9);
  mean.codes8 = random.values<std::int8_t>(rows * mean.stride, -128, 127);
  mean.codes16 = random.values<std::int16_t>(rows * mean.stride, -32768, 32767);
  std::int64_t total = static_cast<std::int64_t>(rows);
  if (random.between(0, 1) == 0) {
    const int most = kernels::max_mean_rows / static_cast<int>(rows);
    mean.weights = random.values<std::int32_t>(rows, 1, random.between(1, most));
    total = std::accumulate(mean.weights.begin(), mean.weights.end(), std::int64_t{0});
  }
  const std::int64_t bound = total << (mean.type == ElementType::int8 ? 7 : 15);
  mean.constants = random_constants(random, channels, bound, spread_beyond(mean.output_type));
  return mean;
}

} // namespace intvit::test

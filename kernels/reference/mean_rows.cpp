// kernels/mean_rows.hpp, channel by channel. max_mean_rows keeps sums within 2^29.
#include "kernels/reference/reference.hpp"

namespace intvit::kernels::reference {

namespace {

template <typename T> std::int32_t column_sum(const MeanRowsArgs &args, int column) {
  const T *code = static_cast<const T *>(args.input.data) + column;
  std::int32_t sum = 0;
  for (int row = 0; row < args.rows; ++row, code += args.input.stride)
    sum += args.weights == nullptr ? *code : args.weights[row] * *code;
  return sum;
}

} // namespace

void mean_rows(const MeanRowsArgs &args, Range columns) {
  const Requantization &r = args.requantization;
  for (int c = columns.begin; c < columns.end; ++c) {
    const std::int32_t sum =
        args.input.type == ElementType::int8 ? column_sum<std::int8_t>(args, c) : column_sum<std::int16_t>(args, c);
    store_output(args.output, args.output_type, c, requantize(sum, r.multiplier[c], r.offset[c], r.shift));
  }
}

} // namespace intvit::kernels::reference

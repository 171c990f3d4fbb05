// kernels/layer_norm.hpp, channel by channel.
#include "kernels/reference/reference.hpp"

#include "kernels/reciprocal.hpp"

namespace intvit::kernels::reference {

namespace {

// The integer that stands for channel c of a row, between -32768 and 32767; of int8 codes, +-32640.
std::int32_t stream_value(const LayerNormArgs &args, int row, int c) {
  const std::ptrdiff_t index = row * args.input.stride + c;
  if (args.input.type == ElementType::int16)
    return static_cast<const std::int16_t *>(args.input.data)[index];
  return (static_cast<const std::int8_t *>(args.input.data)[index] - args.zero_point[c]) * (1 << args.alpha[c]);
}

} // namespace

void layer_norm(const LayerNormArgs &args, Range rows) {
  const int channels = args.channels;
  const Requantization &r = args.requantization;
  for (int row = rows.begin; row < rows.end; ++row) {
    std::int32_t sum = 0;
    std::int64_t squares = 0;
    for (int c = 0; c < channels; ++c) {
      const std::int32_t x = stream_value(args, row, c);
      sum += x;
      squares += std::int64_t{x} * x;
    }
    if (!args.centred)
      sum = 0;
    const std::int64_t square = channels * squares - std::int64_t{sum} * sum + args.epsilon;
    // All channels equal and no epsilon: every numerator is 0, so any divisor will do.
    const Reciprocal by = reciprocal_sqrt(square > 0 ? static_cast<std::uint64_t>(square) : 1);
    for (int c = 0; c < channels; ++c) {
      const std::int32_t normalized = quotient(channels * stream_value(args, row, c) - sum, by);
      store_output(args.output, args.output_type, row * args.output_stride + c,
                   requantize(normalized, r.multiplier[c], r.offset[c], r.shift));
    }
  }
}

} // namespace intvit::kernels::reference

// Every output is a dot product of a row of input and a row of weights, and its epilogue.
#include "kernels/reference/reference.hpp"

#include <cstring>

#include "kernels/gelu.hpp"

namespace intvit::kernels::reference {

namespace {

// The packed bytes are the weights, then offsets, which are aligned to 8 bytes, then multipliers. Where they begin:
std::size_t offsets_at(int out_features, int in_features) {
  const std::size_t weights = static_cast<std::size_t>(out_features) * static_cast<std::size_t>(in_features);
  return (weights + 7) / 8 * 8;
}

std::size_t multipliers_at(int out_features, int in_features) {
  return offsets_at(out_features, in_features) + static_cast<std::size_t>(out_features) * sizeof(std::int64_t);
}

// The loader's bound on a row of weights (kernels/linear.hpp) keeps all partial sums inside 32 bits.
std::int32_t dot(const std::int8_t *a, const std::int8_t *b, int length) {
  std::int32_t sum = 0;
  for (int i = 0; i < length; ++i)
    sum += a[i] * b[i];
  return sum;
}

std::int32_t code_at(const StreamCodes &codes, int row, int column) {
  const std::ptrdiff_t index = row * codes.stride + column;
  return codes.type == ElementType::int8 ? static_cast<const std::int8_t *>(codes.data)[index]
                                         : static_cast<const std::int16_t *>(codes.data)[index];
}

void store(const LinearArgs &args, const Requantization &r, int row, int column, std::int32_t accumulator) {
  const auto n = static_cast<std::size_t>(column);
  const std::ptrdiff_t index = row * args.output_stride + column;
  auto *output8 = static_cast<std::int8_t *>(args.output);
  switch (args.epilogue) {
  case Epilogue::requantize:
    output8[index] = clamp_to_int8(requantize(accumulator, r.multiplier[n], r.offset[n], r.shift));
    break;
  case Epilogue::requantize16:
    static_cast<std::int16_t *>(args.output)[index] =
        clamp_to_int16(requantize(accumulator, r.multiplier[n], r.offset[n], r.shift));
    break;
  case Epilogue::gelu: {
    const std::int16_t x = clamp_to_int16(requantize(accumulator, r.multiplier[n], r.offset[n], r.shift));
    output8[index] = gelu_code(gelu(x, args.gelu.fraction_bits, args.gelu.function), args.gelu.multiplier[n],
                               args.gelu.zero_point[n]);
    break;
  }
  case Epilogue::residual: {
    const std::int32_t sum = add_requantize(accumulator, r.multiplier[n], code_at(args.residual.stream, row, column),
                                            args.residual.shift, args.residual.multiplier[n], r.offset[n], r.shift);
    if (args.output_type == ElementType::int8)
      output8[index] = clamp_to_int8(sum);
    else
      static_cast<std::int16_t *>(args.output)[index] = clamp_to_int16(sum);
    break;
  }
  case Epilogue::logits:
    static_cast<std::int32_t *>(args.output)[index] = requantize(accumulator, r.multiplier[n], r.offset[n], r.shift);
    break;
  }
}

} // namespace

std::size_t packed_bytes(const WeightsView &weights) {
  return multipliers_at(weights.out_features, weights.in_features) +
         static_cast<std::size_t>(weights.out_features) * sizeof(std::int32_t);
}

void pack(const WeightsView &weights, const Requantization &requantization, std::byte *packed) {
  decode_weights(weights, reinterpret_cast<std::int8_t *>(packed));
  const auto out = static_cast<std::size_t>(weights.out_features);
  std::memcpy(packed + offsets_at(weights.out_features, weights.in_features), requantization.offset,
              out * sizeof(std::int64_t));
  std::memcpy(packed + multipliers_at(weights.out_features, weights.in_features), requantization.multiplier,
              out * sizeof(std::int32_t));
}

std::size_t scratch_bytes(int) {
  return 0;
}

void linear(const LinearArgs &args, Range rows, Range columns) {
  const auto *weights = reinterpret_cast<const std::int8_t *>(args.packed);
  const std::byte *offsets = args.packed + offsets_at(args.out_features, args.in_features);
  const std::byte *multipliers = args.packed + multipliers_at(args.out_features, args.in_features);
  const Requantization requantization{reinterpret_cast<const std::int32_t *>(multipliers),
                                      reinterpret_cast<const std::int64_t *>(offsets), args.shift};
  for (int m = rows.begin; m < rows.end; ++m)
    for (int n = columns.begin; n < columns.end; ++n)
      store(args, requantization, m, n,
            dot(args.input + m * args.input_stride, weights + std::ptrdiff_t{n} * args.in_features, args.in_features));
}

std::int64_t peak(std::int64_t steps) {
  constexpr int length = 2048;
  static constexpr std::int8_t operand[length] = {};
  std::int32_t sum = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    const std::int8_t *input = operand;
    __asm__ volatile("" : "+r"(input)); // so that no step can be left out as a repetition
    sum = dot(input, operand, length);
    __asm__ volatile("" : "+r"(sum));
  }
  return steps * length;
}

} // namespace intvit::kernels::reference

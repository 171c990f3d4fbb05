#include "tests/kernels/linear_case.hpp"

#include <algorithm>

#include "kernels/gelu.hpp"

namespace intvit::test {

using kernels::ElementType;
using kernels::Epilogue;
using kernels::LinearArgs;
using kernels::WeightFormat;

std::size_t LinearCase::element_size() const {
  if (epilogue == Epilogue::logits)
    return 4;
  if (epilogue == Epilogue::requantize16)
    return 2;
  return epilogue == Epilogue::residual && output_type == ElementType::int16 ? 2 : 1;
}

std::int64_t LinearCase::stream_code(std::size_t row, std::size_t column) const {
  const std::size_t index = row * stream_stride + column;
  return stream_type == ElementType::int8 ? stream8[index] : stream16[index];
}

kernels::WeightsView LinearCase::weights_view() const {
  return {weight_format, shape.out_features, shape.in_features, weights.data(), four_bits.view()};
}

LinearArgs LinearCase::args(const std::byte *packed, std::byte *output, std::byte *scratch) const {
  LinearArgs args{.input = input.data(),
                  .input_stride = static_cast<std::ptrdiff_t>(input_stride),
                  .packed = packed,
                  .weight_format = weight_format,
                  .in_features = shape.in_features,
                  .out_features = shape.out_features,
                  .epilogue = epilogue,
                  .shift = constants.shift,
                  .output = output,
                  .output_type = output_type,
                  .output_stride = static_cast<std::ptrdiff_t>(output_stride),
                  .scratch = scratch};
  if (epilogue == Epilogue::gelu)
    args.gelu = {gelu_fraction_bits, gelu_multiplier.data(), gelu_zero_point.data(), gelu_function};
  if (epilogue == Epilogue::residual) {
    const void *stream = stream_type == ElementType::int8 ? static_cast<const void *>(stream8.data()) : stream16.data();
    args.residual = {
        {stream, stream_type, static_cast<std::ptrdiff_t>(stream_stride)}, residual_multiplier.data(), residual_shift};
  }
  return args;
}

LinearCase make_linear(Random &random, LinearShape shape, Epilogue epilogue, WeightFormat format) {
  LinearCase result;
  result.shape = shape;
  result.epilogue = epilogue;
  const auto rows = static_cast<std::size_t>(shape.rows);
  const auto in = static_cast<std::size_t>(shape.in_features);
  const auto out = static_cast<std::size_t>(shape.out_features);
  result.input_stride = in + random.between<std::size_t>(0, 5);
  result.stream_stride = out + random.between<std::size_t>(0, 5);
  result.output_stride = out + random.between<std::size_t>(0, 5);
  result.input = random.values<std::int8_t>(rows * result.input_stride, -128, 127);
  result.weight_format = format;
  switch (format) {
  case WeightFormat::int8:
    result.weights = random.values<std::int8_t>(out * in, -128, 127);
    // Some kernels have another way for small weights.
    if (const int divisor = random.between(0, 3); divisor > 1)
      for (std::int8_t &weight : result.weights)
        weight = static_cast<std::int8_t>(weight / divisor);
    break;
  case WeightFormat::stlq_tiles:
  case WeightFormat::stlq_groups:
  case WeightFormat::int4:
  case WeightFormat::int4_wide:
    result.four_bits = make_four_bits(random, format, shape.out_features, shape.in_features);
    result.weights = result.four_bits.values;
    break;
  }

  // Results of GELU's input and of 16-bit codes span some 16 bits, of the others some 9.
  const auto typical = static_cast<std::int64_t>(1) << 20;
  const bool wide = epilogue == Epilogue::gelu || epilogue == Epilogue::requantize16;
  result.constants = random_constants(random, out, wide ? typical >> 7 : typical);
  if (epilogue == Epilogue::gelu) {
    result.gelu_fraction_bits = random.between(kernels::min_gelu_fraction_bits, kernels::max_gelu_fraction_bits);
    result.gelu_function =
        static_cast<kernels::GeluFunction>(random.between(0, static_cast<int>(kernels::gelu_function_count) - 1));
    result.gelu_multiplier = random.values<std::int16_t>(out, 1, 32767);
    result.gelu_zero_point = random.values<std::int8_t>(out, -128, 127);
  }
  if (epilogue == Epilogue::residual) {
    result.stream_type = (random.bits() & 1) != 0 ? ElementType::int8 : ElementType::int16;
    result.output_type = (random.bits() & 1) != 0 ? ElementType::int8 : ElementType::int16;
    result.stream8 = random.values<std::int8_t>(rows * result.stream_stride, -128, 127);
    result.stream16 = random.values<std::int16_t>(rows * result.stream_stride, -32768, 32767);
    result.residual_shift = random.between(0, max_residual_shift(result.stream_type));
    // A code of the stream counts for up to about two of the output's.
    const int bits = std::clamp(result.constants.shift - result.residual_shift, 0, 30);
    result.residual_multiplier = random.values<std::int32_t>(out, -(1 << bits), 1 << bits);
  }
  return result;
}

} // namespace intvit::test

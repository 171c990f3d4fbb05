#include "tests/engine/golden/integer_builder.hpp"

#include <algorithm>
#include <cstdint>

#include "tests/kernels/four_bits_case.hpp"

namespace intvit::test {

using kernels::ElementType;
using kernels::Epilogue;
using kernels::Softmax;

namespace {

bool is_log_int(Softmax softmax) {
  return softmax == Softmax::lis4 || softmax == Softmax::lis8;
}

} // namespace

IntegerBuilder::IntegerBuilder(int width, int height, ElementType stream, bool stlq)
    : stream_(stream), stlq_(stlq), random_(1), graph_(height, width) {
  graph_.graph().logit_fraction_bits = 10;
}

void IntegerBuilder::weight(const std::string &name, int out, int in) {
  if (stlq_) {
    FourBitCase words = make_four_bits(random_, kernels::WeightFormat::stlq_tiles, out, in);
    graph_.weights(name,
                   {words.format, out, in, std::move(words.first), std::move(words.groups), std::move(words.second)});
  } else {
    const std::size_t count = static_cast<std::size_t>(out) * static_cast<std::size_t>(in);
    graph_.weights(name, out, random_.values<std::int8_t>(count, -127, 127));
  }
}

void IntegerBuilder::requantization(const std::string &name, int count, int shift, std::int64_t divisor) {
  requantization(name, shift, {{count, divisor}});
}

void IntegerBuilder::requantization(const std::string &name, int shift,
                                    const std::vector<std::pair<int, std::int64_t>> &parts) {
  const std::int64_t unit = std::int64_t{1} << shift;
  std::vector<std::int32_t> multipliers;
  std::vector<std::int64_t> offsets;
  for (const auto &[count, divisor] : parts) {
    const std::int64_t third = unit / divisor / 3;
    std::vector<std::int32_t> some =
        random_.values<std::int32_t>(static_cast<std::size_t>(count), static_cast<std::int32_t>(2 * third),
                                     static_cast<std::int32_t>(std::min<std::int64_t>(4 * third, INT32_MAX)));
    for (std::int32_t &value : some)
      value = (random_.bits() & 1) != 0 ? value : -value;
    multipliers.insert(multipliers.end(), some.begin(), some.end());
    const auto more = random_.values<std::int64_t>(static_cast<std::size_t>(count), -10 * unit, 10 * unit);
    offsets.insert(offsets.end(), more.begin(), more.end());
  }
  graph_.requantization(name, multipliers, offsets);
}

void IntegerBuilder::linear(const std::string &name, std::vector<std::string> inputs, int in, int out, int shift,
                            std::int64_t divisor, Linear operation) {
  operation.shift = shift;
  add(name, std::move(inputs), operation);
  weight(name, out, in);
  requantization(name, out, shift, divisor);
  if (operation.epilogue == Epilogue::gelu) {
    values<std::int16_t>(name, "gelu_multiplier", out, 400, 1200);
    values<std::int8_t>(name, "gelu_zero_point", out, -60, 0);
  }
  // The stream's codes count about as they are.
  if (operation.epilogue == Epilogue::residual) {
    const std::int32_t one = 1 << (shift - operation.residual_shift);
    values<std::int32_t>(name, "residual_multiplier", out, one / 10 * 8, one);
  }
}

void IntegerBuilder::layer_norm(const std::string &name, const std::string &input, int channels, ElementType input_type,
                                std::int64_t divisor, kernels::ElementType output_type) {
  // The largest multiplier is 4 / 3 * 2^shift / divisor.
  const int shift = divisor > 1024 ? 42 : divisor > 100 ? 37 : 34;
  add(name, input, LayerNorm{.shift = shift, .epsilon = 12345, .output_type = output_type, .centred = centred_norms_});
  requantization(name, channels, shift, divisor);
  if (input_type == ElementType::int8) {
    values<std::uint8_t>(name, "alpha", channels, 0, 3);
    values<std::int8_t>(name, "zero_point", channels, -30, 30);
  }
}

Attention IntegerBuilder::attention(int heads, Softmax softmax) const {
  Attention operation{.heads = heads, .softmax = softmax, .score_shift = 18, .shift = 46};
  operation.exp =
      is_log_int(softmax) ? kernels::ExpPolynomial{16, 62, 1487, 14} : kernels::ExpPolynomial{32, 124, 5950, 12};
  return operation;
}

void IntegerBuilder::score_multipliers(const std::string &name, int heads, Softmax softmax) {
  const int multiplier = is_log_int(softmax) ? 1300 : 2600;
  values<std::int32_t>(name, "score_multiplier", heads, multiplier / 2, multiplier * 3 / 2);
}

void IntegerBuilder::attention_constants(const std::string &name, int heads, int channels, Softmax softmax) {
  score_multipliers(name, heads, softmax);
  requantization(name, channels, 46, 49152);
}

std::vector<std::byte> IntegerBuilder::file(int classes) {
  ModelParts parts(graph_);
  parts.add_blank_golden(classes);
  return parts.file();
}

} // namespace intvit::test

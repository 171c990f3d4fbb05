#include "models/import/tensors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "models/import/half.hpp"

namespace intvit::importer {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they are in the file");

std::string shape_text(const std::vector<std::int64_t> &shape) {
  std::string result = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    result += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return result + "]";
}

void read_tensor(const TensorView &from, const std::string &name, float *to) {
  const auto count = static_cast<std::size_t>(from.elements());
  const auto widen = [&](float (*convert)(std::uint16_t)) {
    for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, from.bytes.data() + i * sizeof(bits), sizeof(bits));
      to[i] = convert(bits);
    }
  };
  switch (from.dtype) {
  case DType::f32:
    std::memcpy(to, from.bytes.data(), count * sizeof(float));
    break;
  case DType::f16:
    widen(half_to_float);
    break;
  case DType::bf16:
    widen(bfloat16_to_float);
    break;
  default:
    throw std::runtime_error("tensor " + name + " has type " + std::string(safetensors_name(from.dtype)) +
                             ", must be F32, F16 or BF16");
  }
  const float *end = to + count;
  const float *bad = std::find_if_not(to + 0, to + count, [](float value) { return std::isfinite(value); });
  if (bad != end)
    throw std::runtime_error("tensor " + name + " holds " + (std::isnan(*bad) ? "NaN" : "infinity") + " at element " +
                             std::to_string(bad - to));
}

} // namespace intvit::importer

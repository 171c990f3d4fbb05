#include "tests/engine/runtime/naive_values.hpp"

#include <stdexcept>

namespace intvit::test {

Int power_of_two(int exponent) {
  return Int{1} << exponent;
}

Int within(Int value, int bits) {
  if (value < -power_of_two(bits - 1) || value >= power_of_two(bits - 1))
    throw std::logic_error("a value does not fit " + std::to_string(bits) + " bits");
  return value;
}

Int floor_divide(Int dividend, Int divisor) {
  Int quotient = dividend / divisor;
  if (quotient * divisor > dividend)
    --quotient;
  return quotient;
}

Int saturate(Int value, Int low, Int high) {
  return value < low ? low : value > high ? high : value;
}

Int stored(Int value, const std::string &type) {
  if (type == "int8")
    return saturate(value, -128, 127);
  if (type == "int16")
    return saturate(value, -32767, 32767);
  return within(value, 32);
}

Int divide_by_row_constant(Int n, Int scaled, int left) {
  const Int factor = power_of_two(60) / scaled;
  const int shift = 44 - left;
  return within(floor_divide(within(n, 32) * factor + power_of_two(shift - 1), power_of_two(shift)), 32);
}

bool NodeReader::has_constant(const std::string &suffix) const {
  return file.find(text("name") + "." + suffix) != nullptr;
}

std::vector<std::int64_t> NodeReader::shape(const std::string &suffix) const {
  const TensorView *view = file.find(text("name") + "." + suffix);
  if (view == nullptr)
    throw std::logic_error("no constant " + suffix);
  return view->shape;
}

std::vector<Int> NodeReader::constant(const std::string &suffix) const {
  const TensorView *view = file.find(text("name") + "." + suffix);
  if (view == nullptr)
    throw std::logic_error("no constant " + suffix);
  const std::size_t size = element_size(view->dtype);
  std::vector<Int> values;
  for (std::size_t at = 0; at < view->bytes.size(); at += size) {
    Int value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value += static_cast<Int>(std::to_integer<unsigned>(view->bytes[at + i])) << (8 * i);
    if (view->dtype != DType::u8 && value >= power_of_two(static_cast<int>(8 * size) - 1))
      value -= power_of_two(static_cast<int>(8 * size));
    values.push_back(value);
  }
  return values;
}

bool NodeReader::is_int16(const std::string &suffix) const {
  return file.find(text("name") + "." + suffix)->dtype == DType::i16;
}

Requantizer::Requantizer(const NodeReader &reader)
    : multiplier_(reader.constant("multiplier")), offset_(reader.constant("offset")), shift_(reader.integer("shift")) {}

Int Requantizer::operator()(Int value, std::size_t channel, Int residual) const {
  const Int product = within(within(value, 32) * multiplier_.at(channel), 64);
  return within(floor_divide(within(product + residual + offset_.at(channel), 64), power_of_two(shift_)), 32);
}

} // namespace intvit::test

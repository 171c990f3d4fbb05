#include "engine/container/tensor_view.hpp"

#include <limits>

#include <catch2/catch.hpp>

namespace intvit {
namespace {

TEST_CASE("a tensor's size is its shape times its element size") {
  using Shape = std::vector<std::int64_t>;
  CHECK(*tensor_byte_size(DType::f32, Shape{}) == 4);
  CHECK(*tensor_byte_size(DType::i8, Shape{3, 5, 7}) == 105);
  CHECK(*tensor_byte_size(DType::i64, Shape{3, 5, 7}) == 840);
  CHECK(*tensor_byte_size(DType::i64, Shape{3, 0, 7}) == 0);
  CHECK(*tensor_byte_size(DType::u8, Shape{1, 1, 1, 1, 1, 1, 1, 2}) == 2);
  CHECK(*tensor_byte_size(DType::u8, Shape{std::numeric_limits<std::int64_t>::max()}) ==
        std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a tensor's size is refused where it is impossible") {
  using Shape = std::vector<std::int64_t>;
  const std::int64_t big = std::int64_t{1} << 32;
  const std::string overflow = "shape is too large: its size in bytes overflows 64 bits";
  CHECK(tensor_byte_size(DType::u8, Shape{big, big}).status().message() == overflow);
  CHECK(tensor_byte_size(DType::u16, Shape{std::numeric_limits<std::int64_t>::max()}).status().message() == overflow);
  // 2^63 bytes: one more than fits. 2^62: fits.
  CHECK(tensor_byte_size(DType::u8, Shape{big, big / 2}).status().message() == overflow);
  CHECK(*tensor_byte_size(DType::u8, Shape{big, big / 4}) == std::int64_t{1} << 62);
  // A zero does not excuse dimensions whose product overflows: users multiply some of them only.
  CHECK(tensor_byte_size(DType::u8, Shape{0, big, big}).status().message() == overflow);
  CHECK(tensor_byte_size(DType::u8, Shape{big, big, 0}).status().message() == overflow);
  CHECK(tensor_byte_size(DType::u8, Shape{2, -1}).status().message() == "shape has a negative dimension");
  CHECK(tensor_byte_size(DType::u8, Shape(9, 1)).status().message() ==
        "shape has 9 dimensions, at most 8 are supported");
  CHECK(tensor_byte_size(DType::u8, Shape(9, 1)).status().code() == StatusCode::bad_argument);
}

TEST_CASE("a tensor's elements are the product of its shape") {
  CHECK(TensorView{DType::i8, {}, {}}.elements() == 1);
  CHECK(TensorView{DType::i8, {2, 3, 4}, {}}.elements() == 24);
  CHECK(TensorView{DType::i8, {2, 0, 4}, {}}.elements() == 0);
}

} // namespace
} // namespace intvit

#include "engine/container/tensor_view.hpp"

#include <limits>
#include <string>

namespace intvit {

std::int64_t TensorView::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t dimension : shape)
    product *= dimension;
  return product;
}

Result<std::int64_t> tensor_byte_size(DType dtype, std::span<const std::int64_t> shape) {
  if (shape.size() > max_tensor_rank)
    return Status(StatusCode::bad_argument, "shape has " + std::to_string(shape.size()) + " dimensions, at most " +
                                                std::to_string(max_tensor_rank) + " are supported");
  bool empty = false;
  auto size = static_cast<std::int64_t>(element_size(dtype)); // of the dimensions that are not zero
  for (const std::int64_t dimension : shape) {
    if (dimension < 0)
      return Status(StatusCode::bad_argument, "shape has a negative dimension");
    if (dimension == 0)
      empty = true;
    else if (size > std::numeric_limits<std::int64_t>::max() / dimension)
      return Status(StatusCode::bad_argument, "shape is too large: its size in bytes overflows 64 bits");
    else
      size *= dimension;
  }
  return empty ? 0 : size;
}

} // namespace intvit

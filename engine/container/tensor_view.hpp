// A tensor inside a loaded file, and the overflow-checked size of a tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/container/dtype.hpp"
#include "engine/status.hpp"

namespace intvit {

// The highest rank that files may hold. Vision transformers need 4 (convolution weights).
inline constexpr std::size_t max_tensor_rank = 8;

// Row-major, little-endian, not necessarily aligned to its element size.
struct TensorView {
  DType dtype = DType::u8;
  std::vector<std::int64_t> shape; // empty for a scalar
  std::span<const std::byte> bytes;

  std::int64_t elements() const; // the product of shape; 1 for a scalar
};

// A tensor's size in bytes: the product of its dimensions times the element size. Success also means that the product
// of any subset of the dimensions fits int64, even if another dimension is 0, so users of the shape need not check
// again. Errors: bad_argument (rank above max_tensor_rank, a negative dimension, overflow).
Result<std::int64_t> tensor_byte_size(DType dtype, std::span<const std::int64_t> shape);

} // namespace intvit

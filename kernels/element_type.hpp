// The integers that values consist of, in files, graphs and kernels alike.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"

namespace intvit::kernels {

// uint8 is the image's pixels alone; int8 and int16 are codes, clamped to their range when they are written; int32 is
// written as it is.
enum class ElementType : std::uint8_t { int8, int16, int32, uint8 };

INTVIT_INLINE constexpr std::size_t element_size(ElementType type) { // in bytes
  return type == ElementType::int16 ? 2 : type == ElementType::int32 ? 4 : 1;
}

} // namespace intvit::kernels

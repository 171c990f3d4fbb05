// The element types of tensors in files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace intvit {

enum class DType : std::uint8_t { boolean, u8, i8, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

std::size_t element_size(DType dtype);          // in bytes: 1, 2, 4 or 8
std::string_view safetensors_name(DType dtype); // "I8", "BF16", ...

// The element type that the format calls `name`. Nothing if this build does not know it, as with the 8-bit and 4-bit
// floating-point types of newer files.
std::optional<DType> dtype_from_safetensors_name(std::string_view name);

} // namespace intvit

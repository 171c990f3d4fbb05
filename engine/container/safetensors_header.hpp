// Parses the JSON header of a safetensors file: the syntax only. The reader checks whether the sizes and offsets fit
// the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container/dtype.hpp"
#include "engine/status.hpp"

namespace intvit {

// Common models have headers of some hundred kilobytes. Labels of max_json_text bytes (json_text.hpp) fit in whatever
// their escapes are.
inline constexpr std::size_t max_safetensors_header_size = std::size_t{1} << 26;
// Of tensors and metadata, whose object counts as one, together: each takes up to 300 bytes of memory besides its text.
inline constexpr std::size_t max_safetensors_entries = std::size_t{1} << 18;
// The header's length precedes it: a little-endian u64.
inline constexpr std::size_t safetensors_length_size = 8;
// The header's one key that does not name a tensor.
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

struct SafetensorsHeader {
  struct Tensor {
    DType dtype = DType::u8;
    std::vector<std::int64_t> shape; // no entry is negative; at most max_tensor_rank entries
    std::uint64_t begin = 0;         // in bytes from the start of the data section; not checked here
    std::uint64_t end = 0;
  };
  std::map<std::string, Tensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;
};

// Parses `text` in one pass into the structure above, without a document tree. Nesting beyond the format's three levels
// is refused where it begins, as is one entry more than max_safetensors_entries. Errors: bad_format, unsupported (an
// element type or rank that this build does not know).
Result<SafetensorsHeader> parse_safetensors_header(std::string_view text);

// The beginning of an error message about one tensor.
std::string tensor_context(std::string_view name);

} // namespace intvit

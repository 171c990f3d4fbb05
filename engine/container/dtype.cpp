#include "engine/container/dtype.hpp"

#include <array>

namespace intvit {
namespace {

struct Description {
  std::string_view name;
  std::size_t size;
};

// In the order of DType.
constexpr std::array<Description, 13> descriptions = {{{"BOOL", 1},
                                                       {"U8", 1},
                                                       {"I8", 1},
                                                       {"I16", 2},
                                                       {"U16", 2},
                                                       {"F16", 2},
                                                       {"BF16", 2},
                                                       {"I32", 4},
                                                       {"U32", 4},
                                                       {"F32", 4},
                                                       {"F64", 8},
                                                       {"I64", 8},
                                                       {"U64", 8}}};
static_assert(descriptions.size() == static_cast<std::size_t>(DType::u64) + 1);

} // namespace

std::size_t element_size(DType dtype) {
  return descriptions[static_cast<std::size_t>(dtype)].size;
}

std::string_view safetensors_name(DType dtype) {
  return descriptions[static_cast<std::size_t>(dtype)].name;
}

std::optional<DType> dtype_from_safetensors_name(std::string_view name) {
  for (std::size_t i = 0; i < descriptions.size(); ++i)
    if (descriptions[i].name == name)
      return static_cast<DType>(i);
  return std::nullopt;
}

} // namespace intvit

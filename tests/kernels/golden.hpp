// What FQ-ViT's published code computes: golden/fqvit_ops.safetensors of the data folder.
#pragma once

#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/container/safetensors.hpp"

namespace intvit::test {

// Nothing, after a printed reason, where the data folder is missing.
std::optional<SafetensorsFile> open_golden();

// Throws std::runtime_error where the tensor is missing or its elements are not of T's size.
template <typename T> std::vector<T> golden_values(const SafetensorsFile &file, const std::string &name) {
  const TensorView *view = file.find(name);
  if (view == nullptr || element_size(view->dtype) != sizeof(T))
    throw std::runtime_error("the golden file has no tensor " + name + " of the expected type");
  std::vector<T> values(view->bytes.size() / sizeof(T));
  std::memcpy(values.data(), view->bytes.data(), view->bytes.size());
  return values;
}

} // namespace intvit::test

// Weights under timm's names, for files to import.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/architectures/vit.hpp"

namespace intvit::test {

// A file's tensors by name.
struct WeightTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using WeightTensors = std::map<std::string, WeightTensor>;

// A plain ViT, that is, with a class token and no other. timm adds the first row of pos_embed to it, which is 0 here.
WeightTensors timm_tensors(VitModel model);

} // namespace intvit::test

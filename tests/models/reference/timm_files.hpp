// Small ViTs as timm saves them, written by tests.
#pragma once

#include <string>

#include "models/architectures/vit.hpp"
#include "models/import/timm.hpp"
#include "tests/models/import/weight_folder.hpp"

namespace intvit::test {

// 8 x 8 pixels in patches of 4, 6 channels, 3 classes.
VitConfig small_config();

// What says of its weights what they do not tell.
TimmOptions two_heads();

// The path of a file of these tensors whose name declares no architecture.
std::string file_of(const WeightTensors &tensors);

// The path of a folder with these weights and this config.json.
std::string folder_of(const WeightTensors &tensors, const std::string &json);

} // namespace intvit::test

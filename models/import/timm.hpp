// Reads a float ViT or DeiT under timm's tensor names.
#pragma once

#include <string>

#include "models/architectures/vit.hpp"

namespace intvit {

// What the caller knows beyond the file. Overrides what the source says of itself.
struct TimmOptions {
  std::string architecture; // a name of models/architectures/registry.hpp; empty: from config.json or the file's name
  int heads = 0;            // number of attention heads; 0: from config.json or the architecture
};

// Loads a safetensors file (F32, F16 or BF16), or a folder that holds model.safetensors and config.json as timm pushes
// them to the Hugging Face hub: "architecture", "num_classes", "global_pool", "label_names", "pretrained_cfg" (mean,
// std, crop_pct, interpolation, input_size) and "model_args" (img_size, patch_size, embed_dim, depth, num_heads,
// mlp_ratio).
//
// Every dimension but the number of heads is read from the tensors' shapes and must agree with whatever the
// architecture and config.json declare. A file named after an architecture (deit_tiny_patch16_224.safetensors)
// declares it. The number of classes may differ from the architecture's 1000. Where nothing declares the image size, it
// is the square that the position embedding implies; where nothing declares the preprocessing, it is timm's default for
// ViT (mean and std 0.5, crop_pct 0.9, bicubic).
//
// Throws std::runtime_error whose message begins with the file's name and names the tensor with its expected and actual
// shape: file unreadable or not safetensors or JSON; tensor missing, unexpected, of the wrong shape or type, or holding
// NaN or infinity; architecture unknown; heads unknown; declared and actual dimensions at odds; a model_args key or
// value that changes the architecture in a way not supported here.
VitModel load_timm(const std::string &path, const TimmOptions &options = {});

} // namespace intvit

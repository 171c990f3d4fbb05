// Reads float models under timm's tensor names: ViT, DeiT with and without distillation token, DeiT III, DINOv2, Swin.
#pragma once

#include <string>

#include "models/architectures/float_model.hpp"
#include "models/import/timm_config.hpp"
#include "models/import/weight_files.hpp"

namespace intvit {

// What the caller knows beyond the file. Overrides what the source says of itself.
struct TimmOptions {
  std::string architecture; // a name of models/architectures/registry.hpp; empty: from config.json or the file's name
  // Pixels a side of the pictures, for models that take them of any size (NaFlexVit); 0: as config.json or the
  // architecture says. Others keep their own size.
  int image_size = 0;
  int heads = 0; // number of attention heads; 0: from config.json or the architecture
};

// Loads a safetensors file (F32, F16 or BF16), or a folder that holds model.safetensors and config.json as timm pushes
// them to the Hugging Face hub: "architecture", "num_classes", "global_pool", "label_names", "pretrained_cfg" (mean,
// std, crop_pct, interpolation, input_size) and "model_args" (see timm_config.hpp).
//
// Every dimension but a ViT's number of heads and a Swin's image size is read from the tensors' names and shapes and
// must agree with whatever the architecture and config.json declare. A file named after an architecture
// (deit_tiny_patch16_224.safetensors) declares it. The number of classes may differ from the architecture's 1000;
// weights without a head, where nothing declares one, give features; a head with a single output gives a score, because
// one class excludes nothing. Where nothing declares a ViT's image size, it is the square that the position embedding
// implies; where nothing declares the preprocessing, it is timm's default (mean and std 0.5, crop_pct 0.9, bicubic).
//
// Throws std::runtime_error whose message begins with the file's name and names the tensor with its expected and actual
// shape: file unreadable or not safetensors or JSON; tensor missing, unexpected, of the wrong shape or type, or holding
// NaN or infinity; architecture unknown; heads unknown; declared and actual dimensions at odds; a model_args key or
// value that changes the architecture in a way not supported here.
FloatModel load_timm(const std::string &path, const TimmOptions &options = {});

// The same of opened files, with what config.json says where there is one; `config_path` names it in messages.
FloatModel load_timm(const importer::WeightFiles &files, const TimmConfig &config, const std::string &config_path,
                     const TimmOptions &options);

} // namespace intvit

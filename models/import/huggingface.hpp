// Reads a folder that Hugging Face's transformers wrote with save_pretrained(): config.json, preprocessor_config.json,
// and model.safetensors or shards of it with model.safetensors.index.json.
#pragma once

#include <string>

#include "engine/image/recipe.hpp"
#include "models/architectures/float_model.hpp"
#include "models/import/huggingface_source.hpp"
#include "models/import/weight_files.hpp"

namespace intvit::importer {

struct HuggingFaceModel {
  FloatModel model;
  Recipe recipe; // how a picture becomes its input
};

// ForImageClassification models of ViT, DeiT (also WithTeacher) and Swin, and the models without a head, of which the
// features are the normalized class token (Swin: the mean of the normalized tokens), of these and of DINOv2, with and
// without registers. Of CLIP and SigLIP the image tower with its features. docs/importing.md tells which tensor becomes
// what. The position embedding of a DINOv2 is resampled to the size that preprocessor_config.json asks for, as
// transformers does.
//
// Throws std::runtime_error whose message begins with the file at fault: as read_huggingface_config(),
// read_image_processor() and WeightFiles; a tensor that is missing, unexpected, of the wrong shape or type, or holds
// NaN or infinity; an image processor that does not give the model's image size.
HuggingFaceModel load_huggingface(const std::string &folder);

// The file that describes the image processor: preprocessor_config.json, or where that is missing
// processor_config.json, in which transformers 5 keeps all processors of a model.
std::string image_processor_path(const std::string &folder);

// The same with `config`, which was read from the folder's config.json, and its weight files; for images of
// `image_size` pixels a side, of which the recipe crops the same share of a picture as before. 0: as the files say.
HuggingFaceModel load_huggingface(const std::string &folder, const HuggingFaceConfig &config, const WeightFiles &files,
                                  int image_size = 0);

} // namespace intvit::importer

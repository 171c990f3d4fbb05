// Float models from files and folders of every kind that can be imported (docs/importing.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/image/recipe.hpp"
#include "models/architectures/float_model.hpp"
#include "models/import/timm.hpp"

namespace intvit {

struct ImportOptions {
  TimmOptions timm;               // folders of transformers tell all of this themselves
  int image_size = 0;             // pixels a side, to which the model is brought (set_image_size()); 0: its own
  std::optional<ResultKind> head; // what the logits mean, where the source does not tell or is mistaken
  bool hash_files = false;        // also tell ImportedModel::sha256
};

struct ImportedModel {
  FloatModel model;
  Recipe recipe;                  // how a picture becomes an image of the model's size
  std::string sha256;             // of the weight files, see WeightFiles::sha256(); empty where that was not asked for
  std::vector<std::string> files; // that were read
};

// Loads a safetensors file under timm's names, a folder as timm pushes it to the Hugging Face hub (see load_timm()), or
// one as transformers saves it, whose config.json has a "model_type" (see importer::load_huggingface()). Weights may be
// sharded in either.
//
// With another image size, timm's recipe follows it by crop_pct, and the sizes in that of transformers grow or shrink
// with it, rounded to the nearest.
//
// Throws std::runtime_error as these do; also for options that a folder of transformers has no use for, for an image
// size that the model cannot have, and for a meaning of logits where it has none.
ImportedModel load_float_model(const std::string &path, const ImportOptions &options = {});

} // namespace intvit

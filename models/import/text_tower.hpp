// Reads what a folder of transformers' CLIPModel or SiglipModel holds of texts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/architectures/text_tower.hpp"
#include "models/text/tokenizer.hpp"

namespace intvit {

struct TextModel {
  TextTower tower;
  ScoreScale scale;
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> files; // that were read
};

// Throws std::runtime_error whose message begins with the folder or the file at fault: it is no model with a text
// tower; a tensor is missing, or not as it must be; the tokenizer is missing or another model's. Where `sha256` is not
// empty, also weights that have another one (WeightFiles::sha256()).
TextModel load_text_model(const std::string &folder, const std::string &sha256 = {});

// The scale alone, or nothing where `path` is no folder of such a model.
std::optional<ScoreScale> find_score_scale(const std::string &path);

} // namespace intvit

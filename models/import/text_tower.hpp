// Reads what a folder of transformers' CLIPModel or SiglipModel holds of texts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "models/architectures/text_tower.hpp"
#include "models/text/tokenizer.hpp"

namespace intvit {

struct TextModel {
  TextTower tower;
  ScoreScale scale;
  std::unique_ptr<Tokenizer> tokenizer;
};

// Throws std::runtime_error whose message begins with the folder or the file at fault: it is no model with a text
// tower; a tensor is missing, or not as it must be; the tokenizer is missing or of another vocabulary.
TextModel load_text_model(const std::string &folder);

// The scale alone, or nothing where `path` is no folder of such a model.
std::optional<ScoreScale> find_score_scale(const std::string &path);

} // namespace intvit

// A model that classifies by words, with other words: its tower stays as it was quantized.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "engine/format/model_file.hpp"
#include "models/words/class_words.hpp"

namespace intvit {

// The provenance by which a file tells how scores follow from cosines ("logit_scale", "logit_bias"), and of the words'
// source ("words").
inline constexpr const char *logit_scale_key = "logit_scale";
inline constexpr const char *logit_bias_key = "logit_bias";
std::map<std::string, std::string> words_provenance(const ClassWords &words);
// Throws std::runtime_error where the model does not classify by words.
ScoreScale score_scale_of(const ModelFile &file);

// The bytes of the model with these words in place of its own; golden vectors are made anew. Weights are rounded to
// nearest, for there are no photographs here. Throws std::runtime_error where the model does not classify by words, or
// its features have another width.
std::vector<std::byte> with_other_words(const ModelFile &file, const ClassWords &words,
                                        const std::map<std::string, std::string> &provenance);

} // namespace intvit

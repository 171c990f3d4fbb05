// Options that give a classifier its classes by name: --classes and what goes with it.
#pragma once

#include <optional>
#include <string>

#include "cli/command.hpp"
#include "models/words/class_words.hpp"

namespace intvit::cli {

// Adds --classes, --prompt, --text-features, --logit-scale and --logit-bias.
void add_words_options(Parser &parser);

// Throws UsageError where they do not go together.
void check_words_options(const Parser &parser);

struct WordsSetting {
  std::string weights; // transformers' folder with a text tower
  std::string sha256;  // that these weights must have, see load_text_model()
  std::string output;  // that the command writes
  int threads = 1;
  std::optional<ScoreScale> scale; // of the model; embeddings made elsewhere are scored by it
  bool sigmoid = false;            // scores are a SigLIP's, so that CLIP's scale would be wrong
};

// What --classes names, embedded by the text tower in the folder of weights, or as --text-features gives it; nothing
// without --classes. Embeddings made elsewhere are scored by the model's scale, or that of the model in the folder, or
// CLIP's, unless --logit-scale and --logit-bias say otherwise. Prints what the tower does not see of a text. Throws
// std::runtime_error as class_name_list(), load_text_model(), read_npy() and given_words() do, and where the output is
// a file that is read; Interrupted; and UsageError where the scale of scores is not known.
std::optional<ClassWords> words_option(const Parser &parser, const WordsSetting &setting);

} // namespace intvit::cli

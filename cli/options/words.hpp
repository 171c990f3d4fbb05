// Options that give a classifier its classes by name: --classes and what goes with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "models/words/class_words.hpp"

namespace intvit::cli {

// Adds --classes, --prompt, --text-features, --logit-scale and --logit-bias.
void add_words_options(Parser &parser);

// Throws UsageError where they do not go together.
void check_words_options(const Parser &parser);

// What --classes names, embedded by the text tower in the folder `weights`, or as --text-features gives it; nothing
// without --classes. Embeddings made elsewhere are scored as `given` says, or the model in `weights`, or CLIP, unless
// --logit-scale and --logit-bias say otherwise. Prints what the tower does not see of a text. Throws std::runtime_error
// as class_name_list(), load_text_model(), read_npy() and given_words() do, and Interrupted.
std::optional<ClassWords> words_option(const Parser &parser, const std::string &weights, int threads,
                                       const std::optional<ScoreScale> &given = {});

// The files that they read, besides the weights.
std::vector<std::string> words_files(const Parser &parser);

} // namespace intvit::cli

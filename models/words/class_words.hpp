// Classes that are given by their names: the embeddings of the names in the space of an image tower's features become
// the weights of a head, so that its outputs are the scores that the two towers give together.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "models/architectures/float_model.hpp"
#include "models/architectures/text_tower.hpp"
#include "models/import/text_tower.hpp"

namespace intvit {

struct ClassWords {
  std::vector<std::string> names;
  RowMatrix embeddings; // [classes, features], each of length 1
  ScoreScale scale;
  std::string source; // for people: the prompts, or where the embeddings come from
};

// The names that a user gave: the lines of a file of that path (line_cell()), or else words separated by commas,
// without blanks around them. Throws std::runtime_error: none, an empty one, one twice, one that is not UTF-8.
std::vector<std::string> class_name_list(const std::string &file_or_list);

// What a prompt says of a class: "{}" in it stands for the name. Throws std::runtime_error where it has none.
std::string prompt_text(const std::string &prompt, const std::string &name);

// The prompt with which a model was tried when it was published.
std::string default_prompt(const ScoreScale &scale);

// Each class's embedding is the mean of the embeddings, of length 1, that the tower gives for its prompts, brought to
// length 1 again, as CLIP does. `progress` is called with the number of texts done; `warn` for a text of which the
// tower does not see the end.
ClassWords embed_words(const TextModel &model, const std::vector<std::string> &names,
                       const std::vector<std::string> &prompts, int threads,
                       const std::function<void(std::size_t done)> &progress,
                       const std::function<void(const std::string &message)> &warn);

// Embeddings made elsewhere, one a row, in the order of the names. Throws std::runtime_error where they are not as many
// as the names, or one is all zero.
ClassWords given_words(std::vector<std::string> names, const RowMatrix &embeddings, const ScoreScale &scale,
                       std::string source = {});

// Head, classes and labels of the model from now on. Throws std::runtime_error where the model has a head already or
// features of another width.
void add_words(const ClassWords &words, FloatModel &model);

// The head's weights and bias: scores of features of length 1.
LinearWeights word_head(const ClassWords &words);

} // namespace intvit

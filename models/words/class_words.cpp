#include "models/words/class_words.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "engine/container/utf8.hpp"
#include "models/parallel.hpp"
#include "models/program/csv.hpp"
#include "models/program/paths.hpp"
#include "models/program/text_file.hpp"
#include "models/reference/layers.hpp"
#include "models/reference/text_features.hpp"

namespace intvit {

namespace {

constexpr std::string_view name_place = "{}";

// Of length 1, in the rows of a matrix.
RowMatrix unit_rows(const RowMatrix &rows, const std::vector<std::string> &names) {
  for (Eigen::Index i = 0; i < rows.rows(); ++i)
    if (rows.row(i).isZero(0))
      throw std::runtime_error("the embedding of " + quoted_for_message(names[static_cast<std::size_t>(i)]) +
                               " is all zero");
  return reference::unit_length(rows);
}

} // namespace

std::vector<std::string> class_name_list(const std::string &file_or_list) {
  std::error_code ignored;
  const bool is_file = std::filesystem::exists(file_path(file_or_list), ignored);
  std::vector<std::string> names = is_file ? text_lines(read_text_file(file_or_list)) : split(file_or_list, ',');
  const std::string where = is_file ? file_or_list + ": line " : "--classes: name ";
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = trimmed(is_file ? line_cell(trimmed(names[i])) : names[i]);
    const std::string place = where + std::to_string(i + 1);
    if (names[i].empty())
      throw std::runtime_error(place + " is empty" +
                               (is_file || names.size() > 1 ? std::string() : ": there is no such file either"));
    if (valid_utf8_prefix(names[i]) != names[i].size())
      throw std::runtime_error(place + " is not UTF-8");
    if (!seen.insert(names[i]).second)
      throw std::runtime_error(place + ", " + quoted_for_message(names[i]) + ", is there twice");
  }
  if (names.empty())
    throw std::runtime_error(file_or_list + ": holds no names of classes");
  return names;
}

std::string prompt_text(const std::string &prompt, const std::string &name) {
  const std::size_t place = prompt.find(name_place);
  if (place == std::string::npos)
    throw std::runtime_error("the prompt " + quoted_for_message(prompt) +
                             " has no {}, which stands for the name of a class");
  std::string text = prompt;
  for (std::size_t at = place; at != std::string::npos; at = text.find(name_place, at + name.size()))
    text.replace(at, name_place.size(), name);
  return text;
}

std::string default_prompt(const ScoreScale &scale) {
  return scale.sigmoid ? "This is a photo of {}." : "a photo of a {}.";
}

ClassWords embed_words(const TextModel &model, const std::vector<std::string> &names,
                       const std::vector<std::string> &prompts, int threads,
                       const std::function<void(std::size_t done)> &progress,
                       const std::function<void(const std::string &message)> &warn) {
  const int limit = model.tower.config.positions;
  const std::size_t total = names.size() * prompts.size();
  const std::size_t at_once = 4 * static_cast<std::size_t>(threads); // so that progress is told, and an end can come
  RowMatrix sums = RowMatrix::Zero(std::ssize(names), model.tower.config.features);
  for (std::size_t begin = 0; begin < total; begin += at_once) {
    progress(begin);
    std::vector<std::vector<int>> tokens;
    for (std::size_t i = begin; i < std::min(begin + at_once, total); ++i) {
      const std::string text = prompt_text(prompts[i % prompts.size()], names[i / prompts.size()]);
      Tokens read = model.tokenizer->encode(text, limit);
      if (read.truncated)
        warn("the model reads " + std::to_string(limit) + " tokens of a text, so not the end of " +
             quoted_for_message(text));
      tokens.push_back(std::move(read.ids));
    }
    RowMatrix features(std::ssize(tokens), sums.cols());
    parallel_for(threads, tokens.size(), [&](std::size_t i, std::size_t) {
      features.row(static_cast<Eigen::Index>(i)) = reference::text_features(model.tower, tokens[i]);
    });
    const RowMatrix unit = reference::unit_length(features);
    for (Eigen::Index i = 0; i < unit.rows(); ++i)
      sums.row(static_cast<Eigen::Index>((begin + static_cast<std::size_t>(i)) / prompts.size())) += unit.row(i);
  }
  std::string source;
  for (const std::string &prompt : prompts)
    source += (source.empty() ? "" : " | ") + prompt;
  return {names, unit_rows(sums, names), model.scale, source};
}

ClassWords given_words(std::vector<std::string> names, const RowMatrix &embeddings, const ScoreScale &scale,
                       std::string source) {
  if (embeddings.rows() != std::ssize(names))
    throw std::runtime_error("there are " + std::to_string(embeddings.rows()) + " embeddings for " +
                             std::to_string(names.size()) + " names of classes");
  RowMatrix unit = unit_rows(embeddings, names);
  return {std::move(names), std::move(unit), scale, std::move(source)};
}

LinearWeights word_head(const ClassWords &words) {
  return {words.embeddings * static_cast<float>(words.scale.scale),
          RowVector::Constant(words.embeddings.rows(), static_cast<float>(words.scale.bias))};
}

void add_words(const ClassWords &words, FloatModel &model) {
  auto *vit = std::get_if<VitModel>(&model);
  if (vit == nullptr)
    throw std::runtime_error("words need the image tower of CLIP or SigLIP, or another ViT whose features lie where "
                             "those of the texts do");
  if (vit->config.classes > 0)
    throw std::runtime_error("the model has a head of " + std::to_string(vit->config.classes) +
                             " classes, which words cannot replace: it must give features");
  if (vit->config.features() != words.embeddings.cols())
    throw std::runtime_error("the embeddings have " + std::to_string(words.embeddings.cols()) +
                             " numbers each, but the model's features " + std::to_string(vit->config.features()) +
                             ": they are another model's");
  vit->config.classes = static_cast<int>(words.names.size());
  vit->config.unit_length = true;
  vit->config.head = words.scale.sigmoid ? ResultKind::labels : ResultKind::logits;
  vit->weights.head = word_head(words);
  vit->labels = words.names;
  validate(model);
}

} // namespace intvit

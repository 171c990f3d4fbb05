#include "models/evaluate/classes.hpp"

#include <charconv>
#include <stdexcept>

namespace intvit {

ClassNames::ClassNames(const Classes &classes) {
  for (std::size_t i = 0; i < classes.names.size(); ++i)
    if (const auto [entry, is_new] = indices_.emplace(classes.names[i], static_cast<int>(i)); !is_new)
      entry->second = several;
}

int ClassNames::index(const std::string &name, const std::string &where) const {
  const int index = indices_.find(name)->second;
  if (index == several)
    throw std::runtime_error(where + ": \"" + name + "\" is the label of several classes; number the classes instead");
  return index;
}

std::optional<int> class_number(const std::string &text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::vector<int> class_indices(const std::vector<ClassWord> &words, const std::string &path, const Classes &classes) {
  const ClassNames names(classes);
  const auto where = [&](const ClassWord &word) { return path + ":" + std::to_string(word.line); };
  const auto fail = [&](const ClassWord &word, const std::string &reason) {
    throw std::runtime_error(where(word) + ": " + reason);
  };
  const ClassWord *named = nullptr; // the first that is no number
  for (const ClassWord &word : words) {
    if (class_number(word.text))
      continue;
    if (!names.has(word.text))
      fail(word, "\"" + word.text + "\" is not a class index, nor a label of the model");
    named = named == nullptr ? &word : named;
  }
  std::vector<int> indices;
  indices.reserve(words.size());
  for (const ClassWord &word : words) {
    if (named != nullptr && !names.has(word.text))
      fail(word, "\"" + word.text + "\" is not a label of the model, but line " + std::to_string(named->line) +
                     " has one: give names in all lines, or class indices");
    const int index = named != nullptr ? names.index(word.text, where(word)) : *class_number(word.text);
    if (index < 0 || index >= classes.count)
      fail(word, "class " + word.text + " is not from 0 to " + std::to_string(classes.count - 1));
    indices.push_back(index);
  }
  return indices;
}

} // namespace intvit

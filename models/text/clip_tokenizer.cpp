// CLIP's tokenizer: lower case, words by a rule, byte pairs (vocab.json and merges.txt, or tokenizer.json).
#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/container/utf8.hpp"
#include "models/import/json.hpp"
#include "models/program/paths.hpp"
#include "models/program/text_file.hpp"
#include "models/text/byte_pairs.hpp"
#include "models/text/tokenizer.hpp"
#include "models/text/unicode.hpp"

namespace intvit {

namespace {

namespace fs = std::filesystem;
using importer::json;

constexpr const char *begin_name = "<|startoftext|>";
constexpr const char *end_name = "<|endoftext|>";
constexpr const char *end_of_word = "</w>";

using Vocabulary = std::unordered_map<std::string, int>;
using Merges = std::vector<std::pair<std::string, std::string>>;

void add_token(const std::string &piece, const json &token, Vocabulary &vocabulary) {
  constexpr double most = 1 << 24;
  const double number = token.is_number() ? token.get<double>() : -1;
  if (!(number >= 0 && number < most && number == static_cast<int>(number)))
    throw std::runtime_error("the token of " + quoted_for_message(piece) + " is " + importer::show(token));
  vocabulary.emplace(piece, static_cast<int>(number));
}

Vocabulary read_vocabulary(const json &entries) {
  Vocabulary vocabulary;
  for (const auto &[piece, token] : entries.items())
    add_token(piece, token, vocabulary);
  return vocabulary;
}

std::pair<std::string, std::string> split_merge(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos)
    throw std::runtime_error("a merge is " + quoted_for_message(line) + ", not two pieces");
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

// Each merge gives a piece of its own, which the vocabulary has.
void add_merge(std::pair<std::string, std::string> merge, const Vocabulary &vocabulary, Merges &merges) {
  if (merges.size() == vocabulary.size())
    throw std::runtime_error("there are more merges than the " + std::to_string(vocabulary.size()) +
                             " pieces of the vocabulary");
  merges.push_back(std::move(merge));
}

Merges read_merges(std::string_view text, const Vocabulary &vocabulary) {
  Merges merges;
  for (const char end = line_end(text); !text.empty();)
    if (const std::string_view line = take_line(text, end); !line.empty() && !line.starts_with("#version"))
      add_merge(split_merge(line), vocabulary, merges);
  return merges;
}

Merges read_merges(const json &list, const Vocabulary &vocabulary) {
  Merges merges;
  for (const json &merge : list)
    add_merge(merge.is_array()
                  ? std::pair(importer::string(importer::array(merge, "model.merges", 2)[0], "model.merges"),
                              importer::string(merge[1], "model.merges"))
                  : split_merge(importer::string(merge, "model.merges")),
              vocabulary, merges);
  return merges;
}

class ClipTokenizer : public Tokenizer {
public:
  ClipTokenizer(Vocabulary vocabulary, const Merges &merges)
      : begin_(special(vocabulary, begin_name)), end_(special(vocabulary, end_name)),
        pairs_(std::move(vocabulary), merges, end_of_word, end_) {}

  Tokens encode(std::string_view text, int limit) const override {
    const auto most = static_cast<std::size_t>(std::max(limit - 1, 1));
    Tokens tokens{{begin_}};
    // Names of the special tokens in a text are these tokens.
    std::size_t begin = text.find(begin_name);
    std::size_t end = text.find(end_name);
    for (std::size_t at = 0; at < text.size() && tokens.ids.size() <= most;) {
      const std::size_t next = std::min({begin, end, text.size()});
      add_text(text.substr(at, next - at), most, tokens.ids);
      at = next;
      if (next == begin) {
        tokens.ids.push_back(begin_);
        at += std::string_view(begin_name).size();
        begin = text.find(begin_name, at);
      } else if (next == end) {
        tokens.ids.push_back(end_);
        at += std::string_view(end_name).size();
        end = text.find(end_name, at);
      }
    }
    if (tokens.ids.size() > most) {
      tokens.ids.resize(most);
      tokens.truncated = true;
    }
    tokens.ids.push_back(end_);
    return tokens;
  }

  int vocabulary() const override { return pairs_.size(); }
  int end_token() const override { return end_; }

private:
  static int special(const Vocabulary &vocabulary, const char *name) {
    const auto found = vocabulary.find(name);
    if (found == vocabulary.end())
      throw std::runtime_error(std::string("the vocabulary lacks ") + name + ": it is not CLIP's");
    return found->second;
  }

  // Words are 's, 't, 're, 've, 'm, 'll and 'd, letters, a number, or characters that are none of these and no space.
  // Ends with the word that makes more than `most` tokens.
  void add_text(std::string_view part, std::size_t most, std::vector<int> &tokens) const {
    const std::u32string text = unicode::lower(unicode::nfc(unicode::characters(part)));
    const auto run = [&](std::size_t from, auto belongs) {
      std::size_t to = from;
      while (to < text.size() && belongs(text[to]))
        ++to;
      return to - from;
    };
    for (std::size_t i = 0; i < text.size() && tokens.size() <= most;) {
      std::size_t length = ending(std::u32string_view(text).substr(i));
      if (length == 0)
        length = run(i, unicode::is_letter);
      if (length == 0 && unicode::is_numeral(text[i]))
        length = 1;
      if (length == 0)
        length = run(
            i, [](char32_t c) { return !unicode::is_space(c) && !unicode::is_letter(c) && !unicode::is_numeral(c); });
      if (length > 0)
        pairs_.encode(unicode::utf8(std::u32string_view(text).substr(i, length)), tokens);
      i += std::max<std::size_t>(length, 1); // or a space
    }
  }

  static std::size_t ending(std::u32string_view text) {
    for (const std::u32string_view word : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"})
      if (text.starts_with(word))
        return word.size();
    return 0;
  }

  int begin_;
  int end_;
  BytePairs pairs_;
};

// What `read` returns; what it throws begins with the file.
template <class Read> auto told_of(const std::string &path, const Read &read) {
  try {
    return read();
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

// Of the form that the tokenizers package writes.
std::unique_ptr<Tokenizer> from_json(const std::string &path) {
  std::unique_ptr<Tokenizer> tokenizer;
  importer::read_json_file(path, [&](const json &root) {
    const auto member = [](const json &object, const char *key) -> const json & {
      const auto found = object.find(key);
      if (found == object.end())
        throw std::runtime_error("\"" + std::string(key) + "\" is missing");
      return *found;
    };
    const json &model = importer::object(member(root, "model"), "model");
    const std::string type = model.contains("type") ? importer::string(model["type"], "model.type") : "BPE";
    if (type != "BPE" || !model.contains("end_of_word_suffix") || model["end_of_word_suffix"] != end_of_word)
      throw std::runtime_error("is a tokenizer of another kind (" + quoted_for_message(type) +
                               ") than CLIP's byte pairs with \"</w>\"");
    Vocabulary vocabulary = read_vocabulary(importer::object(member(model, "vocab"), "model.vocab"));
    if (root.contains("added_tokens") && root["added_tokens"].is_array())
      for (const json &added : root["added_tokens"])
        if (added.is_object() && added.contains("content") && added.contains("id"))
          add_token(importer::string(added["content"], "added_tokens.content"), added["id"], vocabulary);
    const Merges merges = read_merges(member(model, "merges"), vocabulary);
    tokenizer = std::make_unique<ClipTokenizer>(std::move(vocabulary), merges);
  });
  return tokenizer;
}

} // namespace

std::vector<std::string> clip_tokenizer_files(const std::string &folder) {
  const fs::path vocabulary = file_path(folder) / "vocab.json";
  const fs::path merges = file_path(folder) / "merges.txt";
  const fs::path whole = file_path(folder) / "tokenizer.json";
  std::error_code ignored;
  if (fs::exists(whole, ignored))
    return {path_name(whole)};
  if (!fs::exists(vocabulary, ignored) || !fs::exists(merges, ignored))
    throw std::runtime_error(folder + ": holds no tokenizer, which reads the texts: neither vocab.json with merges.txt "
                                      "nor tokenizer.json");
  return {path_name(vocabulary), path_name(merges)};
}

std::unique_ptr<Tokenizer> load_clip_tokenizer(const std::string &folder) {
  const std::vector<std::string> files = clip_tokenizer_files(folder);
  if (files.size() == 1)
    return from_json(files.front());
  const std::string text = read_text_file(files.back());
  Vocabulary vocabulary;
  importer::read_json_file(files.front(), [&](const json &root) { vocabulary = read_vocabulary(root); });
  const Merges merges = told_of(files.back(), [&] { return read_merges(std::string_view(text), vocabulary); });
  return told_of(files.front(), [&] { return std::make_unique<ClipTokenizer>(std::move(vocabulary), merges); });
}

} // namespace intvit

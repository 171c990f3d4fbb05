// CLIP's tokenizer: lower case, words by a rule, byte pairs (vocab.json and merges.txt, or tokenizer.json).
#include <filesystem>
#include <stdexcept>

#include "engine/container/utf8.hpp"
#include "models/import/json.hpp"
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

Vocabulary read_vocabulary(const json &entries) {
  constexpr double most = 1 << 24;
  Vocabulary vocabulary;
  for (const auto &[piece, token] : entries.items()) {
    const double number = token.is_number() ? token.get<double>() : -1;
    if (!(number >= 0 && number < most && number == static_cast<int>(number)))
      throw std::runtime_error("the token of " + quoted_for_message(piece) + " is " + importer::show(token));
    vocabulary.emplace(piece, static_cast<int>(number));
  }
  return vocabulary;
}

std::pair<std::string, std::string> split_merge(const std::string &line) {
  const std::size_t space = line.find(' ');
  if (space == std::string::npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string::npos)
    throw std::runtime_error("a merge is " + quoted_for_message(line) + ", not two pieces");
  return {line.substr(0, space), line.substr(space + 1)};
}

Merges read_merges(const std::vector<std::string> &lines) {
  Merges merges;
  for (const std::string &line : lines)
    if (!line.empty() && !line.starts_with("#version"))
      merges.push_back(split_merge(line));
  return merges;
}

Merges read_merges(const json &list) {
  Merges merges;
  for (const json &merge : list)
    if (merge.is_array())
      merges.emplace_back(importer::string(importer::array(merge, "model.merges", 2)[0], "model.merges"),
                          importer::string(merge[1], "model.merges"));
    else
      merges.push_back(split_merge(importer::string(merge, "model.merges")));
  return merges;
}

class ClipTokenizer : public Tokenizer {
public:
  ClipTokenizer(Vocabulary vocabulary, const Merges &merges)
      : begin_(special(vocabulary, begin_name)), end_(special(vocabulary, end_name)),
        pairs_(std::move(vocabulary), merges, end_of_word, end_) {}

  Tokens encode(std::string_view text, int limit) const override {
    Tokens tokens{{begin_}};
    // Names of the special tokens in a text are these tokens.
    while (!text.empty()) {
      const std::size_t begin = text.find(begin_name);
      const std::size_t end = text.find(end_name);
      const std::size_t next = std::min({begin, end, text.size()});
      add_text(text.substr(0, next), tokens.ids);
      text.remove_prefix(next);
      if (next == begin) {
        tokens.ids.push_back(begin_);
        text.remove_prefix(std::string_view(begin_name).size());
      } else if (next == end) {
        tokens.ids.push_back(end_);
        text.remove_prefix(std::string_view(end_name).size());
      }
    }
    if (const auto most = static_cast<std::size_t>(std::max(limit - 1, 1)); tokens.ids.size() > most) {
      tokens.ids.resize(most);
      tokens.truncated = true;
    }
    tokens.ids.push_back(end_);
    return tokens;
  }

  int vocabulary() const override { return pairs_.size(); }

private:
  static int special(const Vocabulary &vocabulary, const char *name) {
    const auto found = vocabulary.find(name);
    if (found == vocabulary.end())
      throw std::runtime_error(std::string("the vocabulary lacks ") + name + ": it is not CLIP's");
    return found->second;
  }

  // Words are 's, 't, 're, 've, 'm, 'll and 'd, letters, a number, or characters that are none of these and no space.
  void add_text(std::string_view part, std::vector<int> &tokens) const {
    const std::u32string text = unicode::lower(unicode::nfc(unicode::characters(part)));
    const auto run = [&](std::size_t from, auto belongs) {
      std::size_t to = from;
      while (to < text.size() && belongs(text[to]))
        ++to;
      return to - from;
    };
    for (std::size_t i = 0; i < text.size();) {
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
          vocabulary.emplace(importer::string(added["content"], "added_tokens.content"),
                             static_cast<int>(importer::number(added["id"], "added_tokens.id")));
    tokenizer = std::make_unique<ClipTokenizer>(std::move(vocabulary), read_merges(member(model, "merges")));
  });
  return tokenizer;
}

} // namespace

std::unique_ptr<Tokenizer> load_clip_tokenizer(const std::string &folder) {
  const fs::path vocabulary = fs::path(folder) / "vocab.json";
  const fs::path merges = fs::path(folder) / "merges.txt";
  const fs::path whole = fs::path(folder) / "tokenizer.json";
  std::error_code ignored;
  if (fs::exists(whole, ignored))
    return from_json(whole.string());
  if (!fs::exists(vocabulary, ignored) || !fs::exists(merges, ignored))
    throw std::runtime_error(folder + ": holds no tokenizer, which reads the texts: neither vocab.json with merges.txt "
                                      "nor tokenizer.json");
  const Merges pairs = read_merges(text_lines(read_text_file(merges.string())));
  std::unique_ptr<Tokenizer> tokenizer;
  importer::read_json_file(vocabulary.string(), [&](const json &root) {
    tokenizer = std::make_unique<ClipTokenizer>(read_vocabulary(root), pairs);
  });
  return tokenizer;
}

} // namespace intvit

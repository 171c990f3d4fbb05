// CLIP's tokenizer on a small vocabulary; the tokens are those of transformers 5.24. tests/models/peers/texts.py
// compares thousands of texts.
#include <filesystem>

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "models/text/tokenizer.hpp"
#include "models/text/unicode.hpp"
#include "tests/models/import/weight_folder.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

const std::vector<std::pair<std::string, std::string>> small_merges = {
    {"c", "a"},        {"ca", "t</w>"}, {"h", "o"},      {"p", "ho"},    {"pho", "t"},
    {"phot", "o</w>"}, {"a", "a"},      {"aa", "a</w>"}, {"'", "s</w>"}, {"\u00c3", "\u00a9</w>"}};

// The 256 bytes in the order of the characters that stand for them, then at the ends of words, then what merges give.
json small_vocabulary() {
  std::vector<std::string> pieces;
  for (char32_t c = U'!'; c < U'\u0144'; ++c)
    if (!(c > U'~' && c < U'\u00a1') && c != U'\u00ad')
      pieces.push_back(unicode::utf8(std::u32string(1, c)));
  REQUIRE(pieces.size() == 256);
  json vocabulary = json::object();
  for (const char *end : {"", "</w>"})
    for (const std::string &piece : pieces)
      vocabulary[piece + end] = vocabulary.size();
  for (const auto &[first, second] : small_merges)
    vocabulary[first + second] = vocabulary.size();
  for (const char *special : {"<|startoftext|>", "<|endoftext|>"})
    vocabulary[special] = vocabulary.size();
  return vocabulary;
}

std::string merges_text() {
  std::string text = "#version: 0.2\n";
  for (const auto &[first, second] : small_merges)
    text += first + " " + second + "\n";
  return text;
}

std::string two_files() {
  std::string folder = empty_folder("clip-tokenizer");
  write_text_file(folder + "/vocab.json", small_vocabulary().dump());
  write_text_file(folder + "/merges.txt", merges_text());
  return folder;
}

json one_file(bool pairs) {
  json merges = json::array();
  for (const auto &[first, second] : small_merges)
    merges.push_back(pairs ? json{first, second} : json(first + " " + second));
  return {
      {"model", {{"type", "BPE"}, {"end_of_word_suffix", "</w>"}, {"vocab", small_vocabulary()}, {"merges", merges}}}};
}

std::string folder_with(const json &tokenizer) {
  std::string folder = empty_folder("clip-tokenizer-json");
  write_text_file(folder + "/tokenizer.json", tokenizer.dump());
  return folder;
}

} // namespace

TEST_CASE("CLIP's tokenizer: tokens of texts of many kinds") {
  const std::string json_text = folder_with(one_file(false));
  const std::string json_pairs = folder_with(one_file(true));
  for (const std::string &folder : {two_files(), json_text, json_pairs}) {
    const std::unique_ptr<Tokenizer> tokenizer = load_clip_tokenizer(folder);
    CHECK(tokenizer->vocabulary() == 524);
    const auto tokens = [&](const std::string &text) {
      const Tokens found = tokenizer->encode(text, 77);
      CHECK_FALSE(found.truncated);
      return found.ids;
    };
    using Ids = std::vector<int>;
    CHECK(tokens("a photo of a cat") == Ids{522, 320, 517, 78, 325, 320, 513, 523});
    CHECK(tokens("Cat's  PHOTO!") == Ids{522, 513, 520, 517, 256, 523});
    CHECK(tokens("aaaa aaa") == Ids{522, 518, 64, 320, 519, 523});
    CHECK(tokens("e\u0301 \u00e9") == Ids{522, 521, 521, 523});
    CHECK(tokens("\u65e5\u672c 12\u00bd") == Ids{522, 162, 245, 98, 162, 250, 361, 272, 273, 126, 377, 523});
    CHECK(tokens("") == Ids{522, 523});
    CHECK(tokens("x<|endoftext|>y") == Ids{522, 343, 523, 344, 523});
    CHECK(tokens("<|ENDOFTEXT|>") == Ids{522, 27, 347, 68, 77, 67, 78, 69, 83, 68, 87, 339, 91, 285, 523});
    CHECK(tokens("\U0001F600 ok\u3000\u2009z") == Ids{522, 172, 253, 246, 478, 78, 330, 345, 523});
    CHECK(tokens("it'S we'll") == Ids{522, 72, 339, 520, 86, 324, 6, 75, 331, 523});
    CHECK(tokens("\u0130") == Ids{522, 328, 136, 485, 523});
  }
}

TEST_CASE("CLIP's tokenizer: what is too long is cut off before the end token") {
  const std::unique_ptr<Tokenizer> tokenizer = load_clip_tokenizer(two_files());
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += "cat ";
  const Tokens found = tokenizer->encode(text, 77);
  CHECK(found.truncated);
  REQUIRE(found.ids.size() == 77);
  CHECK(found.ids[75] == 513);
  CHECK(found.ids[76] == 523);
  CHECK_FALSE(tokenizer->encode(text.substr(0, 4 * 75), 77).truncated);
  CHECK(tokenizer->encode(text.substr(0, 4 * 76), 77).truncated);
  // A word of a million letters takes no time worth speaking of.
  CHECK(tokenizer->encode(std::string(1'000'000, 'a'), 77).ids.size() == 77);
  // Nor do names of special tokens before a text of megabytes.
  std::string names;
  for (int i = 0; i < 500'000; ++i)
    names += "<|endoftext|>";
  std::vector<int> ends(4096, 523);
  ends.front() = 522;
  CHECK(tokenizer->encode(names, 4096).ids == ends);
}

TEST_CASE("CLIP's tokenizer: files that are missing, malformed or another tokenizer's") {
  const auto message = [](const std::string &folder) {
    try {
      load_clip_tokenizer(folder);
    } catch (const std::runtime_error &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string empty = empty_folder("no-tokenizer");
  CHECK(message(empty) == empty + ": holds no tokenizer, which reads the texts: neither vocab.json with merges.txt nor "
                                  "tokenizer.json");
  std::string folder = two_files();
  std::filesystem::remove(folder + "/merges.txt");
  CHECK_THAT(message(folder), Contains("holds no tokenizer"));

  folder = two_files();
  write_text_file(folder + "/merges.txt", "#version: 0.2\nc a\nonly\n");
  CHECK(message(folder) == folder + "/merges.txt: a merge is \"only\", not two pieces");
  std::string many;
  for (int i = 0; i < 600; ++i)
    many += "c a\n";
  write_text_file(folder + "/merges.txt", many);
  CHECK(message(folder) == folder + "/merges.txt: there are more merges than the 524 pieces of the vocabulary");
  write_text_file(folder + "/merges.txt", "c a\nca tt\n");
  CHECK_THAT(message(folder), Contains("the vocabulary lacks \"catt\", which merge 2 gives"));
  json vocabulary = small_vocabulary();
  vocabulary.erase("<|endoftext|>");
  write_text_file(folder + "/merges.txt", merges_text());
  write_text_file(folder + "/vocab.json", vocabulary.dump());
  CHECK_THAT(message(folder), StartsWith(folder + "/vocab.json: the vocabulary lacks <|endoftext|>"));
  for (const json &token : {json(-1), json(1.5), json("7"), json(1e9)}) {
    vocabulary["<|endoftext|>"] = token;
    write_text_file(folder + "/vocab.json", vocabulary.dump());
    CHECK_THAT(message(folder), Contains("the token of \"<|endoftext|>\" is " + token.dump()));
  }
  write_text_file(folder + "/vocab.json", "[]");
  CHECK_THAT(message(folder), Contains("must be a JSON object"));

  json tokenizer = one_file(false);
  tokenizer["model"]["type"] = "Unigram";
  CHECK_THAT(message(folder_with(tokenizer)), Contains("is a tokenizer of another kind (\"Unigram\")"));
  tokenizer = one_file(false);
  tokenizer["model"].erase("end_of_word_suffix");
  CHECK_THAT(message(folder_with(tokenizer)), Contains("is a tokenizer of another kind"));
  tokenizer = one_file(false);
  tokenizer["model"].erase("merges");
  CHECK_THAT(message(folder_with(tokenizer)), Contains("\"merges\" is missing"));
  CHECK_THAT(message(folder_with(json::object())), Contains("\"model\" is missing"));
  for (const json &token : {json(1e300), json(2147483647), json(-1), json(1.5)}) {
    tokenizer = one_file(false);
    tokenizer["added_tokens"] = {{{"content", "<added>"}, {"id", token}}};
    CHECK_THAT(message(folder_with(tokenizer)), Contains("the token of \"<added>\" is " + token.dump()));
  }
  tokenizer["added_tokens"] = {{{"content", "<added>"}, {"id", 600}}};
  CHECK(load_clip_tokenizer(folder_with(tokenizer))->vocabulary() == 601);
}

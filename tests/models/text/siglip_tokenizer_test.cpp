// SigLIP's tokenizer on a small vocabulary; tokens are those of transformers (make_siglip.py).
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "models/text/tokenizer.hpp"
#include "tests/models/import/clip_folder.hpp"
#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::StartsWith;
using nlohmann::json;

TEST_CASE("SigLIP's tokenizer: canonical text, unknown pieces, what is too long, and filled up to the limit") {
  const std::optional<std::string> folder = siglip_folder();
  if (!folder)
    return;
  const std::unique_ptr<Tokenizer> tokenizer = load_siglip_tokenizer(*folder);
  CHECK(tokenizer->vocabulary() == 114);
  CHECK(tokenizer->end_token() == 1);
  const json goldens = json::parse(intvit::test::read_text_file(source_file("models/text/goldens/siglip.json")));
  CHECK(goldens.size() == 15);
  for (const json &golden : goldens) {
    CAPTURE(golden["text"]);
    auto expected = golden["tokens"].get<std::vector<int>>();
    expected.resize(64, 1);
    const Tokens tokens = tokenizer->encode(golden["text"].get<std::string>(), 64);
    CHECK(tokens.ids == expected);
    CHECK(tokens.truncated == golden["truncated"].get<bool>());
  }
  CHECK(tokenizer->encode("a cat", 2).ids == std::vector<int>{6, 1});
}

TEST_CASE("SigLIP's tokenizer: files that are no model, cut short, or no files") {
  const std::optional<std::string> folder = siglip_folder();
  if (!folder)
    return;
  const std::string path = *folder + "/spiece.model";
  const std::string whole = intvit::test::read_text_file(path);
  for (const std::string &content : {std::string(), std::string("nonsense"), whole.substr(0, whole.size() / 2)}) {
    write_text_file(path, content);
    CHECK_THROWS_WITH(load_siglip_tokenizer(*folder), StartsWith(path + ": "));
  }
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK_THROWS_WITH(load_siglip_tokenizer(*folder), StartsWith(path + ": "));
}

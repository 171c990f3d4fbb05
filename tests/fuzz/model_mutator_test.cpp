// That damaged model files are damaged where they should be: past the checksums, and often enough still models.
#include <set>

#include <catch2/catch.hpp>

#include "engine/format/model_file.hpp"
#include "tests/fuzz/exercise_model.hpp"
#include "tests/fuzz/loose_model.hpp"
#include "tests/fuzz/model_mutator.hpp"

namespace intvit::fuzz {
namespace {

TEST_CASE("model mutator: a model that is taken apart and put together is the same model") {
  for (const std::vector<std::byte> &seed : model_seeds(3)) {
    const std::optional<LooseModel> loose = LooseModel::take_apart(seed);
    REQUIRE(loose);
    for (const bool checksums : {true, false}) {
      const Result<ModelFile> file = ModelFile::parse(loose->put_together(checksums), "m");
      INFO(file.status().message());
      REQUIRE(file.ok());
      CHECK(file->bind().ok());
      const Result<ModelFile> original = ModelFile::parse(seed, "m");
      CHECK(file->golden_logits() == original->golden_logits());
      CHECK(file->tensors().metadata() == original->tensors().metadata());
    }
  }
}

TEST_CASE("model mutator: the same numbers give the same files") {
  const std::vector<std::byte> seed = model_seeds(0).front();
  test::Random first(5);
  test::Random second(5);
  CHECK(mutated_model(seed, first) == mutated_model(seed, second));
  CHECK(mutated_model({}, first) == mutated_model({}, second));
}

TEST_CASE("model mutator: most files get past the checksums, to many different refusals, and some are run") {
  const std::vector<std::vector<std::byte>> seeds = model_seeds(10);
  std::set<std::string> refusals;
  int behind_checksums = 0;
  int ran = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    test::Random random(i);
    const std::vector<std::byte> bytes = mutated_model(seeds[i % seeds.size()], random);
    const Result<ModelFile> file = ModelFile::parse(bytes, "m");
    const Status status = file.ok() ? file->bind().status() : file.status();
    // Without names and numbers, which differ from file to file.
    std::string kind;
    for (const char c : status.message())
      if (c < '0' || c > '9')
        kind += c;
    refusals.insert(kind.substr(0, 40));
    behind_checksums += status.message().find("graph") != std::string::npos || file.ok() ? 1 : 0;
    ran += exercise_model(bytes, false) == Fate::ran ? 1 : 0;
  }
  CHECK(behind_checksums > 400);
  CHECK(refusals.size() > 60);
  CHECK(ran > 30);
}

} // namespace
} // namespace intvit::fuzz

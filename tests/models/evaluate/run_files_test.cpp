// Files through a model: order, bits and errors, whatever the threads and the batch, and how far it runs ahead.
#include "models/evaluate/run_files.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/models/evaluate/picture_files.hpp"
#include "tests/models/inspect/models.hpp"

namespace intvit {
namespace {

TEST_CASE("run files: the logits of every file in order, and the errors among them") {
  const auto model = test::quantized(test::small_vit());
  const std::vector<test::PictureFile> files = test::picture_files(3, 32);
  std::vector<std::vector<std::int32_t>> expected;
  for (const test::PictureFile &file : files)
    expected.push_back(test::logits_of(model, file.pixels));
  REQUIRE(expected[0] != expected[1]);
  const auto is_missing = [](std::size_t i) { return i % 5 == 3; };
  for (const int threads : {1, 2, 3})
    for (const int batch : {1, 2, 7})
      for (const std::size_t count : {0U, 1U, 4U, 9U, 100U}) {
        CAPTURE(threads, batch, count);
        std::vector<FileOutputs> found;
        run_files(
            model, model->recipe(), count,
            [&](std::size_t i, ImageLoader &loader) {
              return is_missing(i) ? loader.load("/nonexistent" + std::to_string(i)) : loader.load(files[i % 3].path);
            },
            threads, batch, [&](const FileOutputs &outputs) { found.push_back(outputs); });
        REQUIRE(found.size() == count);
        for (std::size_t i = 0; i < count; ++i) {
          CHECK(found[i].file == i);
          if (is_missing(i)) {
            CHECK(found[i].error.find("/nonexistent" + std::to_string(i) + ": ") == 0);
            CHECK(found[i].integers.empty());
          } else {
            CHECK(found[i].error.empty());
            REQUIRE(found[i].integers == expected[i % 3]);
            for (const double seconds :
                 {found[i].load.read, found[i].load.decode, found[i].load.preprocess, found[i].run})
              CHECK(seconds > 0);
            // Few files are run by all threads together, many by each alone.
            CHECK(found[i].threads == (count == 100 ? 1 : count < 4 ? threads : found[i].threads));
          }
        }
      }
}

TEST_CASE("run files: an exception ends it, and not many files more were begun") {
  const auto model = test::quantized(test::small_vit());
  const std::vector<test::PictureFile> files = test::picture_files(1, 32);
  constexpr std::size_t many = 100'000;
  for (const auto &[threads, batch] : {std::pair(1, 2), {2, 2}, {3, 2}, {2, 64}, {3, 64}}) {
    CAPTURE(threads, batch);
    std::atomic<std::size_t> begun = 0;
    std::size_t used = 0;
    CHECK_THROWS_WITH(run_files(
                          model, model->recipe(), many,
                          [&](std::size_t, ImageLoader &loader) {
                            ++begun;
                            return loader.load(files[0].path);
                          },
                          threads, batch,
                          [&](const FileOutputs &) {
                            if (++used == 50)
                              throw std::runtime_error("enough");
                          }),
                      "enough");
    CHECK(used == 50);
    // Whole shares of threads, the one whose files are used among them.
    const int share = (batch + threads - 1) / threads;
    CHECK(begun <= static_cast<std::size_t>(50 + std::max(16 * threads, share * threads) + 2 * share));
  }
}

TEST_CASE("image loader: files and bytes, and what keeps either from being loaded") {
  const std::vector<test::PictureFile> files = test::picture_files(2, 40);
  const Recipe recipe = *parse_recipe("resize=20,crop=16");
  ImageLoader loader(recipe);
  for (const test::PictureFile &file : files) {
    const Result<Image> expected = preprocess(file.pixels, recipe);
    REQUIRE(expected.ok());
    CHECK(loader.load(file.path).rgb == expected->rgb);
    CHECK(loader.times().read > 0);
  }
  const std::string text = "not a picture";
  CHECK_THROWS_WITH(loader.load(std::as_bytes(std::span(text)), "a name"), Catch::StartsWith("a name: not a picture"));
  CHECK_THROWS_WITH(loader.load("/nonexistent"), Catch::StartsWith("/nonexistent: "));
  const std::string pixel = "P6 1 1 255\nabc";
  CHECK(loader.load(std::as_bytes(std::span(pixel)), "one pixel").width == 16);
  CHECK(loader.times().read == 0);
  const std::string long_row = "P6 1 30000 255\n" + std::string(90'000, 'x');
  CHECK_THROWS_WITH(loader.load(std::as_bytes(std::span(long_row)), "a row"),
                    Catch::StartsWith("a row: after the resize: "));
}

} // namespace
} // namespace intvit

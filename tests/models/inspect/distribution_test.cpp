// Ranges and histograms against figures counted by hand.
#include <algorithm>
#include <cmath>
#include <fstream>

#include <catch2/catch.hpp>

#include "models/inspect/attention_rows.hpp"
#include "models/inspect/distribution.hpp"
#include "models/inspect/observed_run.hpp"
#include "models/inspect/streams.hpp"
#include "tests/models/inspect/models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

TEST_CASE("a weight counts in the bin of the power of two at or above it") {
  WeightHistogram histogram;
  for (const double weight : {1.0, 0.6, 0.5, 0.26, 0.25, 0.0, 0.0, 0x1p-23, 0x1p-40})
    histogram.add(weight);
  CHECK(histogram.count[0] == 2);
  CHECK(histogram.count[1] == 2);
  CHECK(histogram.count[2] == 1);
  CHECK(histogram.count[23] == 2);
  CHECK(histogram.zeros == 2);
  CHECK(histogram.total() == 9);
  CHECK(std::ldexp(static_cast<double>(histogram.sum[0]), -32) == Approx(1.6));
  CHECK(histogram.share_below(1) == Approx(7.0 / 9)); // 0.5 is at most 2^-1
  CHECK(histogram.share_below(3) == Approx(4.0 / 9));
  WeightHistogram twice = histogram;
  twice.add(histogram);
  CHECK(twice.total() == 18);
  CHECK(twice.count[23] == 4);
  CHECK(WeightHistogram().share_below(0) == 0);
}

TEST_CASE("distribution: ranges and weights over all images, with any number of threads") {
  std::vector<std::string> paths;
  const std::vector<Image> images = test::random_images(5, 32, 32, 21);
  for (const Image &image : images) {
    paths.push_back(test::temporary_file("spread" + std::to_string(paths.size()) + ".ppm"));
    std::ofstream file(paths.back(), std::ios::binary);
    file << "P6\n32 32\n255\n";
    file.write(reinterpret_cast<const char *>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
  }
  paths.push_back(test::temporary_file("missing.png"));
  const auto model =
      test::quantized(test::small_vit(), {.residual = ResidualFormat::ptf8, .softmax = kernels::Softmax::lis4});
  const Recipe recipe = squash_recipe(32, 32);
  const Distribution one = distribution(model, paths, recipe, 1, [](std::size_t) {});
  const Distribution three = distribution(model, paths, recipe, 3, [](std::size_t) {});
  CHECK(one.images == 5);
  REQUIRE(one.errors.size() == 1);
  CHECK_THAT(one.errors[0], Catch::Matchers::Contains(paths.back()));

  const std::vector<Stream> streams = residual_streams(model->program());
  REQUIRE(one.streams.size() == streams.size());
  std::vector<int> values;
  for (const Stream &stream : streams)
    values.push_back(stream.value);
  ObservedRun run(model, values);
  std::vector<std::vector<double>> lowest(streams.size(), std::vector<double>(32, 1e9));
  for (const Image &image : images) {
    run.run(image);
    for (std::size_t s = 0; s < streams.size(); ++s) {
      const std::vector<double> all = streams[s].dequantize(run.value(streams[s].value));
      for (std::size_t i = 0; i < all.size(); ++i)
        lowest[s][i % 32] = std::min(lowest[s][i % 32], all[i]);
    }
  }
  for (std::size_t s = 0; s < streams.size(); ++s) {
    CHECK(one.streams[s].name == streams[s].name);
    CHECK(one.streams[s].alpha == streams[s].alpha);
    CHECK(one.streams[s].low == lowest[s]);
    CHECK(one.streams[s].low == three.streams[s].low);
    CHECK(one.streams[s].high == three.streams[s].high);
    std::vector<double> widths;
    for (std::size_t c = 0; c < 32; ++c)
      widths.push_back(one.streams[s].high[c] - one.streams[s].low[c]);
    std::sort(widths.begin(), widths.end());
    CHECK(one.streams[s].spread() == Approx(widths.back() / widths[16]));
  }

  REQUIRE(one.blocks.size() == 3);
  CHECK(one.blocks[0].name == "blocks.0.attn");
  CHECK(one.blocks[0].total() == 5 * 2 * 17 * 17); // images, heads, queries, tokens
  CHECK(one.blocks[2].total() == 5 * 2 * 1 * 17);  // the class token's row alone
  for (std::size_t block = 0; block < 3; ++block) {
    CHECK(one.blocks[block].count == three.blocks[block].count);
    CHECK(one.blocks[block].sum == three.blocks[block].sum);
    // Weights of a query add up to 1, renormalized.
    double sum = 0;
    for (const std::uint64_t part : one.blocks[block].sum)
      sum += std::ldexp(static_cast<double>(part), -32);
    CHECK(sum == Approx(static_cast<double>(one.blocks[block].total()) / 17).epsilon(1e-6));
  }
}

} // namespace
} // namespace intvit

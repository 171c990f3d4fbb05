// Float and integer models that merge tokens.
#include <cmath>

#include <catch2/catch.hpp>

#include "models/architectures/swin.hpp"
#include "models/architectures/token_schedule.hpp"
#include "models/quantize/quantize.hpp"
#include "models/quantize/token_search.hpp"
#include "models/reference/forward.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {

namespace {

VitModel small_model(int prefix_tokens, Pool pool) {
  return random_weights(test::small_vit_config({.height = 24,
                                                .width = 32,
                                                .channels = 64,
                                                .depth = 4,
                                                .heads = 4,
                                                .hidden = 128,
                                                .classes = 7,
                                                .prefix_tokens = prefix_tokens,
                                                .pool = pool}),
                        11);
}

Network merged_network(const FloatModel &model, const TokenSchedule &schedule) {
  Network parts = network(model);
  merge_tokens(parts, schedule);
  return parts;
}

template <typename A, typename B> double distance(const std::vector<A> &actual, const std::vector<B> &expected) {
  REQUIRE(actual.size() == expected.size());
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    difference += std::pow(static_cast<double>(actual[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / norm);
}

std::vector<double> integer_logits(const std::vector<std::byte> &file, const Image &image) {
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(file));
  Session session = test::start_session(model);
  std::vector<double> result;
  for (const std::int32_t logit : test::run_logits(session, {&image, 1}))
    result.push_back(std::ldexp(logit, -model->logit_fraction_bits()));
  return result;
}

std::string message_of(const FloatModel &model, const TokenSchedule &schedule) {
  try {
    merged_network(model, schedule);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "";
}

const std::vector<std::pair<int, Pool>> heads{{1, Pool::token},       {5, Pool::token},   {2, Pool::token_pair},
                                              {0, Pool::mean},        {4, Pool::mean},    {1, Pool::normed_mean},
                                              {0, Pool::normed_mean}, {1, Pool::raw_mean}};

} // namespace

// Patches of one colour without positions are equal tokens. As many equal tokens attend, and are attended to, like one
// that weighs as much, and their mean is each of them: whatever is merged, the logits stay.
TEST_CASE("merging: tokens that are equal can be merged without a change") {
  for (const auto &[prefix_tokens, pool] : heads) {
    VitModel vit = small_model(prefix_tokens, pool);
    vit.weights.position.setZero();
    const FloatModel model = vit;
    Image image{vit.config.image_width, vit.config.image_height, {}};
    image.rgb.assign(image.row_bytes() * static_cast<std::size_t>(image.height), 90);
    const std::vector<float> expected = reference::forward(model, image);
    const std::vector<float> actual = reference::forward(merged_network(model, {{3, 2, 1}}), image);
    CAPTURE(prefix_tokens, static_cast<int>(pool));
    CHECK(distance(actual, expected) < 1e-4);
  }
}

TEST_CASE("merging: integer models follow float models that merge the same tokens") {
  for (const auto &[prefix_tokens, pool] : heads) {
    const FloatModel model = small_model(prefix_tokens, pool);
    const ModelConfig &config = common_config(model);
    const std::vector<Image> images = test::random_images(68, config.image_width, config.image_height, 3);
    const TokenSchedule schedule{{0, 3, 2}};
    for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
      QuantizeOptions options;
      options.residual = residual;
      options.tokens = schedule;
      const std::vector<std::byte> file = quantize({.model = model,
                                                    .calibration = std::span(images).first(64),
                                                    .recipe = squash_recipe(config.image_width, config.image_height),
                                                    .labels = {},
                                                    .provenance = {}},
                                                   options);
      const Network parts = merged_network(model, schedule);
      // Random tokens are about equally far from one another, so that the two models merge others now and then: the
      // median tells.
      std::vector<double> distances;
      for (const Image &image : std::span(images).last(4))
        distances.push_back(distance(integer_logits(file, image), reference::forward(parts, image)));
      std::sort(distances.begin(), distances.end());
      CAPTURE(prefix_tokens, static_cast<int>(pool), static_cast<int>(residual), distances[0], distances[3]);
      CHECK(distances[1] < 0.2);
    }
  }
}

TEST_CASE("merging: schedules that a model cannot have") {
  const FloatModel model = small_model(1, Pool::token);
  CHECK(message_of(model, {{1, 1, 1}}) == "");
  CHECK(message_of(model, {{0, 0, 0, 0, 0}}) == ""); // nothing is merged
  CHECK(message_of(model, {{0, 0, 0, 0, 1}}) == "tokens are to be merged in 5 blocks, the model has 4");
  CHECK(message_of(model, {{0, 0, 0, 1}}) == "block 3: there is nothing to merge, as only what the head reads goes on");
  const int patches = common_config(model).patches();
  CHECK(message_of(model, {{patches / 2}}) == "");
  CHECK(message_of(model, {{patches / 2 + 1}}) == "block 0: cannot merge " + std::to_string(patches / 2 + 1) +
                                                      " pairs of the " + std::to_string(patches) + " of " +
                                                      std::to_string(patches + 1) + " tokens that may merge");
}

TEST_CASE("merging: neither windows nor rotary positions") {
  SwinConfig swin;
  swin.image_height = 64;
  swin.image_width = 64;
  swin.channels = 16;
  swin.depths = {2, 2, 1};
  swin.heads = {2, 4, 8};
  swin.window = 4;
  Network windows = network(swin, nullptr);
  CHECK_THROWS_WITH(merge_tokens(windows, {{1}}), Catch::Contains("within windows (Swin)"));
  CHECK_THROWS_WITH(usual_schedule(windows, 1.2), Catch::Contains("within windows (Swin)"));
  VitModel vit = small_model(1, Pool::token);
  vit.config.rope = {.grid = Rope::Grid::centred, .temperature = 100};
  Network rotated = network(vit.config, &vit.weights);
  CHECK_THROWS_WITH(merge_tokens(rotated, {{1}}), Catch::Contains("in a model with rotary positions"));
  CHECK_THROWS_WITH(usual_schedule(rotated, 1.2), Catch::Contains("in a model with rotary positions"));
}

TEST_CASE("merging: the class token's attention counts where the head reads prefix tokens alone") {
  for (const auto &[prefix_tokens, pool] : heads) {
    const FloatModel model = small_model(prefix_tokens, pool);
    const Network parts = merged_network(model, {{1}});
    CHECK(std::get<BlockPart>(parts.body[0]).merging.weighted == (pool == Pool::token || pool == Pool::token_pair));
  }
}

TEST_CASE("merging: lists of pairs") {
  CHECK(parse_token_pairs("0,12,3") == std::vector<int>{0, 12, 3});
  CHECK(to_string(TokenSchedule{{0, 12, 3}}) == "0,12,3");
  for (const char *text : {"", ",", "1,", ",1", "1,,2", "-1", "1.5", "a", " 1", "100000"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse_token_pairs(text),
                      "\"" + std::string(text) + "\" is not a list of numbers such as 0,0,0,18,18");
  }
}

TEST_CASE("merging: the search finds a schedule of the speed-up that was asked for, whatever the threads") {
  for (const auto &[prefix_tokens, pool] : {std::pair(1, Pool::token), {0, Pool::mean}}) {
    const FloatModel model = small_model(prefix_tokens, pool);
    const ModelConfig &config = common_config(model);
    const std::vector<Image> images = test::random_images(8, config.image_width, config.image_height, 5);
    const TokenSearch found = search_tokens(model, images, 1.2, 1);
    CHECK(found.speed_up > 1.15);
    CHECK(found.speed_up < 1.35); // there are few tokens
    CHECK(found.error > 0);
    CHECK(found.error < 1);
    const TokenSearch again = search_tokens(model, images, 1.2, 3);
    CHECK(again.schedule.pairs == found.schedule.pairs);
    CHECK(again.error == found.error);
    CHECK(merging_error(model, TokenSchedule{}, images, 2) == 0);
    CHECK_THROWS_WITH(search_tokens(model, images, 4, 1),
                      Catch::Contains("merging tokens cannot make the model 4.00 times as fast"));
  }
}

} // namespace intvit

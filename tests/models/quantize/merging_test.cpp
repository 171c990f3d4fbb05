// Float and integer models that merge tokens.
#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "models/architectures/swin.hpp"
#include "models/architectures/token_schedule.hpp"
#include "models/quantize/merged_model.hpp"
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

std::vector<double> integer_logits(const ModelFile &file, const Image &image) {
  const std::shared_ptr<const Model> model = test::load_model(file);
  Session session = test::start_session(model);
  std::vector<double> result;
  for (const std::int32_t logit : test::run_logits(session, {&image, 1}))
    result.push_back(std::ldexp(logit, -model->logit_fraction_bits()));
  return result;
}

// Names of the nodes with their operations and inputs.
std::vector<std::string> operations_of(const ModelFile &file) {
  std::vector<std::string> result;
  for (const Node &node : file.description().graph.nodes) {
    std::string text = node.name + " " + std::string(operation_name(node.operation));
    for (const std::string &input : node.inputs)
      text += " " + input;
    if (const auto *mean = std::get_if<MeanRows>(&node.operation))
      text += " " + std::to_string(mean->first) + " " + std::to_string(mean->rows) + (mean->sized ? " sized" : "");
    if (const auto *match = std::get_if<MatchTokens>(&node.operation))
      text += " " + std::to_string(match->pairs) + " " + std::to_string(match->first) +
              (match->weighted ? " weighted" : "") + (match->attention.sized ? " sized" : "");
    if (const auto *attention = std::get_if<Attention>(&node.operation))
      text += attention->sized ? " sized" : "";
    result.push_back(text);
  }
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

const std::vector<std::pair<int, Pool>> heads{{1, Pool::token},       {5, Pool::token},    {2, Pool::token_pair},
                                              {0, Pool::mean},        {4, Pool::mean},     {1, Pool::normed_mean},
                                              {0, Pool::normed_mean}, {1, Pool::raw_mean}, {3, Pool::token_mean}};

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
      const ModelFile file =
          test::parse_model(quantize({.model = model,
                                      .calibration = std::span(images).first(64),
                                      .recipe = squash_recipe(config.image_width, config.image_height),
                                      .labels = {},
                                      .provenance = {}},
                                     options));
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

TEST_CASE("merging: the same bits for all threads and batches, and in loops of the caller's") {
  for (const auto &[prefix_tokens, pool] : {std::pair(1, Pool::token), {0, Pool::mean}}) {
    const FloatModel model = small_model(prefix_tokens, pool);
    const ModelConfig &config = common_config(model);
    const std::vector<Image> images = test::random_images(5, config.image_width, config.image_height, 7);
    QuantizeOptions options;
    options.tokens = {{2, 3, 2}};
    const std::shared_ptr<const Model> merged =
        test::load_model(test::parse_model(quantize({.model = model,
                                                     .calibration = images,
                                                     .recipe = squash_recipe(config.image_width, config.image_height),
                                                     .labels = {},
                                                     .provenance = {}},
                                                    options)));
    std::vector<std::int32_t> expected;
    Session alone = test::start_session(merged);
    for (const Image &image : images) {
      const std::vector<std::int32_t> logits = test::run_logits(alone, {&image, 1});
      expected.insert(expected.end(), logits.begin(), logits.end());
    }
    // Fewer and more threads than images.
    for (const int threads : {1, 2, 3, 7, 16})
      for (const int batch : {1, 2, 5})
        for (const bool by_loop : {false, true}) {
          SessionOptions running{.threads = threads, .max_batch = batch};
          if (by_loop)
            running.parallel_for.run = [](void *, int count, void (*task)(void *argument, int index), void *argument) {
              for (int i = count - 1; i >= 0; --i)
                task(argument, i);
            };
          Session session = test::start_session(merged, running);
          const std::vector<std::int32_t> logits =
              test::run_logits(session, std::span(images).first(static_cast<std::size_t>(batch)));
          CAPTURE(prefix_tokens, threads, batch, by_loop);
          CHECK(std::equal(logits.begin(), logits.end(), expected.begin()));
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

TEST_CASE("merging: no position biases") {
  VitModel vit = small_model(1, Pool::token);
  vit.config.position_bias = true;
  Network biased = network(vit.config, &vit.weights);
  CHECK_THROWS_WITH(merge_tokens(biased, {{1}}), Catch::Contains("in a model with position biases"));
  CHECK_THROWS_WITH(usual_schedule(biased, 1.2), Catch::Contains("in a model with position biases"));
}

TEST_CASE("merging: the class token's attention counts where the head reads prefix tokens alone") {
  for (const auto &[prefix_tokens, pool] : heads) {
    const FloatModel model = small_model(prefix_tokens, pool);
    const Network parts = merged_network(model, {{1}});
    CHECK(std::get<BlockPart>(parts.body[0]).merging.weighted == (pool == Pool::token || pool == Pool::token_pair));
  }
}

// It has the nodes of the model that is quantized with the schedule; its numbers were calibrated without.
TEST_CASE("merging: an integer model that merges is made of one that does not") {
  for (const auto &[prefix_tokens, pool] : heads) {
    const FloatModel model = small_model(prefix_tokens, pool);
    const ModelConfig &config = common_config(model);
    const std::vector<Image> images = test::random_images(68, config.image_width, config.image_height, 3);
    QuantizeOptions options;
    options.any_token_size = true;
    const QuantizeInput input{.model = model,
                              .calibration = std::span(images).first(64),
                              .recipe = squash_recipe(config.image_width, config.image_height),
                              .labels = {},
                              .provenance = {}};
    const ModelFile unmerged = test::parse_model(quantize(input, options));
    CAPTURE(prefix_tokens, static_cast<int>(pool));
    const TokenSchedule schedule{{0, 3, 2}};
    const Network parts = merged_network(model, schedule);
    const ModelFile merged = merged_model(unmerged, parts);
    options.tokens = schedule;
    const ModelFile quantized = test::parse_model(quantize(input, options));
    CHECK(operations_of(merged) == operations_of(quantized));
    std::vector<double> distances;
    for (const Image &image : std::span(images).last(4))
      distances.push_back(distance(integer_logits(merged, image), reference::forward(parts, image)));
    std::sort(distances.begin(), distances.end());
    CAPTURE(distances[0], distances[3]);
    CHECK(distances[1] < 0.2);
    CHECK(integer_logits(merged_model(unmerged, network(model)), images[0]) == integer_logits(unmerged, images[0]));
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
    const QuantizeInput input{.model = model,
                              .calibration = images,
                              .recipe = squash_recipe(config.image_width, config.image_height),
                              .labels = {},
                              .provenance = {}};
    QuantizeOptions options;
    const TokenSearch found = search_tokens(input, options, 1.2);
    CHECK(found.speed_up > 1.15);
    CHECK(found.speed_up < 1.35); // there are few tokens
    CHECK(found.error > 0);
    CHECK(found.error < 1);
    options.threads = 3;
    const TokenSearch again = search_tokens(input, options, 1.2);
    CHECK(again.schedule.pairs == found.schedule.pairs);
    CHECK(again.error == found.error);
    CHECK_THROWS_WITH(search_tokens(input, options, 4),
                      Catch::Contains("merging tokens cannot make the model 4.00 times as fast"));
  }
}

} // namespace intvit

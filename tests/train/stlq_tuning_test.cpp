// Fine-tuning of STLQ weights against the paper's formulas, and a run's words, v and C from start to end.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>
#include <sstream>
#include <torch/torch.h>

#include "tests/support/data.hpp"
#include "tests/train/small_data.hpp"
#include "train/trainer.hpp"

using namespace intvit;
using namespace intvit::test;
using namespace intvit::train;

namespace {

const Schedule kSchedule{ScheduleKind::cosine, 0.1, 0, 0, 1000};

// A model of a layer of tiles: its width is one tile of outputs.
VitConfig tiny() {
  VitConfig config = default_vit();
  config.image_height = 8;
  config.image_width = 8;
  config.channels = 64;
  config.depth = 1;
  config.heads = 2;
  config.mlp_hidden = 64;
  return config;
}

struct Tuned {
  Vit model{tiny(), 3};
  std::vector<train::StateTensor> weights = weights_behind(model);
  StlqTuning tuning;
  explicit Tuned(const StlqOptions &options) : tuning(options, kSchedule, weights, model) {}

  torch::Tensor state(const std::string &name) const {
    for (const train::StateTensor &tensor : tuning.state())
      if (tensor.name == name)
        return tensor.value;
    throw std::runtime_error(name + " is missing");
  }
  static torch::Tensor of(const std::vector<train::StateTensor> &tensors, const std::string &name) {
    for (const train::StateTensor &tensor : tensors)
      if (tensor.name == name)
        return tensor.value;
    throw std::runtime_error(name + " is missing");
  }
  // Of the first block's fc1, in double: w, U, r1.
  double weight(std::int64_t n, std::int64_t c) const {
    return of(weights, "blocks.0.mlp.fc1.weight")[n][c].item<double>();
  }
  double word(std::int64_t n, std::int64_t c) const {
    return of(model.parameters(), "blocks.0.mlp.fc1.weight")[n][c].item<double>();
  }
  double unit(std::int64_t n) const { return state("blocks.0.mlp.fc1.stlq_unit")[n].item<double>(); }
  double residual(std::int64_t n, std::int64_t c) const { return weight(n, c) - log_q(weight(n, c), unit(n)); }

  // The paper's LogQ for the words of model files: no code -8, and 0 is what is nearest to it.
  static double log_q(double x, double unit) {
    if (std::abs(x) < unit / 256)
      return 0;
    const double exponent = std::clamp(-std::round(std::log2(std::abs(x) / unit)), 1.0, 7.0);
    return std::copysign(std::ldexp(unit, -static_cast<int>(exponent)), x);
  }
};

} // namespace

TEST_CASE("log_word is the paper's LogQ, but that what is nearest to 0 is 0") {
  std::mt19937 generator(1);
  for (int i = 0; i < 20000; ++i) {
    const double exponent = static_cast<double>(generator() % 4096) / 256 - 6; // 2^-6 to 2^10, ends included
    const auto x = static_cast<float>((i % 2 == 0 ? 1 : -1) * std::exp2(exponent));
    CHECK(static_cast<double>(log_word(x)) == Tuned::log_q(static_cast<double>(x), 128));
  }
  CHECK(log_word(0) == 0);
  CHECK(log_word(0.49F) == 0);
  CHECK(log_word(-0.5F) == -1);
  CHECK(log_word(1.41421F) == 1);
  CHECK(log_word(1.41422F) == 2);
  CHECK(log_word(1000) == 64);
  CHECK(word_sum(127.9F, 1) == 127); // 64 + 64, which the engine saturates as well
  CHECK(word_sum(24, 1) == 24);
  CHECK(word_sum(24, 0) == 32);
}

TEST_CASE("C is the ratio's share of every layer's tiles, by what first words leave") {
  const Tuned tuned({.ratio = 0.25});
  for (const char *layer : {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}) {
    const torch::Tensor c = tuned.state(std::string("blocks.0.") + layer + ".selected");
    CHECK(c.mean().item<double>() == 0.25);
    // All 64 outputs by 4 inputs of a tile alike.
    const torch::Tensor tiles = c.view({-1, 64, 16, 4}).sum({1, 3});
    CHECK((tiles.eq(0) + tiles.eq(256)).all().item<bool>());
  }
}

TEST_CASE("v starts as the normalized softmax of |r1|, and 0 where there is a second word") {
  const Tuned tuned({.ratio = 0.25});
  const torch::Tensor c = tuned.state("blocks.0.mlp.fc1.selected");
  const torch::Tensor v = tuned.state("blocks.0.mlp.fc1.v");
  double largest = 0;
  for (std::int64_t n = 0; n < 64; ++n)
    for (std::int64_t k = 0; k < 64; ++k)
      if (c[n][k].item<float>() == 0)
        largest = std::max(largest, std::abs(tuned.residual(n, k)));
  for (std::int64_t n = 0; n < 64; n += 7)
    for (std::int64_t k = 0; k < 64; k += 3) {
      const double expected = c[n][k].item<float>() != 0 ? 0 : std::exp(std::abs(tuned.residual(n, k)) - largest);
      CHECK(v[n][k].item<double>() == Approx(expected).epsilon(1e-5));
    }
  CHECK(v.max().item<float>() == 1);

  const Tuned fixed({.ratio = 0.25, .fixed = true});
  CHECK(fixed.tuning.remaining_v() == 0);
  CHECK(fixed.tuning.mean_v() == 0);
}

TEST_CASE("the model computes with LogQ(w) + LogQ(r1 o (C + v)), and is written without v") {
  Tuned tuned({.ratio = 0.25});
  {
    const torch::NoGradGuard no_grad;
    tuned.state("blocks.0.mlp.fc1.v").mul_(0.6);
  }
  const auto expect = [&](bool with_v) {
    const torch::Tensor c = tuned.state("blocks.0.mlp.fc1.selected");
    const torch::Tensor v = tuned.state("blocks.0.mlp.fc1.v");
    for (std::int64_t n = 0; n < 64; n += 7)
      for (std::int64_t k = 0; k < 64; ++k) {
        const double share = c[n][k].item<double>() + (with_v ? v[n][k].item<double>() : 0);
        const double unit = tuned.unit(n);
        const double sum = Tuned::log_q(tuned.weight(n, k), unit) + Tuned::log_q(tuned.residual(n, k) * share, unit);
        const double most = unit / 128 * 127;
        CHECK(tuned.word(n, k) == std::clamp(sum, -most, most));
      }
  };
  tuned.tuning.write_words();
  expect(true);
  tuned.tuning.write_final_words(tuned.weights, tuned.model);
  expect(false);
}

TEST_CASE("the gradient of w~ is that of w, and v's is r1 times it and the penalty's") {
  Tuned tuned({.ratio = 0.25, .lambda = 3});
  tuned.tuning.write_words();
  for (const train::StateTensor &parameter : tuned.model.parameters())
    parameter.value.mutable_grad() = torch::full_like(parameter.value, 0.5);
  const torch::Tensor before = tuned.state("blocks.0.mlp.fc1.v").clone();
  const torch::Tensor c = tuned.state("blocks.0.mlp.fc1.selected").clone();
  tuned.tuning.take_gradients(0.01);
  CHECK((Tuned::of(tuned.weights, "blocks.0.mlp.fc1.weight").grad() == 0.5).all().item<bool>());
  const torch::Tensor after = tuned.state("blocks.0.mlp.fc1.v");
  CHECK(torch::equal(tuned.state("blocks.0.mlp.fc1.selected"), c));
  for (std::int64_t n = 0; n < 64; n += 7)
    for (std::int64_t k = 0; k < 64; ++k) {
      const double v = before[n][k].item<double>();
      const double expected = v == 0 ? 0 : v - 0.01 * (0.5 * tuned.residual(n, k) + 2 * 3 * v);
      CHECK(after[n][k].item<double>() == Approx(expected).epsilon(1e-5));
    }
}

TEST_CASE("the default penalty alone brings v to 0 in about half of the run, where it stays") {
  Tuned tuned({.ratio = 0.25});
  std::uint64_t reached = 0;
  for (std::uint64_t step = 0; step < kSchedule.total_steps; ++step) {
    for (const train::StateTensor &parameter : tuned.model.parameters())
      parameter.value.mutable_grad() = torch::zeros_like(parameter.value);
    tuned.tuning.take_gradients(kSchedule.rate(step));
    if (tuned.tuning.remaining_v() > 0)
      reached = step + 1;
  }
  CHECK(reached >= 350);
  CHECK(reached <= 500);
  for (const train::StateTensor &parameter : tuned.model.parameters())
    parameter.value.mutable_grad() = torch::full_like(parameter.value, -100);
  tuned.tuning.take_gradients(1);
  CHECK(tuned.tuning.remaining_v() == 0);
}

namespace {

std::map<std::string, Bytes> tensors_of(const std::string &path) {
  const SafetensorsFile file = open_safetensors(path);
  std::map<std::string, Bytes> tensors;
  for (const auto &[name, tensor] : file.tensors()) {
    const auto *bytes = reinterpret_cast<const std::uint8_t *>(tensor.bytes.data());
    tensors[name] = Bytes(bytes, bytes + tensor.bytes.size());
  }
  return tensors;
}

// Options for fine-tuning a model that has been trained for a moment.
Options tuning_options(const std::string &name) {
  Options pretrained = small_options(name + "-pretrained");
  train_with(pretrained);
  Options options = small_options(name);
  options.warmup_epochs = 0;
  options.init = pretrained.out + "/model.safetensors";
  options.stlq = StlqOptions{.ratio = 0.5};
  return options;
}

} // namespace

TEST_CASE("a fine-tuning ends with v = 0, the C and U that it began with, and weights that are words") {
  Options options = tuning_options("tuned");
  options.stop_after = 0.5;
  train_with(options);
  auto first = tensors_of(options.out + "/checkpoint.safetensors");
  options.stop_after = 0;
  const std::string messages = train_with(options);
  CHECK_THAT(messages, Catch::Contains(", mean v 0.0000, "));
  CHECK_THAT(messages, !Catch::Contains("not 0 yet"));
  auto last = tensors_of(options.out + "/checkpoint.safetensors");
  auto result = tensors_of(options.out + "/model.safetensors");
  for (const char *layer : {"blocks.0.attn.qkv", "blocks.1.mlp.fc2"}) {
    const std::string name = std::string("stlq/") + layer;
    CHECK(first.at(name + ".selected") == last.at(name + ".selected"));
    CHECK(first.at(name + ".stlq_unit") == last.at(name + ".stlq_unit"));
    CHECK(last.at(name + ".stlq_unit") == result.at(std::string(layer) + ".stlq_unit"));
    const Bytes &v = last.at(name + ".v");
    CHECK(std::all_of(v.begin(), v.end(), [](std::uint8_t byte) { return byte == 0; }));
    CHECK(first.at(name + ".v") != v);
    CHECK(last.at(std::string("average/") + layer + ".weight") != result.at(std::string(layer) + ".weight"));
  }
}

TEST_CASE("a fine-tuning in two parts ends with the bytes of an unbroken one") {
  for (const bool fixed : {false, true}) {
    const Options whole = [&] {
      Options options = tuning_options("whole");
      options.stlq->fixed = fixed;
      return options;
    }();
    train_with(whole);
    Options part = whole;
    part.out = temporary_file("part");
    part.stop_after = 1.5;
    train_with(part);
    part.stop_after = 0;
    part.init.clear();
    part.resume = part.out + "/checkpoint.safetensors";
    train_with(part);
    CHECK(test::read_file(part.out + "/model.safetensors") == test::read_file(whole.out + "/model.safetensors"));

    Options other = part;
    other.stlq->ratio = 0.25;
    std::ostringstream messages;
    Console console(messages, false);
    CHECK_THAT(message_of([&] { Trainer trainer(other, console); }),
               Catch::Contains("stlq_ratio: 0.5 in the checkpoint, 0.25 now"));
    other.stlq.reset();
    CHECK_THAT(message_of([&] { Trainer trainer(other, console); }),
               Catch::Contains("stlq_ratio: 0.5 in the checkpoint, null now"));
  }
}

TEST_CASE("a penalty too small for the run is reported") {
  Options options = tuning_options("too-small");
  options.stlq->lambda = 1e-6;
  CHECK_THAT(train_with(options), Catch::Contains("v is not 0 yet in ") && Catch::Contains("raise --stlq-lambda"));
}

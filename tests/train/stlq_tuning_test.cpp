// Fine-tuning of STLQ weights against the paper's formulas, and a run's words, v and C from start to end.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <sstream>
#include <torch/torch.h>

#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/train/small_data.hpp"
#include "train/trainer.hpp"

using namespace intvit;
using namespace intvit::test;
using namespace intvit::train;

namespace {

const Schedule kSchedule{ScheduleKind::cosine, 0.1, 0, 0, 1000};

VitConfig tiny() {
  return test::small_vit_config(
      {.height = 8, .width = 8, .patch = 4, .channels = 64, .depth = 1, .heads = 2, .hidden = 64, .classes = 10});
}

struct Tuned {
  Vit model{tiny(), 3};
  std::vector<train::StateTensor> weights = weights_behind(model);
  StlqTuning tuning;
  explicit Tuned(const StlqOptions &options) : tuning(options, kSchedule, weights, model, {images()}) {}

  static torch::Tensor images() {
    torch::manual_seed(9);
    return torch::randn({8, 3, 8, 8});
  }

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
  double residual(std::int64_t n, std::int64_t c) const { return weight(n, c) - nearest(weight(n, c), unit(n), false); }

  // Of all values that one word stands for, or two, the nearest: U / 2 ... U / 128; and with a quarter more, a quarter
  // less or an eighth less, where that is no less than U / 128.
  static double nearest(double x, double unit, bool two_words) {
    double best = 0;
    for (int exponent = 1; exponent <= 7; ++exponent)
      for (const double part : {0.0, 0.25, -0.25, -0.125}) {
        const double first = std::ldexp(1.0, 7 - exponent);
        const double second = two_words && std::abs(part * first) >= 1 ? part * first : 0;
        const double value = std::copysign((first + second) * unit / 128, x);
        if (std::abs(value - x) < std::abs(best - x))
          best = value;
      }
    return best;
  }
};

} // namespace

TEST_CASE("words are the nearest, and a share of what the first leaves counts") {
  std::mt19937 generator(1);
  for (int i = 0; i < 20000; ++i) {
    const double exponent = (static_cast<double>(generator() % 4096) + 0.5) / 430 - 2; // 2^-2 to 2^7.5
    const auto x = static_cast<float>((i % 2 == 0 ? 1 : -1) * std::exp2(exponent));
    const double first = Tuned::nearest(static_cast<double>(x), 128, false);
    CHECK(static_cast<double>(first_word(x)) == first);
    CHECK(static_cast<double>(word_sum(x, 1)) == Tuned::nearest(static_cast<double>(x), 128, true));
    CHECK(word_sum(x, 0) == first_word(x));
    const auto part = static_cast<float>(first + (static_cast<double>(x) - first) / 2);
    CHECK(static_cast<double>(word_sum(x, 0.5F)) == Tuned::nearest(static_cast<double>(part), 128, true));
  }
  CHECK(first_word(0) == 0);
  CHECK(first_word(-0.51F) == -1);
  CHECK(first_word(1000) == 64);
  CHECK(word_sum(46, 0) == 32);
  CHECK(word_sum(46, 1) == 48);
  CHECK(word_sum(-3, 1) == -3);
  CHECK(word_sum(1000, 1) == 80);
  CHECK(std::isnan(word_sum(std::numeric_limits<float>::quiet_NaN(), 1)));
}

TEST_CASE("C is the ratio's share of all layers' groups") {
  const Tuned tuned({.ratio = 0.25});
  double selected = 0;
  double weights = 0;
  for (const char *layer : {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}) {
    const torch::Tensor c = tuned.state(std::string("blocks.0.") + layer + ".selected");
    const torch::Tensor groups = c.view({-1, 4}).sum(1); // of four inputs of one output
    CHECK((groups.eq(0) + groups.eq(4)).all().item<bool>());
    selected += c.sum().item<double>();
    weights += static_cast<double>(c.numel());
  }
  CHECK(selected / weights == Approx(0.25).margin(0.005));
  CHECK(Tuned({.ratio = 0}).state("blocks.0.attn.proj.selected").count_nonzero().item<std::int64_t>() == 0);
}

TEST_CASE("U and C are chosen by what errors of weights change in the model's outputs") {
  // An input of fc1 that is always 0, because its norm makes it so: its weights' errors change nothing.
  Vit model(tiny(), 3);
  const torch::NoGradGuard no_grad;
  for (const train::StateTensor &parameter : model.parameters())
    if (parameter.name == "blocks.0.norm2.weight")
      parameter.value.slice(0, 0, 32).zero_();
  const std::vector<train::StateTensor> weights = weights_behind(model);
  const torch::Tensor images = Tuned::images();
  const auto with_words = [&](const StlqOptions &options) {
    StlqTuning tuning(options, kSchedule, weights, model, {images});
    tuning.write_final_words(weights, model);
    for (const train::StateTensor &tensor : tuning.state())
      if (tensor.name == "blocks.0.mlp.fc1.selected") {
        CHECK(tensor.value.slice(1, 0, 32).count_nonzero().item<std::int64_t>() == 0);
        if (options.ratio > 0)
          CHECK(tensor.value.slice(1, 32).count_nonzero().item<std::int64_t>() > 0);
      }
    return model.forward(images, Precision::f32);
  };
  const torch::Tensor logits = model.forward(images, Precision::f32);
  const double none = (with_words({.ratio = 0}) - logits).norm().item<double>();
  const double some = (with_words({.ratio = 0.25}) - logits).norm().item<double>();
  const double all = (with_words({.ratio = 1}) - logits).norm().item<double>();
  CHECK(some < 0.8 * none);
  CHECK(all < 0.8 * some);
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

TEST_CASE("the model computes with Q2(Q1(w) + r1 o (C + v)), and is written without v") {
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
        const double rest = tuned.residual(n, k);
        const double sum = Tuned::nearest(tuned.weight(n, k) - rest + rest * share, unit, true);
        CHECK(tuned.word(n, k) == sum);
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

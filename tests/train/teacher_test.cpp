// Distillation: the teacher as it is read, the loss, and whole runs.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
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

VitConfig teacher_config(int classes = 2) {
  VitConfig config = small_vit_config({.height = 8, .width = 8, .patch = 4, .hidden = 24, .classes = classes});
  config.mean = {0.25, 0.5, 0.48145466};
  config.std = {0.2, 0.25, 0.3};
  config.crop_pct = 0.875;
  return config;
}

// A model with weights large enough to tell pictures apart.
Vit lively(const VitConfig &config) {
  Vit model(config, 5);
  const torch::NoGradGuard no_grad;
  for (const train::StateTensor &parameter : model.parameters())
    if (parameter.value.dim() > 1)
      parameter.value.mul_(8);
  return model;
}

// Writes a model's files and returns their folder.
std::string folder_of(const std::string &name, const Vit &model, const std::vector<std::string> &labels = {}) {
  const std::string folder = temporary_file(name);
  std::filesystem::create_directories(folder);
  write_model(folder, model.config(), model.parameters(), labels);
  return folder;
}

// Pictures of small_options(), taught by a model in a folder.
Options distil_options(const std::string &name, const std::string &teacher) {
  Options options = small_options(name);
  options.init = teacher;
  options.distil = true;
  options.stlq = StlqOptions{.ratio = 0.25};
  options.warmup_epochs = 0;
  options.precision = Precision::f32;
  return options;
}

std::string refusal_of(const Options &options) {
  std::ostringstream messages;
  Console console(messages, false);
  return message_of([&] { Trainer trainer(options, console); });
}

Bytes written_model(const Options &options) {
  return test::read_file(options.out + "/model.safetensors");
}

} // namespace

TEST_CASE("a teacher is the model that was written, with its labels and preprocessing") {
  const Vit model = lively(teacher_config());
  const Teacher teacher = load_teacher(folder_of("teacher", model, {"dark", "light"}));
  CHECK(teacher.labels == std::vector<std::string>{"dark", "light"});
  CHECK(teacher.model.config().mean == model.config().mean);
  CHECK(teacher.model.config().std == model.config().std);
  CHECK(teacher.model.config().crop_pct == 0.875);
  CHECK(teacher.model.config().mlp_hidden == 24);
  const torch::Tensor images = torch::randn({3, 3, 8, 8});
  const torch::NoGradGuard no_grad;
  const torch::Tensor logits = model.forward(images, Precision::f32);
  CHECK(torch::allclose(teacher.model.forward(images, Precision::f32), logits, 1e-5, 1e-5));
  for (std::int64_t i = 0; i < 3; ++i) {
    const double a = std::exp(logits[i][0].item<double>());
    const double b = std::exp(logits[i][1].item<double>());
    CHECK(teacher.probabilities(images, Precision::f32)[i][1].item<double>() == Approx(b / (a + b)).epsilon(1e-4));
  }

  const Vit copied(teacher_config(), 1);
  copy_weights(teacher, copied.parameters());
  CHECK(torch::equal(copied.forward(images, Precision::f32), teacher.model.forward(images, Precision::f32)));
}

TEST_CASE("a teacher that the trainer's model cannot be is refused") {
  const std::string folder = folder_of("foreign", lively(teacher_config()));
  const std::string path = folder + "/config.json";
  const Bytes text = test::read_file(path);
  const auto with = [&](const char *argument, const nlohmann::json &value) {
    auto config = nlohmann::json::parse(text);
    config["model_args"][argument] = value;
    const std::string changed = config.dump();
    write_file(path, {changed.begin(), changed.end()});
    return message_of([&] { load_teacher(folder); });
  };
  const std::string end = "; only a plain ViT or DeiT can be trained, which classifies by its class token";
  CHECK(with("depth", 2).empty());
  CHECK(with("act_layer", "gelu_tanh") == folder + ": has another activation than GELU" + end);
  CHECK(with("img_size", {4, 16}) == folder + ": has pictures that are not square" + end);
  CHECK(with("global_pool", "avg") == folder + ": has a head that reads more than one class token" + end);
  const std::string score = folder_of("score", lively(teacher_config(1)));
  CHECK(message_of([&] { load_teacher(score); }) == score + ": has outputs that are not classes" + end);
  const std::string missing = temporary_file("no-teacher");
  CHECK_THAT(message_of([&] { load_teacher(missing); }), Catch::Contains(missing));
  // Weights alone do not tell the number of heads.
  CHECK_THAT(message_of([&] { load_teacher(score + "/model.safetensors"); }),
             Catch::Contains("the number of attention heads is unknown"));
}

TEST_CASE("the loss is the cross entropy with the targets, and its gradient by a logit p - t") {
  const torch::Tensor logits = torch::randn({4, 3}, torch::kFloat64).requires_grad_(true);
  const torch::Tensor targets = torch::softmax(torch::randn({4, 3}, torch::kFloat64), 1);
  const torch::Tensor loss = cross_entropy(logits, targets);
  loss.backward();
  double expected = 0;
  for (std::int64_t i = 0; i < 4; ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < 3; ++k)
      sum += std::exp(logits[i][k].item<double>());
    for (std::int64_t k = 0; k < 3; ++k) {
      const double probability = std::exp(logits[i][k].item<double>()) / sum;
      const double target = targets[i][k].item<double>();
      expected -= target * std::log(probability) / 4;
      CHECK(logits.grad()[i][k].item<double>() == Approx((probability - target) / 4));
    }
  }
  CHECK(loss.item<double>() == Approx(expected));
}

TEST_CASE("the first step's loss is that of the words with the teacher's probabilities on the augmented pictures") {
  const Teacher teacher{lively(teacher_config()), {"dark", "light"}};
  Options options = distil_options("first-step", folder_of("first-teacher", teacher.model, teacher.labels));
  options.batch_size = 32; // all of them
  options.stop_after = 1;
  train_with(options);
  const Bytes log = test::read_file(options.out + "/log.csv");
  std::istringstream lines(std::string(log.begin(), log.end()));
  std::string row;
  std::getline(lines, row);
  std::getline(lines, row);
  std::istringstream columns(row);
  std::vector<double> values;
  for (std::string column; std::getline(columns, column, ',');)
    values.push_back(std::stod(column));

  const Dataset dataset = load_dataset(options.data, 8, options.augmentation.padding);
  const BatchPlan plan{&dataset,
                       options.augmentation,
                       {{teacher.model.config().mean, teacher.model.config().std}},
                       options.seed,
                       options.batch_size};
  const Batch batch = make_batch(plan, epoch_order(plan, 0), 0);
  const Vit model(teacher_config(), 0);
  copy_weights(load_teacher(options.init), model.parameters());
  StlqTuning(*options.stlq, {ScheduleKind::cosine, options.learning_rate, 0, 0, options.epochs}, weights_behind(model),
             model, {batch.images})
      .write_words();
  const torch::NoGradGuard no_grad;
  const torch::Tensor expected = teacher.model.forward(batch.images, Precision::f32);
  const torch::Tensor logits = model.forward(batch.images, Precision::f32);
  const torch::Tensor loss = -(torch::softmax(expected, 1) * torch::log_softmax(logits, 1)).sum() / 32;
  CHECK(values.at(3) == Approx(loss.item<double>()).margin(1e-4));
  CHECK(values.at(4) == Approx(100 * logits.argmax(1).eq(expected.argmax(1)).sum().item<double>() / 32).margin(0.01));
}

TEST_CASE("a distillation learns, and in two parts it ends with the bytes of an unbroken one") {
  const std::string teacher = folder_of("steady-teacher", lively(teacher_config()), {"dark", "light"});
  Options whole = distil_options("distil-whole", teacher);
  whole.epochs = 30;
  train_with(whole);
  Options untrained = distil_options("distil-untrained", teacher);
  untrained.epochs = 1;
  untrained.learning_rate = 1e-12;
  train_with(untrained);
  const Teacher before = load_teacher(teacher);
  const Normalization normalization{{before.model.config().mean, before.model.config().std}};
  const torch::Tensor images = plain_images(load_dataset(whole.data, 8, 0).train, normalization, 0, 32);
  const auto distance = [&](const std::string &weights) { // of the probabilities
    const torch::Tensor learned = load_teacher(weights).probabilities(images, Precision::f32);
    return (learned - before.probabilities(images, Precision::f32)).norm().item<double>();
  };
  CHECK(distance(whole.out) < 0.8 * distance(untrained.out));
  CHECK(test::read_file(whole.out + "/config.json") == test::read_file(teacher + "/config.json"));

  Options part = whole;
  part.out = temporary_file("distil-part");
  part.stop_after = 1.5;
  train_with(part);
  part.stop_after = 0;
  part.resume = part.out + "/checkpoint.safetensors";
  train_with(part);
  CHECK(written_model(part) == written_model(whole));

  Options other = part;
  other.init = folder_of("other-teacher", Vit(teacher_config(), 6), {"dark", "light"});
  CHECK_THAT(refusal_of(other), Catch::Contains("\n  teacher_crc32: "));
  other = part;
  other.distil = false;
  other.init.clear();
  CHECK_THAT(refusal_of(other), Catch::Contains("\n  teacher_crc32: "));
}

TEST_CASE("class folders must be the teacher's, and a border smaller than its pictures") {
  const Vit model = lively(teacher_config());
  Options options = distil_options("classes", folder_of("animals", model, {"cat", "dog"}));
  CHECK(refusal_of(options) == options.data + ": the folders in train/ are not the 2 classes of " + options.init +
                                   ": give a folder of pictures without train/CLASS/, such as train/ itself");
  options.init = folder_of("nameless", model);
  CHECK(refusal_of(options).empty()); // as many classes, whose names nothing tells
  options.init = folder_of("more", lively(teacher_config(3)));
  CHECK_THAT(refusal_of(options), Catch::Contains("are not the 3 classes of "));
  options.augmentation.padding = 8;
  CHECK(refusal_of(options) == "--crop-padding must be below the image size, 8");
}

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <torch/torch.h>

#include "tests/support/data.hpp"
#include "tests/train/small_data.hpp"
#include "train/trainer.hpp"

using namespace intvit;
using namespace intvit::test;
using namespace intvit::train;

namespace {

// Trains and returns the log.
std::string log_of(const Options &options) {
  train_with(options);
  const Bytes log = test::read_file(options.out + "/log.csv");
  return std::string(log.begin(), log.end());
}

std::string refusal(const Options &options) {
  std::ostringstream messages;
  Console console(messages, false);
  return message_of([&] { Trainer trainer(options, console); });
}

// The log without its last column, the seconds.
std::string without_seconds(const std::string &log) {
  std::istringstream lines(log);
  std::string result;
  for (std::string line; std::getline(lines, line);)
    result += line.substr(0, line.rfind(',')) + "\n";
  return result;
}

Bytes model_of(const Options &options) {
  return test::read_file(options.out + "/model.safetensors");
}

std::string checkpoint_of(const Options &options) {
  return options.out + "/checkpoint.safetensors";
}

} // namespace

TEST_CASE("a run learns to tell dark from light") {
  Options options = small_options("learns");
  options.epochs = 15;
  const std::string log = log_of(options);
  std::istringstream lines(log);
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);)
    rows.push_back(line);
  REQUIRE(rows.size() == 16);
  CHECK(rows[0] == "epoch,step,learning_rate,train_loss,train_top1,test_loss,test_top1,seconds");
  CHECK_THAT(rows[15], Catch::StartsWith("15,60,") && Catch::Contains(",100.00,"));
}

TEST_CASE("a run in two parts ends with the bytes of an unbroken one") {
  for (const OptimizerKind optimizer : {OptimizerKind::adamw, OptimizerKind::muon}) {
    Options whole = small_options("whole");
    whole.optimizer = optimizer;
    const std::string log = log_of(whole);

    Options part = small_options("part");
    part.optimizer = optimizer;
    part.stop_after = 2.5; // in the middle of an epoch
    train_with(part);
    CHECK(model_of(part) != model_of(whole));
    part.stop_after = 0;
    part.resume = checkpoint_of(part);
    CHECK(without_seconds(log_of(part)) == without_seconds(log));
    CHECK(model_of(part) == model_of(whole));
  }
}

TEST_CASE("an interrupted run saves its state and says how to go on") {
  Options options = small_options("interrupted");
  std::ostringstream messages;
  Console console(messages, false);
  const std::atomic<bool> interrupted = true;
  options.resume = checkpoint_of(options);
  {
    Options part = options;
    part.resume.clear();
    part.stop_after = 1.5;
    train_with(part);
    Trainer trainer(options, console);
    CHECK_FALSE(trainer.run(interrupted));
  }
  CHECK_THAT(messages.str(), Catch::Contains("interrupted at step 6; go on with --resume " + checkpoint_of(options)));
  const Options whole = small_options("whole");
  CHECK(without_seconds(log_of(options)) == without_seconds(log_of(whole)));
  CHECK(model_of(options) == model_of(whole));
}

TEST_CASE("a wsd run can be lengthened from before it cools down, and only from there") {
  Options longer = small_options("longer");
  longer.schedule = ScheduleKind::wsd;
  longer.epochs = 8;
  longer.cooldown_epochs = 2;
  train_with(longer);

  Options shorter = small_options("shorter");
  shorter.schedule = ScheduleKind::wsd;
  shorter.epochs = 4;
  shorter.cooldown_epochs = 2;
  train_with(shorter);

  Options late = longer;
  late.out = shorter.out;
  late.resume = checkpoint_of(shorter);
  CHECK_THAT(refusal(late), Catch::StartsWith(late.resume + ": --epochs and --cooldown cannot change once the learning "
                                                            "rate falls: it was to fall from step 8 on, now from 24"));
  late.resume = shorter.out + "/cooldown-start.safetensors";
  train_with(late);
  CHECK(model_of(late) == model_of(longer));
}

TEST_CASE("resuming with another recipe, other data or from weights is refused") {
  Options options = small_options("first");
  options.epochs = 1;
  train_with(options);
  options.resume = checkpoint_of(options);

  Options other = options;
  other.model.depth = 3;
  other.learning_rate = 0.5;
  other.epochs = 2;
  const std::string message = refusal(other);
  CHECK_THAT(message, Catch::StartsWith(options.resume + ": the checkpoint is of another run:"));
  CHECK_THAT(message, Catch::Contains("\n  depth: 2 in the checkpoint, 3 now"));
  CHECK_THAT(message, Catch::Contains("\n  epochs: 1 in the checkpoint, 2 now"));
  CHECK_THAT(message, Catch::Contains("\n  lr: 0.001 in the checkpoint, 0.5 now"));

  other = options;
  write_file(other.data, tar(two_classes(17)));
  CHECK_THAT(refusal(other), Catch::Contains("train_pictures: 32 in the checkpoint, 34 now"));

  other = options;
  other.resume = options.out + "/model.safetensors";
  CHECK_THAT(refusal(other), Catch::StartsWith(other.resume + ": not a checkpoint of intvit-train"));
}

TEST_CASE("fine-tuning starts from given weights") {
  Options first = small_options("pretrained");
  first.epochs = 15;
  train_with(first);
  Options second = small_options("tuned");
  second.epochs = 1;
  second.seed = 99;
  second.init = first.out + "/model.safetensors";
  CHECK_THAT(log_of(second), Catch::Contains("\n1,4,") && Catch::Contains(",100.00,"));
}

TEST_CASE("evaluation's loss and accuracy are those of the logits") {
  const Options options = small_options("evaluate");
  const Dataset dataset = load_dataset(options.data, 8, 0);
  const Normalization normalization{channel_statistics(dataset)};
  VitConfig config = options.model;
  config.classes = 2;
  const Vit vit(config, 3);
  const torch::NoGradGuard no_grad;
  const torch::Tensor logits =
      vit.forward(plain_images(dataset.test, normalization, 0, 8), Precision::f32).to(torch::kFloat64);
  double loss = 0;
  double right = 0;
  for (std::int64_t i = 0; i < 8; ++i) {
    const double a = logits[i][0].item<double>();
    const double b = logits[i][1].item<double>();
    const bool light = dataset.test.labels[static_cast<std::size_t>(i)] == 1;
    loss += std::log(std::exp(a) + std::exp(b)) - (light ? b : a);
    right += (b > a) == light ? 1 : 0;
  }
  const Score evaluation = evaluate(vit, dataset.test, normalization, Precision::f32);
  CHECK(evaluation.loss == Approx(loss / 8).epsilon(1e-5));
  CHECK(evaluation.top1 == Approx(right / 8 * 100));
}

TEST_CASE("a batch larger than the data and a folder that cannot be made are refused") {
  Options options = small_options("large");
  options.batch_size = 33;
  CHECK(refusal(options) == "--batch 33: there are only 32 training pictures");
  options = small_options("blocked");
  write_file(options.out, {'x'});
  std::ostringstream messages;
  Console console(messages, false);
  Trainer trainer(options, console);
  CHECK_THAT(message_of([&] { trainer.run(not_interrupted); }), Catch::Contains(options.out));
}

TEST_CASE("on a terminal the bar is redrawn in place and gives way to lines") {
  std::ostringstream plain;
  Console(plain, false).bar({1, 2, 0.5, 1.25, 50, 100, 60});
  CHECK(plain.str().empty());

  std::ostringstream terminal;
  Console console(terminal, true);
  console.bar({1, 2, 0.5, 1.25, 50, 100, 3661});
  CHECK(terminal.str() ==
        "\r\x1b[Kepoch 1/2 [##########..........] loss 1.250 top-1 50.0 % 100 images/s, 1:01:01 left");
  console.line("done");
  CHECK_THAT(terminal.str(), Catch::EndsWith(" left\r\x1b[Kdone\n"));
}

#include <array>
#include <catch2/catch.hpp>

#include "tests/train/small_data.hpp"
#include "train/options.hpp"

using namespace intvit::test;
using namespace intvit::train;

namespace {

std::optional<Options> parse(std::vector<const char *> arguments) {
  arguments.insert(arguments.begin(), {"intvit-train", "--data", "d.tar", "-o", "out"});
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

std::string refusal(const std::vector<const char *> &arguments) {
  return message_of([&] { parse(arguments); });
}

} // namespace

TEST_CASE("every option reaches its place") {
  const auto o = parse({"--init",
                        "w",
                        "--checkpoint-minutes",
                        "2",
                        "--stop-after",
                        "3",
                        "--eval-every",
                        "4",
                        "-t",
                        "5",
                        "--image-size",
                        "64",
                        "--patch",
                        "8",
                        "--width",
                        "96",
                        "--depth",
                        "7",
                        "--heads",
                        "3",
                        "--mlp-ratio",
                        "2.5",
                        "--epochs",
                        "20",
                        "--batch",
                        "11",
                        "--optimizer",
                        "muon",
                        "--schedule",
                        "wsd",
                        "--lr",
                        "0.25",
                        "--warmup",
                        "1.5",
                        "--cooldown",
                        "6",
                        "--weight-decay",
                        "0.3",
                        "--clip",
                        "2",
                        "--ema",
                        "0.9",
                        "--crop-padding",
                        "0",
                        "--no-flip",
                        "--mixup",
                        "0.2",
                        "--cutmix",
                        "0.4",
                        "--label-smoothing",
                        "0.05",
                        "--precision",
                        "f32",
                        "--seed",
                        "42"});
  REQUIRE(o);
  CHECK(o->data == "d.tar");
  CHECK(o->out == "out");
  CHECK(o->init == "w");
  CHECK(o->checkpoint_minutes == 2);
  CHECK(o->stop_after == 3);
  CHECK(o->eval_every == 4);
  CHECK(o->threads == 5);
  CHECK(o->model.image_height == 64);
  CHECK(o->model.patch == 8);
  CHECK(o->model.channels == 96);
  CHECK(o->model.depth == 7);
  CHECK(o->model.heads == 3);
  CHECK(o->model.mlp_hidden == 240);
  CHECK(o->epochs == 20);
  CHECK(o->batch_size == 11);
  CHECK(o->optimizer == OptimizerKind::muon);
  CHECK(o->schedule == ScheduleKind::wsd);
  CHECK(o->learning_rate == 0.25);
  CHECK(o->warmup_epochs == 1.5);
  CHECK(o->cooldown_epochs == 6);
  CHECK(o->weight_decay == 0.3);
  CHECK(o->clip == 2);
  CHECK(o->ema_decay == 0.9);
  CHECK(o->augmentation.padding == 0);
  CHECK_FALSE(o->augmentation.flip);
  CHECK(o->augmentation.mixup == 0.2F);
  CHECK(o->augmentation.cutmix == 0.4F);
  CHECK(o->augmentation.label_smoothing == 0.05F);
  CHECK(o->precision == Precision::f32);
  CHECK(o->seed == 42);
  CHECK(parse({"--resume", "c"})->resume == "c");
}

TEST_CASE("without options the defaults hold") {
  const auto o = parse({});
  REQUIRE(o);
  const Options defaults;
  CHECK(o->model.channels == defaults.model.channels);
  CHECK(o->model.mlp_hidden == defaults.model.mlp_hidden);
  CHECK(o->learning_rate == defaults.learning_rate);
  CHECK(o->augmentation.cutmix == defaults.augmentation.cutmix);
  CHECK(o->epochs == defaults.epochs);
}

TEST_CASE("STLQ's options make a fine-tuning of it") {
  CHECK_FALSE(parse({})->stlq);
  const auto with_v = parse({"--init", "w", "--stlq-ratio", "5", "--stlq-lambda", "0.25"});
  REQUIRE(with_v->stlq);
  CHECK(with_v->stlq->ratio == 0.05);
  CHECK(with_v->stlq->lambda == 0.25);
  CHECK_FALSE(with_v->stlq->fixed);
  CHECK(with_v->epochs == 10);
  const auto fixed = parse({"--resume", "c", "--stlq-ratio", "100", "--stlq-fixed", "--epochs", "3"});
  REQUIRE(fixed->stlq);
  CHECK(fixed->stlq->ratio == 1);
  CHECK(fixed->stlq->fixed);
  CHECK(fixed->epochs == 3);

  CHECK(refusal({"--stlq-ratio", "15"}) == "--stlq-ratio is for fine-tuning: --init FILE says of which weights");
  CHECK(refusal({"--init", "w", "--stlq-ratio", "101"}) == "--stlq-ratio: \"101\" is not a percentage from 0 to 100");
  CHECK(refusal({"--init", "w", "--stlq-ratio", "5", "--stlq-lambda", "-1"}) == "--stlq-lambda must not be negative");
  CHECK(refusal({"--init", "w", "--stlq-fixed"}) == "--stlq-fixed goes with --stlq-ratio");
  CHECK(refusal({"--init", "w", "--stlq-lambda", "1"}) == "--stlq-lambda goes with --stlq-ratio");
  CHECK(refusal({"--init", "w", "--stlq-ratio", "5", "--stlq-fixed", "--stlq-lambda", "1"}) ==
        "--stlq-lambda has no v to drive to 0 with --stlq-fixed");
}

TEST_CASE("distillation needs a teacher, which tells the model, and no labels") {
  CHECK_FALSE(parse({"--init", "w", "--stlq-ratio", "5"})->distil);
  const auto o = parse({"--init", "w", "--distil", "--stlq-ratio", "50", "--crop-padding", "32"});
  CHECK(o->distil);
  CHECK(o->stlq->ratio == 0.5);
  CHECK(o->augmentation.padding == 32); // the default model's image size, which says nothing here
  const auto resumed = parse({"--init", "w", "--resume", "c", "--distil", "--stlq-ratio", "50"});
  CHECK(resumed->init == "w");
  CHECK(resumed->resume == "c");

  const std::string no_teacher = "--distil needs the teacher, --init FILE or FOLDER, also with --resume";
  CHECK(refusal({"--distil", "--stlq-ratio", "50"}) == no_teacher);
  CHECK(refusal({"--resume", "c", "--distil", "--stlq-ratio", "50"}) == no_teacher);
  CHECK(refusal({"--init", "w", "--distil"}) ==
        "--distil goes with --stlq-ratio: without words the model is its teacher already");
  for (const char *option : {"--image-size", "--patch", "--width", "--depth", "--heads", "--mlp-ratio"})
    CHECK(refusal({"--init", "w", "--distil", "--stlq-ratio", "50", option, "4"}) ==
          std::string(option) + ": with --distil the model is that of --init");
  CHECK(refusal({"--init", "w", "--distil", "--stlq-ratio", "50", "--label-smoothing", "0"}) ==
        "--label-smoothing: --distil uses no labels");
}

TEST_CASE("a wrong command line says what is wrong") {
  CHECK(refusal({"--optimizer", "sgd"}) == "--optimizer sgd: takes one of adamw, muon");
  CHECK(refusal({"--patch", "5"}) == "--patch must divide --image-size");
  CHECK(refusal({"--heads", "5"}) == "--heads must divide --width");
  CHECK(refusal({"--cooldown", "5"}) == "--cooldown goes with --schedule wsd");
  CHECK(refusal({"--epochs", "3", "--warmup", "4"}) ==
        "--warmup and --cooldown must not be negative and must fit into --epochs");
  CHECK(refusal({"--mixup", "0.6"}) == "--mixup and --cutmix are probabilities and together at most 1");
  CHECK(refusal({"--resume", "a", "--init", "b"}) == "--resume and --init exclude each other");
  CHECK(refusal({"--lr", "0"}) == "--lr must be above 0");
  CHECK_THAT(refusal({"--width", "many"}), Catch::Contains("many"));
  CHECK_THAT(refusal({"--nonsense"}), Catch::Contains("nonsense"));
  CHECK(refusal({"extra"}) == "unexpected argument extra");
  const std::array<const char *, 1> bare = {"intvit-train"};
  CHECK_THAT(message_of([&] { parse_options(1, bare.data()); }), Catch::StartsWith("--data is missing"));
}

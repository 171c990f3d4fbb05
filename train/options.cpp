#include "train/options.hpp"

#include <cmath>
#include <cxxopts.hpp>
#include <initializer_list>
#include <iostream>
#include <sstream>
#include <utility>

#include "models/program/percent.hpp"

namespace intvit::train {

namespace {

template <typename T>
T choose(const cxxopts::ParseResult &result, const std::string &name,
         std::initializer_list<std::pair<const char *, T>> choices) {
  const auto &value = result[name].as<std::string>();
  std::string known;
  for (const auto &[text, choice] : choices) {
    if (value == text)
      return choice;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  throw UsageError("--" + name + " " + value + ": takes one of " + known);
}

void require(bool holds, const std::string &message) {
  if (!holds)
    throw UsageError(message);
}

void check(const Options &o) {
  const VitConfig &m = o.model;
  require(!o.data.empty(), "--data is missing: a folder or .tar(.gz) file with train/CLASS/*.jpg and test/CLASS/*.jpg");
  require(!o.out.empty(), "--out is missing: the folder to write to");
  require(o.resume.empty() || o.init.empty() || o.distil, "--resume and --init exclude each other");
  require(!o.distil || !o.init.empty(), "--distil needs the teacher, --init FILE or FOLDER, also with --resume");
  require(!o.distil || o.stlq, "--distil goes with --stlq-ratio: without words the model is its teacher already");
  require(m.image_height >= 1 && m.image_height <= 1024, "--image-size must be 1 to 1024");
  require(m.patch >= 1 && m.image_height % m.patch == 0, "--patch must divide --image-size");
  require(m.channels >= 1 && m.channels <= 8192, "--width must be 1 to 8192");
  require(m.heads >= 1 && m.channels % m.heads == 0, "--heads must divide --width");
  require(m.depth >= 1 && m.depth <= 128, "--depth must be 1 to 128");
  require(m.mlp_hidden >= 1, "--mlp-ratio is too small");
  require(o.batch_size >= 1, "--batch must be at least 1");
  require(o.epochs >= 1, "--epochs must be at least 1");
  require(o.eval_every >= 1, "--eval-every must be at least 1");
  require(o.warmup_epochs >= 0 && o.cooldown_epochs >= 0 &&
              o.warmup_epochs + o.cooldown_epochs <= static_cast<double>(o.epochs),
          "--warmup and --cooldown must not be negative and must fit into --epochs");
  require(o.schedule == ScheduleKind::wsd || o.cooldown_epochs == 0, "--cooldown goes with --schedule wsd");
  require(o.learning_rate > 0, "--lr must be above 0");
  require(o.weight_decay >= 0, "--weight-decay must not be negative");
  require(o.clip > 0, "--clip must be above 0");
  require(o.ema_decay >= 0 && o.ema_decay < 1, "--ema must be in [0, 1)");
  if (o.stlq) {
    require(!o.init.empty() || !o.resume.empty(), "--stlq-ratio is for fine-tuning: --init FILE says of which weights");
    require(o.stlq->lambda >= 0, "--stlq-lambda must not be negative");
    require(!o.stlq->fixed || o.stlq->lambda == 0, "--stlq-lambda has no v to drive to 0 with --stlq-fixed");
  }
  const Augmentation &a = o.augmentation;
  require(a.padding >= 0 && (a.padding < m.image_height || o.distil),
          "--crop-padding must be 0 or more and below --image-size");
  require(a.mixup >= 0 && a.cutmix >= 0 && a.mixup + a.cutmix <= 1,
          "--mixup and --cutmix are probabilities and together at most 1");
  require(a.label_smoothing >= 0 && a.label_smoothing < 1, "--label-smoothing must be in [0, 1)");
  require(o.checkpoint_minutes > 0, "--checkpoint-minutes must be above 0");
  require(o.stop_after >= 0, "--stop-after must not be negative");
  require(o.threads >= 0, "--threads must not be negative");
}

} // namespace

std::optional<Options> parse_options(int argc, const char *const *argv) {
  Options o;
  const auto text = [](const auto &value) {
    std::ostringstream stream;
    stream << value;
    return stream.str();
  };
  cxxopts::Options parser("intvit-train",
                          "Trains a plain Vision Transformer on pictures in class folders, or, to weights\n"
                          "of four bits, on pictures without classes.\n"
                          "Writes model.safetensors, config.json, log.csv and checkpoints.\n");
  const auto number = [&](auto &value) { return cxxopts::value(value)->default_value(text(value)); };
  double mlp_ratio = 2;
  int image_size = o.model.image_height;
  bool no_flip = false;
  parser.add_options("Input and output")("data", "folder or .tar(.gz) with train/CLASS/*.jpg and test/CLASS/*.jpg",
                                         cxxopts::value(o.data),
                                         "PATH")("o,out", "folder to write to", cxxopts::value(o.out), "DIR")(
      "resume", "go on from this checkpoint", cxxopts::value(o.resume),
      "FILE")("init", "start from these timm-named weights; a head of another size is drawn anew",
              cxxopts::value(o.init), "FILE")(
      "distil",
      "learn from what the model of --init says of the pictures, instead of labels: with --stlq-ratio. --init takes "
      "all that intvit quantize does and tells the model, --data also pictures in no class folders",
      cxxopts::value(o.distil))("checkpoint-minutes", "time between checkpoints inside an epoch",
                                number(o.checkpoint_minutes))(
      "stop-after", "stop after so many epochs in all, to be resumed later (0: run to the end)",
      number(o.stop_after))("eval-every", "epochs between evaluations on test/", number(o.eval_every))(
      "t,threads", "threads (0: LibTorch's choice)", number(o.threads))("h,help", "print this");
  parser.add_options("Model")("image-size", "width and height of the pictures",
                              number(image_size))("patch", "width and height of a patch", number(o.model.patch))(
      "width", "channels of a token", number(o.model.channels))("depth", "number of blocks", number(o.model.depth))(
      "heads", "attention heads", number(o.model.heads))("mlp-ratio", "MLP neurons for each channel",
                                                         number(mlp_ratio));
  parser.add_options("Recipe")("epochs", "passes over the training pictures", number(o.epochs))(
      "batch", "pictures a step", number(o.batch_size))("optimizer", "adamw or muon",
                                                        cxxopts::value<std::string>()->default_value("adamw"))(
      "schedule", "cosine or wsd",
      cxxopts::value<std::string>()->default_value("cosine"))("lr", "highest learning rate", number(o.learning_rate))(
      "warmup", "epochs of linear warm-up",
      number(o.warmup_epochs))("cooldown", "epochs of linear cool-down at the end (wsd)",
                               number(o.cooldown_epochs))("weight-decay", "on matrices only", number(o.weight_decay))(
      "clip", "limit of the gradient's norm",
      number(o.clip))("ema", "decay a step of the weights' moving average, which is what is evaluated and written",
                      number(o.ema_decay))(
      "crop-padding",
      "pixels around a picture of which random crops are taken: its own where it is large enough, else black",
      number(o.augmentation.padding))("no-flip", "do not mirror", cxxopts::value(no_flip))(
      "mixup", "probability of mixup", number(o.augmentation.mixup))("cutmix", "probability of cutmix",
                                                                     number(o.augmentation.cutmix))(
      "label-smoothing", "share of the target spread over all classes", number(o.augmentation.label_smoothing))(
      "precision", "of matrix products: f32 or bf16", cxxopts::value<std::string>()->default_value("bf16"))(
      "seed", "of weights, order and augmentation", number(o.seed));
  StlqOptions stlq;
  std::string stlq_ratio;
  parser.add_options("Fine-tuning of STLQ weights")(
      "stlq-ratio", "fine-tune one- and two-word weights: percent of them with two words", cxxopts::value(stlq_ratio),
      "R")("stlq-lambda", "weight of the penalty on v (0: v is 0 after half of the run)",
           number(stlq.lambda))("stlq-fixed", "without v: the words' set as it ends up", cxxopts::value(stlq.fixed));
  try {
    const auto result = parser.parse(argc, argv);
    if (result.count("help") != 0) {
      std::cout << parser.help();
      return std::nullopt;
    }
    require(result.unmatched().empty(),
            "unexpected argument " + (result.unmatched().empty() ? "" : result.unmatched().front()));
    if (result.count("stlq-ratio") != 0) {
      stlq.ratio = parse_percent("--stlq-ratio", stlq_ratio);
      o.stlq = stlq;
      if (result.count("epochs") == 0)
        o.epochs = 10;
    }
    for (const char *option : {"stlq-lambda", "stlq-fixed"})
      require(o.stlq || result.count(option) == 0, std::string("--") + option + " goes with --stlq-ratio");
    for (const char *option : {"image-size", "patch", "width", "depth", "heads", "mlp-ratio"})
      require(!o.distil || result.count(option) == 0,
              std::string("--") + option + ": with --distil the model is that of --init");
    require(!o.distil || result.count("label-smoothing") == 0, "--label-smoothing: --distil uses no labels");
    o.optimizer =
        choose<OptimizerKind>(result, "optimizer", {{"adamw", OptimizerKind::adamw}, {"muon", OptimizerKind::muon}});
    o.schedule =
        choose<ScheduleKind>(result, "schedule", {{"cosine", ScheduleKind::cosine}, {"wsd", ScheduleKind::wsd}});
    o.precision = choose<Precision>(result, "precision", {{"f32", Precision::f32}, {"bf16", Precision::bf16}});
  } catch (const std::exception &error) {
    throw UsageError(error.what());
  }
  require(mlp_ratio > 0 && mlp_ratio <= 64, "--mlp-ratio must be above 0 and at most 64");
  o.model.image_height = image_size;
  o.model.image_width = image_size;
  o.model.mlp_hidden = static_cast<int>(std::lround(mlp_ratio * o.model.channels));
  o.augmentation.flip = !no_flip;
  check(o);
  return o;
}

} // namespace intvit::train

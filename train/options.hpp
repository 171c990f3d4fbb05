// What a training run is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/program/usage_error.hpp"
#include "train/batches.hpp"
#include "train/optimizer.hpp"
#include "train/schedule.hpp"
#include "train/stlq_tuning.hpp"
#include "train/vit.hpp"

namespace intvit::train {

struct Options {
  std::string data;   // a folder or an archive, see load_dataset()
  std::string out;    // folder for the weights, config, log and checkpoints; created where missing
  std::string resume; // a checkpoint to go on from; empty: a new run
  std::string init;   // weights to start from (fine-tuning), with `distil` also the teacher; empty: random
  // The model of `init` is the teacher (load_teacher()): its classes' probabilities take the place of the labels, and
  // it tells the model, the classes and the preprocessing.
  bool distil = false;

  VitConfig model = default_vit(); // classes is set from the data; with `distil` it has no effect
  Augmentation augmentation;

  OptimizerKind optimizer = OptimizerKind::adamw;
  ScheduleKind schedule = ScheduleKind::cosine;
  double learning_rate = 1e-3;
  double weight_decay = 0.05;
  double clip = 1.0;        // limit of the gradient's norm
  double ema_decay = 0.999; // a step
  double warmup_epochs = 2;
  double cooldown_epochs = 0; // wsd only
  std::uint64_t epochs = 100;
  std::uint64_t batch_size = 128;
  std::uint64_t seed = 0;
  Precision precision = Precision::bf16;
  std::optional<StlqOptions> stlq; // fine-tuning of STLQ weights

  int threads = 0;               // 0: as many as LibTorch takes
  std::uint64_t eval_every = 1;  // epochs between evaluations on test/; the last epoch is always evaluated
  double checkpoint_minutes = 5; // between checkpoints inside an epoch; each epoch's end has one in any case
  double stop_after = 0;         // epochs after which this process stops, for runs in parts; 0: run to the end
};

// The options of a command line, or nothing after printing the help to stdout. Throws UsageError.
std::optional<Options> parse_options(int argc, const char *const *argv);

} // namespace intvit::train

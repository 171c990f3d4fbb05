// A training run: the loop over steps, evaluation, log, checkpoints.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "train/checkpoint.hpp"
#include "train/console.hpp"
#include "train/options.hpp"
#include "train/stlq_tuning.hpp"
#include "train/teacher.hpp"
#include "train/weights.hpp"

namespace intvit::train {

// Mean over a batch of the cross entropy with the softmax of the logits, both [B, classes].
torch::Tensor cross_entropy(const torch::Tensor &logits, const torch::Tensor &targets);

struct Score {
  double loss = 0; // mean cross entropy
  double top1 = 0; // percent
};

// Loss and accuracy on all pictures of a split, unchanged ones, in batches of 500.
Score evaluate(const Vit &model, const Split &split, const Normalization &normalization, Precision precision);

class Trainer {
public:
  // Reads the data and, where asked for, the teacher, the weights or the checkpoint. Throws std::runtime_error where
  // one of them is missing, damaged or does not fit.
  Trainer(const Options &options, Console &console);
  Trainer(const Trainer &) = delete;
  Trainer &operator=(const Trainer &) = delete;

  // Trains to the end, to options.stop_after, or until `interrupted` is set, and then writes a last checkpoint. Writes
  // to options.out: model.safetensors and config.json (the moving average) and log.csv after every epoch,
  // checkpoint.safetensors, and cooldown-start.safetensors, a checkpoint of the last step before a wsd run cools down.
  // Returns false where it was interrupted. Throws std::runtime_error where a file cannot be written or the loss is no
  // longer finite.
  bool run(const std::atomic<bool> &interrupted);

  // The weights' moving average, with STLQ as words without v, which is what is evaluated and written.
  const Vit &average() const { return average_; }

private:
  void resume();
  void start_stlq();
  void train_step(BatchQueue &queue);
  void finish_epoch();
  void save(const char *name) const;
  void show() const;
  // What is written: the average's parameters and, with STLQ, their units.
  std::vector<StateTensor> result() const;
  Checkpoint checkpoint() const;
  const std::vector<std::string> &labels() const { return teacher_ ? teacher_->labels : dataset_.classes; }

  Options options_;
  Console &console_;
  std::optional<Teacher> teacher_; // with distil
  Dataset dataset_;
  VitConfig config_; // of the model, complete
  Normalization normalization_;
  BatchPlan plan_;
  Schedule schedule_;
  Vit model_;
  Vit average_;
  // What the optimizer moves, and its moving average: the models' own parameters, but with STLQ the float weights
  // behind their words.
  std::vector<StateTensor> weights_;
  std::vector<StateTensor> averages_;
  Optimizer optimizer_;
  std::optional<StlqTuning> stlq_;
  RunProgress progress_;
  double seconds_a_step_ = 0; // running mean, for the display
};

} // namespace intvit::train

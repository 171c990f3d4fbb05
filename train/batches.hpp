// Turns pictures into training batches: random crop, flip, mixup or cutmix, soft targets; on one worker thread, ahead
// of the training thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <torch/types.h>

#include "train/dataset.hpp"

namespace intvit::train {

struct Augmentation {
  int padding = 4;              // pixels of border around a picture, of which crops are taken, see load_dataset()
  bool flip = true;             // mirror left and right with probability 1/2
  float mixup = 0;              // probability that a picture is blended with another one (Zhang et al., 2017)
  float cutmix = 0.5F;          // probability that a rectangle of another one is pasted in (Yun et al., 2019)
  float label_smoothing = 0.1F; // share of the target spread evenly over all classes
};

struct Batch {
  torch::Tensor images;  // float32 [B, 3, S, S], normalized
  torch::Tensor targets; // float32 [B, classes], rows sum to 1; without columns where pictures have no labels
};

// Normalizes a picture's bytes: (byte / 255 - mean) / deviation.
struct Normalization {
  ChannelStatistics statistics;

  float operator()(int channel, float byte) const {
    const auto c = static_cast<std::size_t>(channel);
    return (byte * (1.0F / 255) - static_cast<float>(statistics.mean[c])) / static_cast<float>(statistics.deviation[c]);
  }
};

// Pictures [first, first + count) of a split as they are, for evaluation: float32 [count, 3, side, side].
torch::Tensor plain_images(const Split &split, const Normalization &normalization, std::size_t first,
                           std::size_t count);

// What a batch is made from; the same plan and step give the same batch.
struct BatchPlan {
  const Dataset *dataset; // outlives the plan
  Augmentation augmentation;
  Normalization normalization;
  std::uint64_t seed;
  std::size_t batch_size; // at most the number of training pictures

  // An epoch visits every picture at most once; those that do not fill a last batch are left out.
  std::size_t steps_per_epoch() const { return dataset->train.size() / batch_size; }
};

// The batch of a step, counted from 0 over all epochs. `order` is epoch_order() of that step's epoch.
Batch make_batch(const BatchPlan &plan, const std::vector<std::uint32_t> &order, std::uint64_t step);

// The order in which an epoch visits the pictures.
std::vector<std::uint32_t> epoch_order(const BatchPlan &plan, std::uint64_t epoch);

// Makes the batches of steps [first, last) one after another on its own thread, at most four ahead.
class BatchQueue {
public:
  BatchQueue(BatchPlan plan, std::uint64_t first, std::uint64_t last);
  ~BatchQueue();
  BatchQueue(const BatchQueue &) = delete;
  BatchQueue &operator=(const BatchQueue &) = delete;

  // The next batch; waits for it. Rethrows what the worker threw. Not to be called after the last one.
  Batch pop();

private:
  void work(std::uint64_t first, std::uint64_t last);

  BatchPlan plan_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> ready_;
  std::exception_ptr failure_;
  bool stop_ = false;
  std::thread worker_; // last: starts when all of the above exists
};

} // namespace intvit::train

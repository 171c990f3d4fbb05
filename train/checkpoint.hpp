// The whole state of a run between two steps, in one safetensors file: weights, their moving average, optimizer state,
// the step, the log so far, and the recipe, which must be the same when the run goes on. Random numbers depend on the
// step alone (random.hpp) and need no state.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "train/vit.hpp"

namespace intvit::train {

struct RunProgress {
  std::uint64_t step = 0; // steps done
  double seconds = 0;     // spent training, over all parts of the run
  // Sums over the steps of the epoch under way.
  double loss_sum = 0;
  double correct = 0;
  // The plan of a wsd run, whose length may change until it cools down: the step at which it does, and its last.
  std::uint64_t cooldown_start = 0;
  std::uint64_t total_steps = 0;
  std::string log; // the CSV so far
};

struct Checkpoint {
  nlohmann::json recipe;            // see recipe()
  std::vector<StateTensor> tensors; // what is stored and restored, with their names in the file
};

// Writes a temporary file and renames it: after a failure the file of that name is whole and as it was. Throws
// std::runtime_error, naming the path.
void write_checkpoint(const std::string &path, const Checkpoint &checkpoint, const RunProgress &progress);

// Restores into checkpoint.tensors. Throws std::runtime_error, naming the path, where the file is not a checkpoint or
// its recipe differs (all differing settings are listed); then nothing has been restored.
RunProgress read_checkpoint(const std::string &path, const Checkpoint &checkpoint);

} // namespace intvit::train

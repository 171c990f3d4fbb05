// How much merged tokens change what an integer model answers.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/format/model_file.hpp"
#include "engine/image/image.hpp"
#include "engine/runtime/model.hpp"
#include "models/architectures/token_schedule.hpp"
#include "models/quantize/quantize.hpp"

namespace intvit {

// An integer model that merges nothing, of which those that merge are made in milliseconds. The input outlives it.
class MergingDraft {
public:
  MergingDraft(const QuantizeInput &input, const QuantizeOptions &options, const Progress &progress);

  const Network &network() const { return network_; }
  const FloatModel &model() const { return model_; }
  std::shared_ptr<const Model> merged(const TokenSchedule &schedule) const;

private:
  const FloatModel &model_;
  Network network_;
  ModelFile file_;
};

class MergingJudge {
public:
  // The draft and the images outlive it.
  MergingJudge(const MergingDraft &draft, std::span<const Image> images, int threads);

  // Of each image, how far the merging model is from the float model that merges nothing: the squared error of its
  // outputs over the mean square of all images. `best` are those of another schedule, or none: if it soon turns out
  // that this schedule has larger ones, there is no result.
  std::optional<std::vector<double>> errors(const TokenSchedule &schedule, const std::vector<double> &best = {}) const;

private:
  double error(std::size_t image, std::span<const double> outputs) const;

  const MergingDraft &draft_;
  std::span<const Image> images_;
  int threads_;
  bool classes_;
  std::vector<std::vector<double>> expected_; // of each image: outputs, of classes without their mean
  double mean_square_ = 0;
};

} // namespace intvit

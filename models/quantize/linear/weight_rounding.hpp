// How the weights of a linear map become integers with a scale per output channel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <variant>
#include <vector>

#include "models/architectures/stlq_words.hpp"
#include "models/architectures/weights.hpp"
#include "models/quantize/codes/arithmetic.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

// Multiples of `step` up to `steps` times that on either side of 0: by default all of [-127, 127].
class UniformGrid {
public:
  explicit UniformGrid(int step = 1, int steps = 127) : step_(step), steps_(steps) {}

  int largest() const { return step_ * steps_; }
  int step() const { return step_; }
  int steps() const { return steps_; }
  std::int8_t nearest(double weight, Eigen::Index /*output*/, Eigen::Index /*input*/) const {
    const double most = steps_;
    return static_cast<std::int8_t>(step_ * static_cast<int>(std::clamp(round_to_even(weight / step_), -most, most)));
  }

private:
  int step_;
  int steps_; // on either side of 0
};

// What words of four bits decode to (kernels/four_bits.hpp), with second words and without.
class WordGrid {
public:
  // `two_words`: a bit for each weight, row-major; empty: none has a second word.
  WordGrid(const FourBitStorage &storage, Eigen::Index inputs, std::vector<bool> two_words = {})
      : inputs_(inputs), two_words_(std::move(two_words)), one_word_values_(storage, false),
        two_words_values_(storage, true), largest_(std::max<int>(-one_word_values_(-128), one_word_values_(127))) {}

  // Of one word.
  int largest() const { return largest_; }
  const stlq::NearestValues &values(bool two_words) const { return two_words ? two_words_values_ : one_word_values_; }
  std::int8_t nearest(double weight, Eigen::Index output, Eigen::Index input) const {
    return values(!two_words_.empty() && two_words_[static_cast<std::size_t>(output * inputs_ + input)])(weight);
  }

private:
  Eigen::Index inputs_;
  std::vector<bool> two_words_;
  stlq::NearestValues one_word_values_;
  stlq::NearestValues two_words_values_;
  int largest_;
};

using WeightGrid = std::variant<UniformGrid, WordGrid>;

// Scales to try for a row.
struct Scales {
  std::span<const double>
      percent; // of the scale with which the row's largest weight becomes the grid's largest integer
  double largest = std::numeric_limits<double>::infinity(); // no scale may be larger
  const Eigen::ArrayXd *of_rows = nullptr;                  // where they are chosen: the scale of each row

  std::size_t count() const { return of_rows != nullptr ? 1 : percent.size(); }
  // The index-th of a row whose largest weight is `largest_weight`.
  double candidate(std::size_t index, Eigen::Index row, double largest_weight, int largest_integer) const {
    if (of_rows != nullptr)
      return (*of_rows)[row];
    return std::min(largest_weight * percent[index] / 100.0 / largest_integer, largest);
  }
};
Scales scale_candidates(WeightLevels levels, const QuantizeOptions &options);

struct RoundedWeights {
  std::vector<std::int8_t> values; // [out, in], row-major
  Eigen::ArrayXd scale;            // of each output
  double error = 0;                // the expected squared error, summed over all outputs
};

// Rows of `weight` times the input's scales, each weight to the nearest integer of the grid, with the best of
// `scales`. `variance`: of each input's code, which is what an error of its weights costs.
RoundedWeights round_to_nearest(const RowMatrix &weight, const Eigen::ArrayXd &input_scale,
                                const Eigen::ArrayXd &variance, const WeightGrid &grid, const Scales &scales,
                                int threads);

// The error of round_to_nearest() with the scale that fits each row's largest weight, but none above `largest_scale`:
// for a search, which asks for many scales of the inputs.
class NearestError {
public:
  // Keeps references.
  NearestError(const RowMatrix &weight, const WeightGrid &grid, double largest_scale, int threads);

  double operator()(const Eigen::ArrayXd &input_scale, const Eigen::ArrayXd &variance) const;

private:
  double of_uniform(const UniformGrid &grid, const Eigen::ArrayXd &input_scale, const Eigen::ArrayXd &variance) const;

  const RowMatrix &weight_;
  const WeightGrid &grid_;
  Scales scales_;
  int threads_;
  std::vector<float> panels_; // [group of rows][input][row of the group]
};

// Rounds the weights of a row one after the other. Before each rounding the weight is corrected by the errors of those
// that were rounded before it, so that the error of the layer's output over the samples is small (GPTQ, arXiv
// 2210.17323, in the form of LDLQ, arXiv 2307.13304). `codes`: sampled input codes minus their means, one channel in
// each row.
RoundedWeights round_compensating(const RowMatrix &weight, const Eigen::ArrayXd &input_scale, const RowMatrix &codes,
                                  const Eigen::ArrayXd &variance, const WeightGrid &grid, const Scales &scales,
                                  int threads);

} // namespace intvit

#include "models/quantize/merging_judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "engine/runtime/session.hpp"
#include "models/parallel.hpp"
#include "models/quantize/merged_model.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

template <typename T> T value_of(Result<T> result) {
  if (!result.ok())
    throw std::runtime_error(result.status().message());
  return std::move(*result);
}

QuantizeOptions without_merging(QuantizeOptions options) {
  options.tokens = {};
  options.any_token_size = true;
  return options;
}

QuantizeInput without_report(const QuantizeInput &input) {
  QuantizeInput draft = input;
  draft.report = {};
  return draft;
}

// What all logits have in common decides nothing.
void centre(std::vector<double> &logits) {
  const double mean = std::accumulate(logits.begin(), logits.end(), 0.0) / static_cast<double>(logits.size());
  for (double &logit : logits)
    logit -= mean;
}

double sum_of(const std::vector<double> &values, std::size_t count) {
  return std::accumulate(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count), 0.0);
}

// After so many images, whether there is no hope left: errors of images vary about as much as they are large.
bool clearly_worse(const std::vector<double> &errors, const std::vector<double> &best, std::size_t count) {
  return sum_of(errors, count) > sum_of(best, count) * (1 + 0.6 / std::sqrt(static_cast<double>(count)));
}

} // namespace

MergingDraft::MergingDraft(const QuantizeInput &input, const QuantizeOptions &options, const Progress &progress)
    : model_(input.model), network_(intvit::network(input.model)),
      file_(value_of(
          ModelFile::parse(quantize(without_report(input), without_merging(options), progress), "unmerged model"))) {}

std::shared_ptr<const Model> MergingDraft::merged(const TokenSchedule &schedule) const {
  Network merged = network_;
  merge_tokens(merged, schedule);
  return value_of(Model::create(merged_model(file_, merged), kernels::default_kernels(), any_work));
}

MergingJudge::MergingJudge(const MergingDraft &draft, std::span<const Image> images, int threads)
    : draft_(draft), images_(images), threads_(threads),
      classes_(common_config(draft.model()).result_kind() == ResultKind::logits), expected_(images.size()) {
  parallel_for(threads_, images.size(), [&](std::size_t i, std::size_t) {
    const std::vector<float> outputs = reference::forward(draft.network(), images[i]);
    expected_[i].assign(outputs.begin(), outputs.end());
    if (classes_)
      centre(expected_[i]);
  });
  for (const std::vector<double> &outputs : expected_)
    mean_square_ +=
        std::inner_product(outputs.begin(), outputs.end(), outputs.begin(), 0.0) / static_cast<double>(images.size());
}

double MergingJudge::error(std::size_t image, std::span<const double> outputs) const {
  const std::vector<double> &expected = expected_[image];
  double sum = 0;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const double difference = outputs[k] - expected[k];
    sum += difference * difference;
  }
  return sum / std::max(mean_square_, 1e-30);
}

std::optional<std::vector<double>> MergingJudge::errors(const TokenSchedule &schedule,
                                                        const std::vector<double> &best) const {
  constexpr std::size_t at_once = 32; // images, after which the errors so far are looked at
  const std::shared_ptr<const Model> model = draft_.merged(schedule);
  std::vector<Session> sessions;
  sessions.reserve(static_cast<std::size_t>(threads_));
  for (int thread = 0; thread < threads_; ++thread)
    sessions.push_back(value_of(Session::create(model, {.threads = 1})));
  const int fraction_bits = model->has_head() ? model->logit_fraction_bits() : model->feature_fraction_bits();
  std::vector<double> errors(images_.size());
  for (std::size_t begin = 0; begin < images_.size(); begin += at_once) {
    const std::size_t count = std::min(at_once, images_.size() - begin);
    parallel_for(threads_, count, [&](std::size_t i, std::size_t thread) {
      const std::array<const std::uint8_t *, 1> pixels{images_[begin + i].rgb.data()};
      if (const Status status = sessions[thread].run(pixels); !status.ok())
        throw std::runtime_error(status.message());
      std::vector<double> outputs;
      outputs.reserve(expected_[begin + i].size());
      for (const std::int32_t output : sessions[thread].logits())
        outputs.push_back(std::ldexp(output, -fraction_bits));
      if (classes_)
        centre(outputs);
      errors[begin + i] = error(begin + i, outputs);
    });
    if (!best.empty() && begin + count < images_.size() && clearly_worse(errors, best, begin + count))
      return std::nullopt;
  }
  if (!best.empty() && sum_of(errors, errors.size()) >= sum_of(best, errors.size()))
    return std::nullopt;
  return errors;
}

} // namespace intvit

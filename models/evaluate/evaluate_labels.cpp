#include "models/evaluate/evaluate_labels.hpp"

#include <algorithm>

#include "models/evaluate/measures.hpp"

namespace intvit {

namespace {

bool holds(const MultiLabelImage &image, int label) {
  return std::binary_search(image.labels.begin(), image.labels.end(), label);
}

std::optional<double> percent_of(std::optional<double> share) {
  return share ? std::optional(100 * *share) : std::nullopt;
}

// `outputs`: of each image; empty where it could not be read. `occurring` becomes the number of labels that occur.
template <typename T>
LabelMeasures label_measures_of(const std::vector<std::vector<T>> &outputs, std::span<const MultiLabelImage> images,
                                int labels, int &occurring) {
  Decisions decisions;
  double sum = 0;
  occurring = 0;
  for (int label = 0; label < labels; ++label) {
    std::vector<double> column;
    std::vector<bool> truth;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (!outputs[i].empty()) {
        column.push_back(static_cast<double>(outputs[i][static_cast<std::size_t>(label)]));
        truth.push_back(holds(images[i], label));
        decisions.add(is_decided(column.back()), truth.back());
      }
    if (const std::optional<double> precision = average_precision(column, truth)) {
      sum += *precision;
      ++occurring;
    }
  }
  LabelMeasures measures;
  if (occurring > 0)
    measures.mean_average_precision = 100 * sum / occurring;
  measures.f1 = percent_of(decisions.f1());
  measures.right = 100 * decisions.right();
  return measures;
}

} // namespace

LabelEvaluation evaluate_labels(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                                std::span<const MultiLabelImage> images, const Recipe &recipe, int threads,
                                const std::function<bool(std::size_t)> &proceed) {
  std::vector<std::vector<std::int32_t>> integers(images.size());
  std::vector<std::vector<float>> floats(images.size());
  LabelEvaluation result;
  result.runs = run_models(
      model, float_model, paths_of(images), recipe, threads,
      [&](const ImageOutputs &outputs) {
        integers[outputs.image].assign(outputs.integers.begin(), outputs.integers.end());
        floats[outputs.image].assign(outputs.floats.begin(), outputs.floats.end());
      },
      proceed);
  result.measures = label_measures_of(integers, images, model->classes(), result.occurring);
  if (float_model == nullptr)
    return result;
  LabelComparison comparison;
  comparison.measures = label_measures_of(floats, images, model->classes(), result.occurring);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::vector<double> found(integers[i].begin(), integers[i].end());
    const std::vector<double> expected(floats[i].begin(), floats[i].end());
    if (found.empty())
      continue;
    comparison.agreement += decided_alike(found, expected);
    comparison.cosine += cosine(found, expected);
  }
  const double count = static_cast<double>(std::max<std::size_t>(result.runs.images, 1));
  comparison.agreement = comparison.agreement * 100 / count;
  comparison.cosine /= count;
  result.float_comparison = comparison;
  return result;
}

} // namespace intvit

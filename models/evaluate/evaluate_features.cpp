#include "models/evaluate/evaluate_features.hpp"

#include <cmath>
#include <set>
#include <stdexcept>

#include "models/evaluate/measures.hpp"

namespace intvit {

namespace {

using FeatureRows = std::vector<std::vector<double>>;

std::optional<double> nearest_of_group(const FeatureRows &features, const std::vector<std::string> &groups) {
  if (std::set<std::string>(groups.begin(), groups.end()).size() < 2)
    return std::nullopt;
  std::size_t right = 0;
  for (std::size_t i = 0; i < features.size(); ++i)
    right += groups[nearest_to(i, features)] == groups[i] ? 1U : 0U;
  return 100 * static_cast<double>(right) / static_cast<double>(features.size());
}

} // namespace

FeatureEvaluation evaluate_features(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                                    std::span<const GroupedImage> images, const Recipe &recipe, int threads,
                                    const std::function<bool(std::size_t)> &proceed) {
  FeatureRows integers(images.size());
  FeatureRows floats(images.size());
  FeatureEvaluation result;
  result.runs = run_models(
      model, float_model, paths_of(images), recipe, threads,
      [&](const ImageOutputs &outputs) {
        for (const std::int32_t value : outputs.integers)
          integers[outputs.image].push_back(std::ldexp(value, -model->logit_fraction_bits()));
        floats[outputs.image].assign(outputs.floats.begin(), outputs.floats.end());
      },
      proceed);
  FeatureRows found;
  FeatureRows expected;
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < images.size(); ++i)
    if (!integers[i].empty()) {
      found.push_back(std::move(integers[i]));
      expected.push_back(std::move(floats[i]));
      groups.push_back(images[i].group);
    }
  if (found.empty())
    return result;
  if (found.size() < 3)
    throw std::runtime_error("neighbours of " + std::to_string(found.size()) + " images tell nothing, give more");
  result.nearest = nearest_of_group(found, groups);
  if (float_model == nullptr)
    return result;
  FeatureComparison comparison;
  comparison.nearest = nearest_of_group(expected, groups);
  comparison.neighbours = 100 * neighbour_agreement(expected, found);
  for (std::size_t i = 0; i < found.size(); ++i)
    comparison.cosine += cosine(found[i], expected[i]) / static_cast<double>(found.size());
  result.float_comparison = comparison;
  return result;
}

} // namespace intvit

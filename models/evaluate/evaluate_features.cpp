#include "models/evaluate/evaluate_features.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "models/evaluate/measures.hpp"

namespace intvit {

namespace {

using FeatureRows = std::vector<std::vector<double>>;

std::optional<double> nearest_of_group(const std::vector<std::size_t> &nearest,
                                       const std::vector<std::string> &groups) {
  if (std::set<std::string>(groups.begin(), groups.end()).size() < 2)
    return std::nullopt;
  std::size_t right = 0;
  for (std::size_t i = 0; i < nearest.size(); ++i)
    right += groups[nearest[i]] == groups[i] ? 1U : 0U;
  return 100 * static_cast<double>(right) / static_cast<double>(nearest.size());
}

} // namespace

FeatureEvaluation evaluate_features(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                                    std::span<const GroupedImage> images, const Recipe &recipe, int threads,
                                    const std::function<bool(std::size_t)> &proceed) {
  FeatureRows integers(std::min(images.size(), max_neighbours));
  FeatureRows floats(integers.size());
  std::vector<double> cosines(images.size()); // 0 of those that could not be read
  FeatureEvaluation result;
  result.runs = run_models(
      model, float_model, paths_of(images), recipe, threads,
      [&](const ImageOutputs &outputs) {
        std::vector<double> features;
        for (const std::int32_t value : outputs.integers)
          features.push_back(std::ldexp(value, -model->logit_fraction_bits()));
        std::vector<double> expected(outputs.floats.begin(), outputs.floats.end());
        if (float_model != nullptr)
          cosines[outputs.image] = cosine(features, expected);
        if (outputs.image < integers.size()) {
          integers[outputs.image] = std::move(features);
          floats[outputs.image] = std::move(expected);
        }
      },
      proceed);
  FeatureRows found;
  FeatureRows expected;
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < integers.size(); ++i)
    if (!integers[i].empty()) {
      found.push_back(std::move(integers[i]));
      expected.push_back(std::move(floats[i]));
      groups.push_back(images[i].group);
    }
  if (found.size() < fewest_neighbours)
    return result;
  const auto asked = [&] { return proceed(images.size()); };
  const std::optional<std::vector<std::size_t>> nearest = nearest_others(found, asked);
  if (!nearest)
    return result;
  result.nearest = nearest_of_group(*nearest, groups);
  if (float_model == nullptr)
    return result;
  const std::optional<std::vector<std::size_t>> float_nearest = nearest_others(expected, asked);
  if (!float_nearest)
    return result;
  result.float_comparison = {.nearest = nearest_of_group(*float_nearest, groups),
                             .cosine = std::accumulate(cosines.begin(), cosines.end(), 0.0) /
                                       static_cast<double>(result.runs.images),
                             .neighbours = 100 * neighbour_agreement(*float_nearest, *nearest)};
  return result;
}

} // namespace intvit

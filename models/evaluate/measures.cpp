#include "models/evaluate/measures.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>

namespace intvit {

namespace {

// Every number less the mean of all.
std::vector<double> from_mean(std::span<const double> values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::vector<double> differences;
  differences.reserve(values.size());
  for (const double value : values)
    differences.push_back(value - mean);
  return differences;
}

} // namespace

std::optional<std::vector<std::size_t>> nearest_others(std::span<const std::vector<double>> features,
                                                       const std::function<bool()> &proceed) {
  std::vector<std::vector<double>> units(features.begin(), features.end()); // a cosine is their product
  for (std::vector<double> &unit : units) {
    const double squares = std::inner_product(unit.begin(), unit.end(), unit.begin(), 0.0);
    for (double &value : unit)
      value = squares > 0 ? value / std::sqrt(squares) : 0;
  }
  std::vector<std::size_t> nearest;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (!proceed())
      return std::nullopt;
    std::optional<std::size_t> best;
    double largest = 0;
    for (std::size_t other = 0; other < units.size(); ++other) {
      if (other == i)
        continue;
      const double near = std::inner_product(units[i].begin(), units[i].end(), units[other].begin(), 0.0);
      if (!best || near > largest) {
        best = other;
        largest = near;
      }
    }
    nearest.push_back(best.value_or(i));
  }
  return nearest;
}

double neighbour_agreement(std::span<const std::size_t> a, std::span<const std::size_t> b) {
  std::size_t same = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    same += a[i] == b[i] ? 1U : 0U;
  return static_cast<double>(same) / static_cast<double>(a.size());
}

double cosine(std::span<const double> a, std::span<const double> b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

bool in_top(std::span<const double> logits, int label, int k) {
  const auto index = static_cast<std::size_t>(label);
  int ahead = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    ahead += logits[i] > logits[index] || (i < index && logits[i] == logits[index]) ? 1 : 0;
  return ahead < k;
}

std::optional<double> average_precision(std::span<const double> outputs, const std::vector<bool> &holds) {
  const auto all = std::count(holds.begin(), holds.end(), true);
  if (all == 0)
    return std::nullopt;
  std::vector<std::size_t> order(outputs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return outputs[a] > outputs[b]; });
  double sum = 0;
  std::int64_t found = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    std::int64_t gain = 0;
    for (; end < order.size() && outputs[order[end]] == outputs[order[begin]]; ++end)
      gain += holds[order[end]] ? 1 : 0;
    found += gain;
    sum += static_cast<double>(gain) * static_cast<double>(found) / static_cast<double>(end);
    begin = end;
  }
  return sum / static_cast<double>(all);
}

double decided_alike(std::span<const double> a, std::span<const double> b) {
  std::size_t same = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    same += is_decided(a[i]) == is_decided(b[i]) ? 1U : 0U;
  return static_cast<double>(same) / static_cast<double>(a.size());
}

void Decisions::add(bool decided, bool holds) {
  if (decided != holds)
    ++wrong_;
  else
    ++(holds ? right_yes_ : right_no_);
}

std::optional<double> Decisions::f1() const {
  // Every wrong decision is one yes: either decided, or one that holds.
  const std::int64_t yes = 2 * right_yes_ + wrong_;
  return yes == 0 ? std::nullopt : std::optional(2 * static_cast<double>(right_yes_) / static_cast<double>(yes));
}

double Decisions::right() const {
  const std::int64_t right = right_yes_ + right_no_;
  return right == 0 ? 0 : static_cast<double>(right) / static_cast<double>(right + wrong_);
}

double mean_absolute_error(std::span<const double> expected, std::span<const double> found) {
  double sum = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    sum += std::abs(found[i] - expected[i]);
  return expected.empty() ? 0 : sum / static_cast<double>(expected.size());
}

double root_mean_square_error(std::span<const double> expected, std::span<const double> found) {
  double sum = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    sum += (found[i] - expected[i]) * (found[i] - expected[i]);
  return expected.empty() ? 0 : std::sqrt(sum / static_cast<double>(expected.size()));
}

std::optional<double> correlation(std::span<const double> a, std::span<const double> b) {
  // The mean of equal numbers need not be their value, so this is asked before it is taken off.
  const auto all_equal = [](std::span<const double> values) {
    return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
  };
  if (all_equal(a) || all_equal(b))
    return std::nullopt;
  return cosine(from_mean(a), from_mean(b));
}

} // namespace intvit

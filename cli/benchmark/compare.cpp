#include "cli/benchmark/compare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "cli/text.hpp"
#include "models/program/text_file.hpp"

namespace intvit::cli {

namespace {

using nlohmann::json;

constexpr std::size_t parts = 10;

// Student's t that is exceeded to either side with a probability of 1 %.
double student_99(double degrees) {
  constexpr std::array<double, 30> table = {63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169,
                                            3.106,  3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845,
                                            2.831,  2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750};
  const double index = std::floor(std::max(1.0, degrees));
  if (index <= static_cast<double>(table.size()))
    return table[static_cast<std::size_t>(index) - 1];
  constexpr double normal = 2.576;
  return normal * (1 + (1 + normal * normal) / (4 * index));
}

Change change_of_logarithm(double middle, double uncertainty) {
  return {std::expm1(middle), std::expm1(middle - uncertainty), std::expm1(middle + uncertainty)};
}

// The logarithms of the medians of consecutive parts.
std::vector<double> part_medians(const std::vector<double> &times) {
  const std::size_t count = std::min(parts, times.size());
  std::vector<double> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(std::log(median({times.begin() + static_cast<std::ptrdiff_t>(i * times.size() / count),
                                      times.begin() + static_cast<std::ptrdiff_t>((i + 1) * times.size() / count)})));
  return result;
}

// The mean without the least and the greatest fifth, and its 99 % interval by Tukey and McLaughlin: the deviation is
// that of the values with the outer fifths pulled to the next.
struct TrimmedMean {
  explicit TrimmedMean(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t cut = values.size() / 5;
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(cut);
    const auto last = values.end() - static_cast<std::ptrdiff_t>(cut);
    mean = cli::mean({first, last});
    std::fill(values.begin(), first, *first);
    std::fill(last, values.end(), *(last - 1));
    const auto kept = static_cast<double>(last - first);
    const auto all = static_cast<double>(values.size());
    uncertainty = student_99(kept - 1) * deviation(values) * std::sqrt(all) / kept;
  }

  double mean = 0;
  double uncertainty = 0;
};

std::string text_at(const json &object, const char *key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int integer_at(const json &object, const char *key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

bool is_of(const json &object, const Combination &measured) {
  return object.is_object() &&
         text_at(object, measured.is_architecture ? "arch" : "model") == path_text(measured.name) &&
         text_at(object, "weights") == measured.weights && text_at(object, "isa") == measured.isa &&
         integer_at(object, "threads") == measured.threads && integer_at(object, "batch") == measured.batch;
}

// The samples of a result; empty where there are none.
std::vector<double> stored_samples(const json &object) {
  std::vector<double> samples;
  const auto found = object.find("samples_ms");
  if (found != object.end() && found->is_array())
    for (const json &value : *found)
      if (value.is_number() && value.get<double>() > 0)
        samples.push_back(value.get<double>());
  return samples;
}

std::string signed_percent(double share) {
  return (share < 0 ? "" : "+") + percent(share);
}

} // namespace

double mean_uncertainty(double deviation, std::size_t count) {
  return student_99(static_cast<double>(count - 1)) * deviation / std::sqrt(static_cast<double>(count));
}

Change paired_change(const std::vector<double> &now, const std::vector<double> &other) {
  std::vector<double> logarithms;
  for (std::size_t i = 0; i < now.size(); ++i)
    logarithms.push_back(std::log(now[i] / other[i]));
  const TrimmedMean trimmed(std::move(logarithms));
  return change_of_logarithm(trimmed.mean, trimmed.uncertainty);
}

Change unpaired_change(const std::vector<double> &now, const std::vector<double> &other) {
  const std::vector<double> a = part_medians(now);
  const std::vector<double> b = part_medians(other);
  // Welch's interval of the difference of two means.
  const double variance_a = std::pow(deviation(a), 2) / static_cast<double>(a.size());
  const double variance_b = std::pow(deviation(b), 2) / static_cast<double>(b.size());
  const double variance = variance_a + variance_b;
  double uncertainty = 0;
  if (variance > 0) {
    const double degrees = variance * variance /
                           (variance_a * variance_a / static_cast<double>(a.size() - 1) +
                            variance_b * variance_b / static_cast<double>(b.size() - 1));
    uncertainty = student_99(degrees) * std::sqrt(variance);
  }
  return change_of_logarithm(std::log(median(now) / median(other)), std::max(drift, uncertainty));
}

std::string verdict(const Change &change) {
  return change.low > least_change ? "slower" : change.high < -least_change ? "faster" : "same";
}

std::vector<Comparison> compare_with(const std::string &path, const std::vector<ForwardResult> &results) {
  const json before = json::parse(read_text_file(path), nullptr, false);
  if (!before.is_object() || !before.contains("results") || !before["results"].is_array())
    throw std::runtime_error(path + ": is no result of intvit bench --format json");
  std::vector<Comparison> comparisons;
  for (const ForwardResult &result : results) {
    Comparison &comparison = comparisons.emplace_back(Comparison{result, result.samples.median(), 0, {}, "", 0});
    const auto found = std::find_if(before["results"].begin(), before["results"].end(),
                                    [&](const json &object) { return is_of(object, result); });
    const std::vector<double> samples =
        found != before["results"].end() ? stored_samples(*found) : std::vector<double>();
    if (samples.size() < 2 || result.samples.milliseconds.size() < 2) {
      comparison.verdict = samples.empty() ? "not measured before" : "too few runs";
      continue;
    }
    comparison.other_ms = median(samples);
    comparison.change = unpaired_change(result.samples.milliseconds, samples);
    const bool disturbed = result.samples.disturbed || found->value("disturbed", json(false)) == json(true);
    comparison.verdict = disturbed ? "disturbed" : verdict(comparison.change);
  }
  return comparisons;
}

Table comparison_table(const std::vector<Comparison> &comparisons) {
  Table table{{"model", "isa", "threads", "batch", "now ms", "other ms", "change", "from", "to", "verdict"}, {}, 4};
  for (const Comparison &comparison : comparisons) {
    std::vector<std::string> cells = identity_cells(comparison);
    cells.push_back(significant(comparison.now_ms));
    if (comparison.other_ms > 0) {
      cells.push_back(significant(comparison.other_ms));
      for (const double share : {comparison.change.value, comparison.change.low, comparison.change.high})
        cells.push_back(signed_percent(share));
    }
    cells.resize(table.columns.size() - 1);
    cells.push_back(comparison.verdict);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

} // namespace intvit::cli

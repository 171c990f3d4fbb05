#include "cli/benchmark/samples.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace intvit::cli {

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double mean(const std::vector<double> &values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation(const std::vector<double> &values) {
  if (values.size() < 2)
    return 0;
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values)
    sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
}

void Samples::settle(std::size_t least, int threads) {
  const auto clean =
      static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [](const Run &run) { return !run.disturbed; }));
  const bool put_aside = least > 0 && clean >= least;
  WorkTime all;
  milliseconds.clear();
  for (Run &run : runs) {
    run.counted = !(put_aside && run.disturbed);
    if (run.counted)
      milliseconds.push_back(run.milliseconds);
    all.seconds += run.milliseconds;
    all.processor_seconds += run.processor_milliseconds;
  }
  lost = lost_share(all, threads);
  disturbed = !put_aside && (runs.size() - clean) * 10 > runs.size();
  unsteady = !disturbed && milliseconds.size() >= 10 && spread() > steady_spread;
  disturbed |= unsteady;
}

double Samples::quantile(double share) const {
  return cli::quantile(milliseconds, share);
}

double Samples::median() const {
  return cli::median(milliseconds);
}

double Samples::spread() const {
  return median() / quantile(0.1) - 1;
}

double Samples::mean() const {
  return cli::mean(milliseconds);
}

double Samples::deviation() const {
  return cli::deviation(milliseconds);
}

double Samples::processor_milliseconds() const {
  std::vector<double> times;
  for (const Run &run : runs)
    times.push_back(run.processor_milliseconds);
  return cli::median(times);
}

double Samples::gmac_per_s() const {
  return static_cast<double>(multiply_accumulates) / median() * 1e-6;
}

double Samples::peak() const {
  return cli::median(peak_gmac_per_s);
}

double Samples::bandwidth() const {
  return cli::median(bandwidth_gb_per_s);
}

} // namespace intvit::cli

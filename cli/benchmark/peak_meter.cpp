#include "cli/benchmark/peak_meter.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace intvit::cli {

namespace {

constexpr int bursts = 20;
constexpr double burst_seconds = 0.25e-3;
constexpr std::int64_t most_steps = std::int64_t{1} << 40;

} // namespace

PeakMeter::PeakMeter(const kernels::KernelTable &kernels, int threads)
    : kernels_(kernels), workers_(threads), rates_(static_cast<std::size_t>(workers_.size())) {
  while (steps_ < most_steps && burst().seconds < burst_seconds)
    steps_ *= 2;
}

double PeakMeter::gmac_per_s() {
  workers_.run(
      [](const Team &team, void *context) {
        auto &meter = *static_cast<PeakMeter *>(context);
        team.barrier();
        double best = 0;
        for (int i = 0; i < bursts; ++i) {
          const Burst burst = meter.burst();
          best = std::max(best, static_cast<double>(burst.multiply_accumulates) / burst.seconds);
        }
        meter.rates_[static_cast<std::size_t>(team.index)] = best;
      },
      this);
  return std::accumulate(rates_.begin(), rates_.end(), 0.0) * 1e-9;
}

PeakMeter::Burst PeakMeter::burst() const {
  const auto begin = std::chrono::steady_clock::now();
  const std::int64_t done = kernels_.peak(steps_);
  return {done, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

} // namespace intvit::cli

#include "cli/benchmark/bandwidth.hpp"

#include <algorithm>
#include <chrono>

#include <unistd.h>

namespace intvit::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int passes = 5;

// Four times the size of the largest cache, so that at most a quarter of what a pass reads can still be in the cache
// from the pass before. Limited to what small boards can allocate and what is enough on large servers. sysconf() gives
// 0 or less where the system does not tell a cache's size.
std::size_t block_bytes() {
  constexpr long least = 64L << 20;
  constexpr long most = 1L << 30;
#ifdef _SC_LEVEL3_CACHE_SIZE
  const long cache = std::max(::sysconf(_SC_LEVEL3_CACHE_SIZE), ::sysconf(_SC_LEVEL2_CACHE_SIZE));
#else
  const long cache = 0;
#endif
  return static_cast<std::size_t>(std::clamp(4 * std::max(cache, 0L), least, most));
}

// Adds up in sixteen independent sums, which compilers turn into vector instructions. A sanitizer's checks of every
// word are not what is to be measured.
#ifdef __clang__
[[clang::no_sanitize("address", "coverage", "thread", "undefined")]]
#endif
std::uint64_t
read(const std::uint64_t *words, std::size_t count) {
  std::uint64_t sums[16] = {};
  for (std::size_t i = 0; i + 16 <= count; i += 16)
    for (std::size_t j = 0; j < 16; ++j)
      sums[j] += words[i + j];
  std::uint64_t sum = 0;
  for (const std::uint64_t value : sums)
    sum ^= value;
  return sum;
}

} // namespace

BandwidthMeter::BandwidthMeter(int threads)
    : workers_(threads), block_(block_bytes() / sizeof(std::uint64_t), 1),
      sums_(static_cast<std::size_t>(workers_.size())) {}

double BandwidthMeter::gb_per_s() {
  best_seconds_ = 0;
  workers_.run(
      [](const Team &team, void *context) {
        auto &meter = *static_cast<BandwidthMeter *>(context);
        const std::size_t part = meter.block_.size() / static_cast<std::size_t>(team.size);
        for (int i = 0; i < passes; ++i) {
          team.barrier();
          const Clock::time_point begin = Clock::now();
          // The sum is kept: otherwise the compiler would remove the reading.
          meter.sums_[static_cast<std::size_t>(team.index)] +=
              read(meter.block_.data() + part * static_cast<std::size_t>(team.index), part);
          team.barrier(); // a pass takes as long as its slowest thread
          const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
          if (team.index == 0 && (i == 0 || seconds < meter.best_seconds_))
            meter.best_seconds_ = seconds;
        }
      },
      this);
  const std::size_t part = block_.size() / sums_.size();
  return static_cast<double>(part * sums_.size() * sizeof(std::uint64_t)) / best_seconds_ * 1e-9;
}

} // namespace intvit::cli

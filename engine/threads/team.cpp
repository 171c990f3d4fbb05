#include "engine/threads/team.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <thread>

#include "engine/threads/cgroup.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __linux__
#include <sched.h>
#endif

namespace intvit {

namespace {

#if defined(_OPENMP) && defined(__linux__)
int affinity_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}
#endif

// How often a waiting thread looks for the others before it offers its processor to whoever else wants it: some ten
// microseconds, longer than the threads of an undisturbed team are apart.
constexpr int spins = 10'000;

long long parts(long long count, long long size) {
  return (count + size - 1) / size;
}

// Part `index` of `size` of `count` tasks, cut between grains.
kernels::Range part(int count, int grain, int index, int size) {
  const long long grains = parts(count, grain);
  const auto bound = [&](int i) { return static_cast<int>(std::min<long long>(count, grains * i / size * grain)); };
  return {bound(index), bound(index + 1)};
}

} // namespace

int default_threads() {
#ifndef _OPENMP
  return 1;
#else
  const char *asked = std::getenv("OMP_NUM_THREADS");
  if (asked != nullptr && *asked != '\0')
    return std::max(1, omp_get_max_threads());
#ifdef __linux__
  const int processors = affinity_processors();
  const int quota = cgroup_quota();
  return std::max(1, quota > 0 ? std::min(processors, quota) : processors);
#else
  return std::max(1, omp_get_num_procs());
#endif
#endif
}

kernels::Range Team::share(int count, int grain) const {
  return part(count, grain, index, size);
}

Rectangle Team::share(Tiled rows, Tiled columns) const {
  long long least = std::numeric_limits<long long>::max();
  int across = 1; // parts along the columns
  for (int along = size; along >= 1; --along) {
    if (size % along != 0)
      continue;
    const long long tiles =
        parts(parts(rows.count, rows.grain), along) * parts(parts(columns.count, columns.grain), size / along);
    if (tiles < least) {
      least = tiles;
      across = size / along;
    }
  }
  return {part(rows.count, rows.grain, index / across, size / across),
          part(columns.count, columns.grain, index % across, across)};
}

void Team::barrier() const {
  if (size == 1)
    return;
  const unsigned round = meeting->round.load(std::memory_order_acquire);
  if (meeting->arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
    meeting->arrived.store(0, std::memory_order_relaxed);
    meeting->round.store(round + 1, std::memory_order_release);
    return;
  }
  for (int i = 0; i < spins; ++i)
    if (meeting->round.load(std::memory_order_acquire) != round)
      return;
  while (meeting->round.load(std::memory_order_acquire) == round)
    std::this_thread::yield();
}

void run_team(int threads, void (*work)(const Team &team, void *context), void *context) {
#ifdef _OPENMP
  if (threads > 1) {
    Team::Meeting meeting;
#pragma omp parallel num_threads(threads)
    work(Team{omp_get_thread_num(), omp_get_num_threads(), &meeting}, context);
    return;
  }
#else
  static_cast<void>(threads);
#endif
  work(Team{}, context);
}

} // namespace intvit

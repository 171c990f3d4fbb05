#include "engine/threads/team.hpp"

#include <algorithm>
#include <limits>
#include <thread>

namespace intvit {

namespace {

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

bool Team::barrier() const {
  // Every thread's store to asked_to_stop comes before its arrival, which the last one to arrive has seen.
  const unsigned round = meeting->round.load(std::memory_order_acquire);
  if (meeting->arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
    meeting->stops = meeting->asked_to_stop.load(std::memory_order_relaxed);
    meeting->arrived.store(0, std::memory_order_relaxed);
    meeting->round.store(round + 1, std::memory_order_release);
    return !meeting->stops;
  }
  for (int i = 0; meeting->round.load(std::memory_order_acquire) == round; ++i)
    if (i >= spins)
      std::this_thread::yield();
  return !meeting->stops;
}

} // namespace intvit

// The threads of one forward pass: each runs the same steps on its own share, with a barrier between steps.
#pragma once

#include <atomic>

#include "kernels/range.hpp"

namespace intvit {

// A part of a matrix.
struct Rectangle {
  kernels::Range rows;
  kernels::Range columns;
};

// One thread's view of the team.
struct Team {
  // Where a team's threads wait for one another.
  struct Meeting {
    std::atomic<int> arrived = 0;
    std::atomic<unsigned> round = 0;
    std::atomic<bool> asked_to_stop = false;
    // Whether the round that has begun is the last. Written by the last thread to arrive, before the round begins, and
    // read by all before the next one can: so all threads of a team read the same.
    bool stops = false;

    // For another piece of work. No thread may be in barrier().
    void begin() {
      asked_to_stop.store(false, std::memory_order_relaxed);
      stops = false;
    }
  };

  // How often a waiting thread looks for the others before it offers its processor to whoever else wants it: some ten
  // microseconds, longer than the threads of an undisturbed team are apart.
  static constexpr int spins = 10'000;

  int index = 0;
  int size = 1;
  Meeting *meeting = nullptr; // null where no thread calls barrier() or stop()

  // This thread's part of `count` tasks: contiguous, and equal in size to within `grain`.
  kernels::Range share(int count, int grain = 1) const;

  // This thread's part of a matrix, cut into whole tiles: all parts together form a grid with one part a thread. Of the
  // grids, the one whose largest part has the fewest tiles; of equal ones, that with more parts along the rows, so that
  // threads read parts of the input of their own.
  struct Tiled {
    int count; // of rows or columns
    int grain; // of a tile
  };
  Rectangle share(Tiled rows, Tiled columns) const;

  // Waits for all threads of the team, at first in a loop, then giving way to other threads between looks. Returns
  // whether the team is to go on: false, for all threads at the same barrier, once one has called stop().
  bool barrier() const;
  // Ends the team's work at the next barrier that this thread comes to.
  void stop() const { meeting->asked_to_stop.store(true, std::memory_order_relaxed); }
};

} // namespace intvit

// The threads of one forward pass: each runs the same steps on its own share, with a barrier between steps.
#pragma once

#include <atomic>

#include "kernels/range.hpp"

namespace intvit {

// How many threads to use when the caller does not say: OMP_NUM_THREADS if set, else the least of the processors this
// process may run on (affinity) and its control group's quota, rounded up. 1 in a build without OpenMP.
int default_threads();

// A part of a matrix.
struct Rectangle {
  kernels::Range rows;
  kernels::Range columns;
};

// A parallel loop of the caller's, to run on threads of the caller's: calls task(argument, i) once for every i from 0
// to count - 1, on any thread and in any order, and returns when all calls have returned.
struct ParallelFor {
  void (*run)(void *context, int count, void (*task)(void *argument, int index), void *argument) = nullptr;
  void *context = nullptr;
};

// One thread's view of the team.
struct Team {
  // Where a team's threads wait for one another.
  struct Meeting {
    std::atomic<int> arrived = 0;
    std::atomic<unsigned> round = 0;
  };

  int index = 0;
  int size = 1;
  Meeting *meeting = nullptr; // null in a team of one

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

  // Waits for all threads of the team, at first in a loop, then giving way to other threads between looks: OpenMP's own
  // barrier spins for milliseconds, which on a busy machine keeps the late thread from its processor. Only inside
  // run_team().
  void barrier() const;
};

// Calls work(team) once on each of `threads` threads and returns when all have finished. `work` must not throw.
// Allocates nothing after the first call with as many threads.
void run_team(int threads, void (*work)(const Team &team, void *context), void *context);

} // namespace intvit

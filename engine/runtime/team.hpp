// The threads of one forward pass: each runs the same steps on its own share, with a barrier between steps.
#pragma once

#include "kernels/range.hpp"

namespace intvit {

// How many threads to use when the caller does not say: OMP_NUM_THREADS if set, else the least of the processors this
// process may run on (affinity) and its control group's quota, rounded up. 1 in a build without OpenMP.
int default_threads();

// One thread's view of the team.
struct Team {
  int index = 0;
  int size = 1;

  // This thread's part of `count` tasks: contiguous, and equal in size to within `grain`.
  kernels::Range share(int count, int grain = 1) const;

  // Waits for all threads of the team. Only inside run_team().
  void barrier() const;
};

// Calls work(team) once on each of `threads` threads and returns when all have finished. `work` must not throw.
// Allocates nothing after the first call with as many threads.
void run_team(int threads, void (*work)(const Team &team, void *context), void *context);

} // namespace intvit

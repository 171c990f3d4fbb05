// Threads that run the steps of forward passes, one team after the other.
#pragma once

#include <memory>

#include "engine/threads/team.hpp"

namespace intvit {

// The threads of one session. They are the library's own and touch nothing of the process: signals are blocked in them,
// they are joined with the last run's owner, and a process without runs has none that work. Between runs they sleep.
//
// After fork() a child has none of its parent's threads; it starts others at its first run.
class Workers {
public:
  // Starts threads - 1 threads, besides which the caller of run() is one. Where the system gives no more threads
  // (limits on processes or memory), there are fewer.
  explicit Workers(int threads = 1);
  Workers(Workers &&other) noexcept;
  Workers &operator=(Workers &&other) noexcept;
  ~Workers(); // not while run() runs

  // The caller included.
  int size() const;

  // Calls work(team) once on each thread, the caller's being the first of the team, and returns when all have finished.
  // `work` must not throw. Allocates nothing but in a forked child the first time.
  void run(void (*work)(const Team &team, void *context), void *context);

private:
  struct Crew;

  int wanted_;
  std::unique_ptr<Crew> crew_; // null: the caller alone
};

} // namespace intvit

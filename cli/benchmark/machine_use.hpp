// For whom the processors worked while something was measured: a program that shares them with others looks slow.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/benchmark/energy.hpp"

namespace intvit::cli {

// A piece of work by two clocks: that on the wall, and that of the processors' time which this process was given for
// all its threads together, or one of its threads.
struct WorkTime {
  double seconds = 0;
  double processor_seconds = 0;
};

enum class Counted { process, this_thread };

class Stopwatch {
public:
  // `counted`: whose processors' time.
  explicit Stopwatch(Counted counted = Counted::process);
  WorkTime elapsed() const; // on the thread that made it, where only its time counts

private:
  Counted counted_;
  double begin_;
  double processor_begin_;
};

// The processors that this process may run on.
int processors_allowed();

// The part, 0..1, of the time of `threads` busy threads, or of the processors allowed where these are fewer, that went
// to others: other programs, and the host of a virtual machine where the system knows of it.
double lost_share(const WorkTime &time, int threads);

// Whether that is more than the system itself takes: 2 % and 20 microseconds a thread; of several threads, which have
// to be woken, 5 % and 50. `switches` to other programs count as 0.1 ms each, which is what it takes to fill the first
// caches anew (measured: 0.09 to 0.12 ms for the model that ships, on Zen 4).
bool is_disturbed(const WorkTime &time, int threads, std::int64_t switches);

// Which of consecutive runs others disturbed. A switch to another program during a run makes it, or the next one, slow
// in time that it does have the processor for.
class DisturbedRuns {
public:
  // Of runs on `threads` threads. `switches`: involuntary_switches() of these threads until now.
  DisturbedRuns(int threads, std::int64_t switches) : threads_(threads), last_(switches), last_but_one_(switches) {}
  // After each run; `switches` until now.
  bool is_disturbed(const WorkTime &run, std::int64_t switches);

private:
  int threads_;
  std::int64_t last_; // switches until the end of the last run
  std::int64_t last_but_one_;
};

// How often other programs got a processor although there was work for it here.
std::int64_t involuntary_switches(Counted counted = Counted::process);

// What the system counts, for all processors unless it says otherwise. What it does not tell is absent.
struct MachineUse {
  WorkTime time;
  std::int64_t involuntary_switches = 0; // of this process's threads: another program got the processor
  std::optional<double> others;          // processors that other programs kept busy, on average
  std::optional<double> stolen;          // processors that the host kept for itself, on average
  std::optional<double> idle;            // of the processors allowed: those that nobody used, on average
  std::optional<double> load_average;    // of the last minute, when it began
  std::optional<double> joules;          // of the processors
  std::vector<double> megahertz;         // of the processor in use: at the begin and at the end
};

// The part, 0..1, of the time that `threads` threads wanted and others had. Threads that have nothing to do at the end
// of their work lose nothing to others: processors are idle then. Above `contended_limit` figures are wrong.
double contended_share(const MachineUse &use, int threads);
inline constexpr double contended_limit = 0.05;

// Counts from its making on.
class MachineWatch {
public:
  MachineWatch();
  MachineUse elapsed() const;

private:
  struct Counts {
    std::optional<double> busy; // seconds of all processors since the system's start, this process included
    std::optional<double> stolen;
    std::optional<double> idle; // of the processors allowed
    std::int64_t involuntary_switches = 0;
    std::optional<double> megahertz;
  };
  static Counts counts();

  EnergyWatch energy_;
  Stopwatch stopwatch_;
  Counts begin_;
  std::optional<double> load_average_;
};

} // namespace intvit::cli

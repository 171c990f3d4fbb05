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
// to be woken, 5 % and 50.
bool is_disturbed(const WorkTime &time, int threads);

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

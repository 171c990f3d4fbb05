#include "cli/benchmark/machine_use.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace intvit::cli {

namespace {

double clock_seconds(clockid_t clock) {
  timespec time = {};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

clockid_t processor_clock(Counted counted) {
  return counted == Counted::process ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
}

cpu_set_t allowed_set() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  return allowed;
}

// A line of /proc/stat: seconds that a processor, or all of them, spent.
struct ProcessorTime {
  double busy = 0; // user, nice, system, interrupts
  double idle = 0; // and waiting for disks
  double stolen = 0;
};

ProcessorTime processor_time(std::istringstream &line) {
  std::array<double, 8> ticks = {}; // user, nice, system, idle, iowait, irq, softirq, steal
  for (double &tick : ticks)
    line >> tick;
  const double second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / second, (ticks[3] + ticks[4]) / second,
          ticks[7] / second};
}

// The clock of the processor that this thread is on.
std::optional<double> megahertz() {
  const int processor = ::sched_getcpu();
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/cpufreq/scaling_cur_freq");
  double kilohertz = 0;
  if (file >> kilohertz)
    return kilohertz * 1e-3;
  return std::nullopt;
}

std::optional<double> rate(const std::optional<double> &begin, const std::optional<double> &end, double seconds) {
  if (!begin || !end || seconds <= 0)
    return std::nullopt;
  return std::max(0.0, (*end - *begin) / seconds);
}

} // namespace

Stopwatch::Stopwatch(Counted counted)
    : counted_(counted), begin_(0), processor_begin_(clock_seconds(processor_clock(counted))) {
  begin_ = clock_seconds(CLOCK_MONOTONIC); // last, so that reading the other is not counted
}

WorkTime Stopwatch::elapsed() const {
  const double end = clock_seconds(CLOCK_MONOTONIC);
  return {end - begin_, clock_seconds(processor_clock(counted_)) - processor_begin_};
}

int processors_allowed() {
  const cpu_set_t allowed = allowed_set();
  return std::max(1, CPU_COUNT(&allowed));
}

double lost_share(const WorkTime &time, int threads) {
  const double wanted = time.seconds * std::min(threads, processors_allowed());
  return wanted > 0 ? std::clamp(1 - time.processor_seconds / wanted, 0.0, 1.0) : 0;
}

bool is_disturbed(const WorkTime &time, int threads, std::int64_t switches) {
  const int busy = std::min(threads, processors_allowed());
  const double share = busy == 1 ? 0.02 : 0.05;
  const double slack = busy == 1 ? 20e-6 : 50e-6;
  const double cold = 100e-6 * static_cast<double>(switches);
  return lost_share(time, threads) * time.seconds + cold > share * time.seconds + slack;
}

bool DisturbedRuns::is_disturbed(const WorkTime &run, std::int64_t switches) {
  // Threads that are more than the processors take turns among themselves.
  const std::int64_t counted = threads_ > processors_allowed() ? 0 : switches - last_but_one_;
  last_but_one_ = last_;
  last_ = switches;
  return cli::is_disturbed(run, threads_, counted);
}

std::int64_t involuntary_switches(Counted counted) {
  rusage usage = {};
  ::getrusage(counted == Counted::process ? RUSAGE_SELF : RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

double contended_share(const MachineUse &use, int threads) {
  const double wanted = std::min(threads, processors_allowed());
  return std::max(0.0, lost_share(use.time, threads) - use.idle.value_or(0) / wanted);
}

MachineWatch::Counts MachineWatch::counts() {
  Counts result;
  result.involuntary_switches = cli::involuntary_switches();
  result.megahertz = megahertz();
  const cpu_set_t allowed = allowed_set();
  std::ifstream file("/proc/stat");
  for (std::string text; std::getline(file, text) && text.starts_with("cpu");) {
    std::istringstream line(text);
    std::string name;
    line >> name;
    const ProcessorTime time = processor_time(line);
    if (name == "cpu") {
      result.busy = time.busy;
      result.stolen = time.stolen;
      result.idle = 0;
    } else if (const int processor = std::atoi(name.c_str() + 3);
               processor < CPU_SETSIZE && CPU_ISSET(static_cast<std::size_t>(processor), &allowed)) {
      *result.idle += time.idle;
    }
  }
  return result;
}

MachineWatch::MachineWatch() {
  if (double load = 0; ::getloadavg(&load, 1) == 1)
    load_average_ = load;
  begin_ = counts();
  stopwatch_ = Stopwatch();
}

MachineUse MachineWatch::elapsed() const {
  MachineUse use;
  use.time = stopwatch_.elapsed();
  const Counts end = counts();
  use.involuntary_switches = end.involuntary_switches - begin_.involuntary_switches;
  use.stolen = rate(begin_.stolen, end.stolen, use.time.seconds);
  use.idle = rate(begin_.idle, end.idle, use.time.seconds);
  if (begin_.busy && end.busy && use.time.seconds > 0)
    use.others = std::max(0.0, (*end.busy - *begin_.busy - use.time.processor_seconds) / use.time.seconds);
  use.load_average = load_average_;
  use.joules = energy_.joules();
  for (const std::optional<double> &clock : {begin_.megahertz, end.megahertz})
    if (clock)
      use.megahertz.push_back(*clock);
  return use;
}

} // namespace intvit::cli

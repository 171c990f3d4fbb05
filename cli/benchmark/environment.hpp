// The machine and the program that a measurement comes from.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace intvit::cli {

struct Environment {
  std::string processor;
  std::vector<std::string> instruction_sets; // of kernels, in ascending order
  int processors_online = 0;
  int threads_available = 0; // to this process
  std::string caches;        // of the first processor: "L1 48 KiB, L2 1 MiB, L3 32 MiB"; empty if unknown
  std::string governor;      // of its clock; empty if unknown, as on most virtual machines
  std::string system;        // distribution, kernel, architecture
  std::string compiler;
  std::string flags; // that all sources were compiled with; some have more
  std::string version;
  std::string commit; // of the sources, with "-dirty" where they had changes; empty if unknown
};

Environment environment();

// What a measurement is kept with.
struct RunInfo {
  Environment environment;
  std::string command; // as it was given to a shell, with the variables that matter
  std::string date;    // "2026-01-31 12:00 UTC", when it began
};

// Of a run of `intvit bench` with these arguments that begins now.
RunInfo run_info(const std::vector<std::string> &arguments);

// Pairs of a name and a value for a reader; unknown values are named as such.
std::vector<std::pair<std::string, std::string>> lines(const Environment &environment);

} // namespace intvit::cli

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
  std::string version;
};

Environment environment();

// Pairs of a name and a value for a reader; unknown values are named as such.
std::vector<std::pair<std::string, std::string>> lines(const Environment &environment);

} // namespace intvit::cli

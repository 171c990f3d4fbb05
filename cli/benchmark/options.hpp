// The options of `intvit bench`, and what they ask for.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/report.hpp"
#include "cli/benchmark/rounds.hpp"
#include "cli/command.hpp"
#include "cli/options/weights.hpp"
#include "kernels/dispatch.hpp"

namespace intvit::cli {

// A model file, however it came about.
struct Source {
  std::string name;
  bool is_architecture = false; // made with random weights
};

// Every combination of these is measured.
struct Plan {
  std::vector<Source> models;
  std::vector<WeightChoice> weights; // of architectures
  std::vector<const kernels::KernelTable *> kernels;
  std::vector<int> threads;
  std::vector<int> batches;
  std::vector<int> sessions{1};
  double delay = 0;    // seconds before each measurement
  double speed_up = 1; // of architectures, by merging tokens
  Effort effort;

  std::size_t combinations() const {
    return models.size() * weights.size() * kernels.size() * threads.size() * batches.size() * sessions.size();
  }
};

void add_bench_options(Parser &parser);

// Whether the names of architectures were asked for: --arch list. Prints them by families.
bool lists_architectures(const Parser &parser);

// These throw UsageError where options make no sense, alone or together.
void check_options(const Parser &parser);
Effort effort_option(const Parser &parser);
std::vector<const kernels::KernelTable *> kernels_list(const Parser &parser);
Plan plan(const Parser &parser);
// --cpu-mask and --priority, before anything that depends on them. Throws std::runtime_error where the system refuses.
void use_scheduling(const Parser &parser);
// What both builds of --against are asked. No option that only later builds know, unless it is given.
std::vector<std::string> arguments_for_others(const Parser &parser, const Plan &plan);
Presentation presentation(const Parser &parser, const Arguments &arguments);

} // namespace intvit::cli

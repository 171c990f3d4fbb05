// Two builds of this program, measured in turns.
#pragma once

#include <string>
#include <vector>

#include "cli/benchmark/compare.hpp"

namespace intvit::cli {

// What another program answered to `bench --format json`.
struct Answer {
  std::string version; // "0.1.0, commit 0123456789ab, GNU 12.2.0"
  struct Result : Combination {
    double median_ms = 0;
    bool disturbed = false;
  };
  std::vector<Result> results;
};

// Runs the program with these arguments and reads what it prints. Throws std::runtime_error that names the program
// where it fails or prints something else; Interrupted.
Answer ask(const std::string &program, const std::vector<std::string> &arguments);

struct Duel {
  std::string now; // the versions
  std::string other;
  std::vector<Comparison> comparisons;
};

struct Presentation;
void print_results(const Duel &duel, const std::string &program, const Presentation &shown); // text, Markdown, JSON
void print_as_json(const Duel &duel, const std::string &program, const Presentation &shown);

// Runs this program and the other in turns, each a process of its own for every turn, since where a process finds its
// memory makes more of a difference than the time does. The order alternates. Ends when the change of every result is
// known to 0.4 %, and after `most_pairs` at the latest; not before eight. Turns of a result that others disturbed do
// not count. Throws as ask() does.
Duel measure_against(const std::string &program, const std::vector<std::string> &arguments, int most_pairs);

} // namespace intvit::cli

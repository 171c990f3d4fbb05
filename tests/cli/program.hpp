// Runs the `intvit` program as a user does.
#pragma once

#include <string>
#include <vector>

namespace intvit::test {

struct Outcome {
  int exit_code = -1; // -1: killed by a signal
  std::string out;
  std::string err;
};

// `input` goes to standard input.
Outcome run_program(const std::vector<std::string> &arguments, const std::string &input = "");

std::string read_text(const std::string &path);
void write_text(const std::string &path, const std::string &text);

// The photograph of a cat in docs/sample.
std::string sample_photograph();

} // namespace intvit::test

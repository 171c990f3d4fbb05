// Runs the `intvit` program as a user does.
#pragma once

#include <string>
#include <vector>

namespace intvit::test {

struct Outcome {
  int exit_code = -1; // as shells tell it: 128 and the number of the signal that ended the program
  std::string out;
  std::string err;
};

// `input` goes to standard input.
Outcome run_program(const std::vector<std::string> &arguments, const std::string &input = "");

// A command for the shell, in which $INTVIT is the program. It has the streams' redirections, if any, in itself.
Outcome run_shell(const std::string &command, const std::string &input = "");

// The word as the shell takes it whole.
std::string quoted(const std::string &word);

std::string read_text(const std::string &path);
void write_text(const std::string &path, const std::string &text);

// The photograph of a cat in docs/sample.
std::string sample_photograph();

} // namespace intvit::test

// Runs the `intvit` program as a user does.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace intvit::test {

struct Outcome {
  int exit_code = -1; // as shells tell it: 128 and the number of the signal that ended the program
  std::string out;
  std::string err;
};

// `input` goes to standard input.
Outcome run_program(const std::vector<std::string> &arguments, const std::string &input = "");

// A command for the shell, in which $INTVIT is the program. It has the streams' redirections, if any, in itself. Where
// there is no shell, the test case counts as skipped.
Outcome run_shell(const std::string &command, const std::string &input = "");

// A variable of the environment of programs that are run from now on; without it where the value is empty.
void set_environment(const std::string &name, const std::string &value);

// The word as the shell takes it whole.
std::string quoted(const std::string &word);

// Arguments and further ones behind them.
std::vector<std::string> words(std::vector<std::string> first, const std::vector<std::string> &more);

// Further words for a command, of which it can make nothing, and what it has to answer.
struct Refusal {
  std::vector<std::string> arguments;
  int exit_code;
  std::string message;
};

// Runs the command with each: the message must come on standard error behind "intvit: ", nothing on standard output.
void check_refused(const std::vector<std::string> &command, const std::vector<Refusal> &refusals);

// What is left of standard error without the line by which bench says that other programs disturbed it.
std::string without_disturbance(const std::string &err);

std::vector<std::string> lines(const std::string &text);
std::vector<nlohmann::json> json_lines(const std::string &text); // a value a line

std::string read_text(const std::string &path);
void write_text(const std::string &path, const std::string &text);

// The photograph of a cat in docs/sample.
std::string sample_photograph();

} // namespace intvit::test

// The `intvit` program while it runs: what it has printed so far is seen, and signals reach it.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/cli/program.hpp"

namespace intvit::test {

// Standard input is a pipe into which nothing is written, standard output a pipe, standard error a terminal. A program
// that hangs is ended after some minutes.
class RunningProgram {
public:
  explicit RunningProgram(const std::vector<std::string> &arguments);
  RunningProgram(const RunningProgram &) = delete;
  RunningProgram &operator=(const RunningProgram &) = delete;
  ~RunningProgram(); // ends it

  // Waits until this has been printed.
  void wait_for_output(const std::string &text) { wait_for(out_, text); }
  void wait_for_error(const std::string &text) { wait_for(err_, text); }
  // Waits until it catches this signal, or does not any more.
  void wait_for_handler(int signal, bool caught = true) const;

  void send(int signal) const;

  // Waits for the end. The exit code is -1 where the program did not exit by itself.
  Outcome finish();

private:
  struct Stream {
    int descriptor = -1;
    std::string text;
  };
  static void wait_for(Stream &stream, const std::string &text);
  static bool read_more(Stream &stream); // false at the end

  pid_t process_ = -1;
  int in_ = -1;
  Stream out_;
  Stream err_;
};

} // namespace intvit::test

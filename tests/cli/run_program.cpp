// By the shell.
#include <cstdlib>

#include <sys/wait.h>

#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

namespace intvit::test {

std::string quoted(const std::string &word) {
  std::string result = "'";
  for (const char c : word)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

Outcome run_program(const std::vector<std::string> &arguments, const std::string &input) {
  std::string command = "\"$INTVIT\"";
  for (const std::string &argument : arguments)
    command += " " + quoted(argument);
  return run_shell(command, input);
}

void set_environment(const std::string &name, const std::string &value) {
  if (value.empty())
    ::unsetenv(name.c_str());
  else
    ::setenv(name.c_str(), value.c_str(), 1);
}

Outcome run_shell(const std::string &command, const std::string &input) {
  const std::string in = temporary_file("stdin");
  const std::string out = temporary_file("stdout");
  const std::string err = temporary_file("stderr");
  write_text(in, input);
  const std::string whole = "INTVIT=" + quoted(INTVIT_PROGRAM) + "; { " + command + "\n} <" + quoted(in) + " >" +
                            quoted(out) + " 2>" + quoted(err);
  const int status = std::system(whole.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text(out), read_text(err)};
}

} // namespace intvit::test

#include "tests/cli/running_program.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace intvit::test {

namespace {

int checked(int result, const char *what) {
  if (result < 0)
    throw std::runtime_error(std::string(what) + " failed");
  return result;
}

} // namespace

RunningProgram::RunningProgram(const std::vector<std::string> &arguments) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  std::array<int, 2> started{};
  for (std::array<int, 2> *pipe : {&input, &output, &started})
    checked(::pipe2(pipe->data(), O_CLOEXEC), "pipe2");
  const int terminal = checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
  checked(::grantpt(terminal), "grantpt");
  checked(::unlockpt(terminal), "unlockpt");
  const int end = checked(::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC), "open of a terminal");

  std::string program = INTVIT_PROGRAM;
  std::vector<std::string> words = arguments;
  std::vector<char *> pointers = {program.data()};
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  process_ = checked(::fork(), "fork");
  if (process_ == 0) {
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    ::dup2(end, STDERR_FILENO);
    ::alarm(300);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  for (const int descriptor : {input[0], output[1], started[1], end})
    ::close(descriptor);
  // Closed by exec: until then the handlers of signals are those of this process.
  char nothing = 0;
  while (::read(started[0], &nothing, 1) > 0) {
  }
  ::close(started[0]);
  in_ = input[1];
  out_.descriptor = output[0];
  err_.descriptor = terminal;
}

RunningProgram::~RunningProgram() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ::close(in_);
  ::close(out_.descriptor);
  ::close(err_.descriptor);
}

// A terminal whose other end is closed gives an error, not an end.
bool RunningProgram::read_more(Stream &stream) {
  std::array<char, 4096> piece;
  const ssize_t count = ::read(stream.descriptor, piece.data(), piece.size());
  if (count > 0)
    stream.text.append(piece.data(), static_cast<std::size_t>(count));
  return count > 0;
}

void RunningProgram::wait_for(Stream &stream, const std::string &text) {
  while (stream.text.find(text) == std::string::npos)
    if (!read_more(stream))
      throw std::runtime_error("the program ended before it printed \"" + text + "\", after: " + stream.text);
}

void RunningProgram::wait_for_handler(int signal, bool caught) const {
  const std::string path = "/proc/" + std::to_string(process_) + "/status";
  for (;;) {
    std::istringstream lines(read_text(path));
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("State:") && line.find("zombie") != std::string::npos)
        throw std::runtime_error("the program ended before it caught a signal");
      else if (line.starts_with("SigCgt:") &&
               (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) == (caught ? 1 : 0))
        return;
    std::this_thread::yield();
  }
}

void RunningProgram::send(int signal) const {
  ::kill(process_, signal);
}

Outcome RunningProgram::finish() {
  std::thread messages([this] {
    while (read_more(err_)) {
    }
  });
  while (read_more(out_)) {
  }
  messages.join();
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out_.text, err_.text};
}

} // namespace intvit::test

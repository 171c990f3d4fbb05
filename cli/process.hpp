// What the program asks of the system it runs in: signals, standard streams that may be closed, and how it was called.
// system.cpp and system_windows.cpp have what differs.
#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <vector>

#include "engine/status.hpp"

namespace intvit::cli {

// To be called once, before anything else.
//  - SIGINT and SIGTERM make interrupted() true; the same signal a second time ends the process at once.
//  - A standard stream that is closed stays unusable, instead of being the next file that is opened.
//  - Writing beyond the limit on file sizes is an error instead of the process's end.
// On Windows Ctrl-C is SIGINT and Ctrl-Break SIGTERM, standard streams take bytes as they are, and the console is told
// that text is UTF-8.
void prepare_process();

// The words behind the program's name. These and what follows are UTF-8 on Windows, elsewhere the bytes as they are.
std::vector<std::string> program_arguments(int argc, char **argv);
// Empty where it is not set.
std::string environment_variable(const char *name);
// The file of this program; empty where the system does not tell.
std::string program_path();

bool output_is_terminal();    // standard output
bool messages_are_terminal(); // standard error

// The signal that asked the program to stop, or 0.
int received_signal();
// Whether one did. Looked at between images and other pieces of work.
bool interrupted();

// Thrown to stop early; not a failure, so not a std::runtime_error. main() prints the message and exits with
// interrupted_exit_code().
class Interrupted : public std::exception {
public:
  explicit Interrupted(std::string message = "interrupted") : message_(std::move(message)) {}
  const char *what() const noexcept override { return message_.c_str(); }

private:
  std::string message_;
};
void stop_if_interrupted(); // throws Interrupted

// 128 and the signal's number, as shells tell of programs that signals ended: 130 after SIGINT, 143 after SIGTERM.
int interrupted_exit_code();

// Hands everything printed so far to whoever reads standard output. Throws std::runtime_error where it cannot be
// written.
void flush_output();

// All of standard input, where that is at most `limit` bytes. Errors: io. Throws Interrupted; on Windows a signal that
// comes while nothing is there to be read ends the process.
Result<std::vector<std::byte>> read_standard_input(std::size_t limit);

} // namespace intvit::cli

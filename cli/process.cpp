#include "cli/process.hpp"

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <system_error>

namespace intvit::cli {

bool interrupted() {
  return received_signal() != 0;
}

void stop_if_interrupted() {
  if (interrupted())
    throw Interrupted();
}

int interrupted_exit_code() {
  return 128 + received_signal();
}

void flush_output() {
  errno = 0;
  std::cout.flush();
  const int error = errno;
  if (!std::cout || std::ferror(stdout) != 0)
    throw std::runtime_error("standard output: cannot be written" +
                             (error != 0 ? ": " + std::generic_category().message(error) : ""));
}

} // namespace intvit::cli

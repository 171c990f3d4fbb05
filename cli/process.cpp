#include "cli/process.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace intvit::cli {

namespace {

std::atomic<int> received_signal = 0;                 // also read by threads
static_assert(std::atomic<int>::is_always_lock_free); // so that a signal handler may write it

void remember(int signal) {
  received_signal = signal;
}

std::string reason(int error) {
  return std::generic_category().message(error);
}

// Opens it for the opposite of its use, so that using it fails as it would have with the closed stream.
void occupy(int descriptor, int opposite) {
  if (::fcntl(descriptor, F_GETFD) != -1)
    return;
  const int opened = ::open("/dev/null", opposite);
  if (opened != -1 && opened != descriptor) {
    ::dup2(opened, descriptor);
    ::close(opened);
  }
}

} // namespace

void prepare_process() {
  occupy(STDIN_FILENO, O_WRONLY);
  occupy(STDOUT_FILENO, O_RDONLY);
  occupy(STDERR_FILENO, O_RDONLY);

  struct sigaction action = {};
  action.sa_handler = remember;
  // Calls that the signal interrupts go on, so that files and output stay whole.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) {
    // A shell's background job ignores SIGINT, and is to go on doing so.
    struct sigaction before = {};
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      ::sigaction(signal, &action, nullptr);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() {
  return received_signal != 0;
}

void stop_if_interrupted() {
  if (interrupted())
    throw Interrupted();
}

int interrupted_exit_code() {
  return 128 + received_signal;
}

void flush_output() {
  errno = 0;
  std::cout.flush();
  const int error = errno;
  if (!std::cout || std::ferror(stdout) != 0)
    throw std::runtime_error("standard output: cannot be written" + (error != 0 ? ": " + reason(error) : ""));
}

Result<std::vector<std::byte>> read_standard_input(std::size_t limit) {
  // Milliseconds. A signal that comes between the check and poll() is noticed after this time at the latest.
  constexpr int patience = 100;
  std::vector<std::byte> bytes;
  std::array<std::byte, 1 << 16> piece;
  for (;;) {
    stop_if_interrupted();
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, patience) <= 0) // nothing yet, or a signal
      continue;
    const ssize_t count = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (count < 0)
      return Status(StatusCode::io, "standard input: cannot read: " + reason(errno));
    if (count == 0)
      return bytes;
    if (static_cast<std::size_t>(count) > limit - bytes.size())
      return Status(StatusCode::io,
                    "standard input: cannot read: at most " + std::to_string(limit) + " bytes are read");
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
  }
}

} // namespace intvit::cli

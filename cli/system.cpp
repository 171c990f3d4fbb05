// What process.hpp asks of POSIX.
#include "cli/process.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace intvit::cli {

namespace {

std::atomic<int> last_signal = 0;                     // also read by threads
static_assert(std::atomic<int>::is_always_lock_free); // so that a signal handler may write it

void remember(int signal) {
  last_signal = signal;
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

std::vector<std::string> program_arguments(int argc, char **argv) {
  return {argv + std::min(argc, 1), argv + argc};
}

std::string environment_variable(const char *name) {
  const char *value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string program_path() {
  std::error_code unknown;
  return std::filesystem::read_symlink("/proc/self/exe", unknown).string();
}

bool output_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool messages_are_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

int received_signal() {
  return last_signal;
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
      return Status(StatusCode::io, "standard input: cannot read: " + std::generic_category().message(errno));
    if (count == 0)
      return bytes;
    if (static_cast<std::size_t>(count) > limit - bytes.size())
      return Status(StatusCode::io,
                    "standard input: cannot read: at most " + std::to_string(limit) + " bytes are read");
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
  }
}

} // namespace intvit::cli

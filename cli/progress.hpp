// A progress bar on stderr, for people at a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace intvit::cli {

// Draws nothing in the first second, nor where stderr is not a terminal.
class ProgressBar {
public:
  explicit ProgressBar(std::string what);
  ProgressBar(const ProgressBar &) = delete;
  ProgressBar &operator=(const ProgressBar &) = delete;
  ~ProgressBar() { wipe(); }

  void show(std::size_t done, std::size_t total);
  void wipe(); // off the terminal, before other lines are written

private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

} // namespace intvit::cli

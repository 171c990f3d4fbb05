// A progress bar on stderr, for people at a terminal; or lines, for programs that start this one.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "models/program/status_line.hpp"

namespace intvit::cli {

// Draws nothing in the first second, nor where stderr is not a terminal. With INTVIT_PROGRESS=lines in the environment
// it draws nothing at all and writes every step as a line, "progress WHAT DONE/TOTAL".
class ProgressBar {
public:
  explicit ProgressBar(std::string what);

  void show(std::size_t done, std::size_t total);
  void wipe() { line_.wipe(); } // off the terminal, before other lines are written

private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool lines_;
  Clock::time_point start_ = Clock::now();
  StatusLine line_;
};

} // namespace intvit::cli

// What a run says while it trains: on a terminal one bar that is redrawn, elsewhere plain lines.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "models/program/status_line.hpp"

namespace intvit::train {

class Console {
public:
  // Without `terminal` there is no bar.
  Console(std::ostream &out, bool terminal)
      : out_(out), bar_(out, terminal, std::chrono::milliseconds(0), std::chrono::milliseconds(200)) {}

  // A line of its own; a bar on screen is overwritten.
  void line(const std::string &text);

  struct Position {
    std::uint64_t epoch = 0; // from 1
    std::uint64_t epochs = 0;
    double done = 0; // share of the epoch, 0..1
    double loss = 0;
    double top1 = 0; // percent
    double images_per_second = 0;
    double remaining_seconds = 0; // to the end of the run
  };
  // Redraws the bar, at most five times a second.
  void bar(const Position &position);

private:
  std::ostream &out_;
  StatusLine bar_;
};

// "1:02:03" or "2:03".
std::string clock_text(double seconds);

} // namespace intvit::train

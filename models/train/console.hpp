// What a run says while it trains: on a terminal one bar that is redrawn, elsewhere plain lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace intvit::train {

class Console {
public:
  // `redraw`: `out` is a terminal.
  Console(std::ostream &out, bool redraw) : out_(out), redraw_(redraw) {}

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
  // Redraws the bar, at most five times a second; nothing where the output is no terminal.
  void bar(const Position &position);

private:
  std::ostream &out_;
  bool redraw_;
  std::size_t drawn_ = 0; // columns of the bar on screen
  std::chrono::steady_clock::time_point last_{};
};

// "1:02:03" or "2:03".
std::string clock_text(double seconds);
// A number with a fixed count of decimals, always with a point.
std::string fixed(double value, int decimals);

} // namespace intvit::train

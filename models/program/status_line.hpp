// How far a program is, on a line of the terminal that is drawn over again.
#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

namespace intvit {

class StatusLine {
public:
  // Draws on `out`, or nothing where that is no `terminal`: not before `delay` has passed, and then once in `interval`.
  StatusLine(std::ostream &out, bool terminal, std::chrono::milliseconds delay, std::chrono::milliseconds interval)
      : out_(out), terminal_(terminal), interval_(interval), next_(Clock::now() + delay) {}
  StatusLine(const StatusLine &) = delete;
  StatusLine &operator=(const StatusLine &) = delete;
  ~StatusLine() { wipe(); }

  // Whether it is time to draw. Ask first: most texts are never seen and need not be made.
  bool due() const { return terminal_ && Clock::now() >= next_; }
  void draw(const std::string &text);
  void wipe(); // off the terminal, before other lines are written

private:
  using Clock = std::chrono::steady_clock;

  std::ostream &out_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::milliseconds interval_;
  Clock::time_point next_;
};

// "[#####.....]", with `cells` places.
std::string bar(double share, std::size_t cells);

} // namespace intvit

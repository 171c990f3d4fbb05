#include "models/program/status_line.hpp"

#include <algorithm>

namespace intvit {

namespace {

constexpr const char *clear_line = "\r\x1b[K"; // to the line's begin, and all of it empty

} // namespace

void StatusLine::draw(const std::string &text) {
  next_ = Clock::now() + interval_;
  drawn_ = true;
  out_ << clear_line << text << std::flush;
}

void StatusLine::wipe() {
  if (drawn_)
    out_ << clear_line << std::flush;
  drawn_ = false;
}

std::string bar(double share, std::size_t cells) {
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(cells));
  return "[" + std::string(filled, '#') + std::string(cells - filled, '.') + "]";
}

} // namespace intvit

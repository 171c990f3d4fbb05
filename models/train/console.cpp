#include "models/train/console.hpp"

#include <cstdio>

namespace intvit::train {

std::string fixed(double value, int decimals) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
  return buffer;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long long>(seconds);
  char buffer[64];
  if (whole >= 3600)
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld", whole / 60, whole % 60);
  return buffer;
}

void Console::line(const std::string &text) {
  if (drawn_ != 0)
    out_ << '\r' << std::string(drawn_, ' ') << '\r';
  drawn_ = 0;
  out_ << text << std::endl; // flushed: a log that is watched, or the last words before a kill
}

void Console::bar(const Position &position) {
  const auto now = std::chrono::steady_clock::now();
  if (!redraw_ || now - last_ < std::chrono::milliseconds(200))
    return;
  last_ = now;
  constexpr std::size_t kCells = 20;
  const auto filled = static_cast<std::size_t>(position.done * kCells);
  const std::string text = "epoch " + std::to_string(position.epoch) + "/" + std::to_string(position.epochs) + " [" +
                           std::string(filled, '#') + std::string(kCells - filled, '.') + "] loss " +
                           fixed(position.loss, 3) + " top-1 " + fixed(position.top1, 1) + " % " +
                           fixed(position.images_per_second, 0) + " images/s, " +
                           clock_text(position.remaining_seconds) + " left";
  out_ << '\r' << text << std::string(drawn_ > text.size() ? drawn_ - text.size() : 0, ' ') << std::flush;
  drawn_ = text.size();
}

} // namespace intvit::train

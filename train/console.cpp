#include "train/console.hpp"

#include <cstdio>

#include "models/program/text.hpp"

namespace intvit::train {

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
  bar_.wipe();
  out_ << text << std::endl; // flushed: a log that is watched, or the last words before a kill
}

void Console::bar(const Position &position) {
  if (!bar_.due())
    return;
  bar_.draw("epoch " + std::to_string(position.epoch) + "/" + std::to_string(position.epochs) + " " +
            intvit::bar(position.done, 20) + " loss " + fixed(position.loss, 3) + " top-1 " + fixed(position.top1, 1) +
            " % " + fixed(position.images_per_second, 0) + " images/s, " + clock_text(position.remaining_seconds) +
            " left");
}

} // namespace intvit::train

#include "cli/progress.hpp"

#include <cstdio>
#include <unistd.h>

namespace intvit::cli {

ProgressBar::ProgressBar(std::string what) : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressBar::wipe() {
  if (drawn_)
    std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

void ProgressBar::show(std::size_t done, std::size_t total) {
  using std::chrono::milliseconds;
  const Clock::time_point now = Clock::now();
  if (!terminal_ || total == 0 || now - start_ < milliseconds(1000) || now - last_ < milliseconds(100))
    return;
  last_ = now;
  drawn_ = true;
  constexpr std::size_t width = 30;
  const std::size_t filled = done * width / total;
  const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double left = done > 0 ? seconds / static_cast<double>(done) * static_cast<double>(total - done) : 0;
  std::fprintf(stderr, "\r\x1b[K%s [%s] %zu/%zu, %.0f s left", what_.c_str(), bar.c_str(), done, total, left);
  std::fflush(stderr);
}

} // namespace intvit::cli

#include "cli/progress.hpp"

#include <iostream>
#include <unistd.h>

#include "models/program/text.hpp"

namespace intvit::cli {

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)),
      line_(std::cerr, ::isatty(STDERR_FILENO) == 1, std::chrono::seconds(1), std::chrono::milliseconds(100)) {}

void ProgressBar::show(std::size_t done, std::size_t total) {
  if (total == 0 || !line_.due())
    return;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string text = what_ + " " + bar(share, 30) + " " + std::to_string(done) + "/" + std::to_string(total);
  if (done > 0)
    text += ", " + fixed(seconds * (1 - share) / share, 0) + " s left";
  line_.draw(text);
}

} // namespace intvit::cli

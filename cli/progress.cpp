#include "cli/progress.hpp"

#include <iostream>

#include "cli/process.hpp"
#include "models/program/text.hpp"

namespace intvit::cli {

namespace {

bool lines_are_wanted() {
  return environment_variable("INTVIT_PROGRESS") == "lines";
}

} // namespace

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), lines_(lines_are_wanted()),
      line_(std::cerr, messages_are_terminal(), std::chrono::seconds(1), std::chrono::milliseconds(100)) {}

void ProgressBar::show(std::size_t done, std::size_t total) {
  if (lines_ && total > 0)
    std::cerr << "progress " + what_ + " " + std::to_string(done) + "/" + std::to_string(total) + "\n" << std::flush;
  if (lines_ || total == 0 || !line_.due())
    return;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string text = what_ + " " + bar(share, 30) + " " + std::to_string(done) + "/" + std::to_string(total);
  if (done > 0)
    text += ", " + fixed(seconds * (1 - share) / share, 0) + " s left";
  line_.draw(text);
}

} // namespace intvit::cli

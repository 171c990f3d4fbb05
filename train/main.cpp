// intvit-train: trains a plain Vision Transformer and writes it as timm-named safetensors. See docs/training.md.
#include <atomic>
#include <csignal>
#include <exception>
#include <iostream>
#include <malloc.h>
#include <torch/torch.h>
#include <unistd.h>

#include "train/console.hpp"
#include "train/options.hpp"
#include "train/trainer.hpp"

namespace {

std::atomic<bool> interrupted = false;

// Every step allocates and frees the same large buffers. By default each would be mapped and unmapped, and its pages
// cleared, anew: measured, that costs a fifth to a third of a step.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 64 << 20);
}

int run(int argc, const char *const *argv) {
  const auto options = intvit::train::parse_options(argc, argv);
  if (!options)
    return 0;
  keep_freed_memory();
  if (options->threads > 0)
    at::set_num_threads(options->threads);
  const auto stop = [](int) { interrupted = true; };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  intvit::train::Console console(std::cerr, isatty(STDERR_FILENO) != 0);
  intvit::train::Trainer trainer(*options, console);
  return trainer.run(interrupted) ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const intvit::UsageError &error) {
    std::cerr << "intvit-train: " << error.what() << "\n";
    return 2;
  } catch (const std::exception &error) {
    std::cerr << "intvit-train: " << error.what() << "\n";
    return 1;
  }
}

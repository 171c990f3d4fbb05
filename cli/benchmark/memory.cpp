#include "cli/benchmark/memory.hpp"

#include <fstream>
#include <string>

namespace intvit::cli {

PeakMemory::PeakMemory() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush; // VmHWM becomes what is in memory now
  begun_ = file.good();
}

std::optional<std::size_t> PeakMemory::bytes() const {
  std::ifstream status("/proc/self/status");
  std::size_t kibibytes = 0;
  for (std::string word; begun_ && status >> word;)
    if (word == "VmHWM:" && status >> kibibytes)
      return kibibytes * 1024;
  return std::nullopt;
}

} // namespace intvit::cli

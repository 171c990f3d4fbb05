// What the processors use, by the counters that Intel's and AMD's have (RAPL) and Linux shows as files.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace intvit::cli {

// Counts from its making on.
class EnergyWatch {
public:
  explicit EnergyWatch(const std::string &root = "/sys/class/powercap");

  // Joules of all processor packages. Absent where there are no counters or this user may not read them.
  std::optional<double> joules() const;

private:
  struct Package {
    std::string folder;
    double begin = 0; // microjoules
    double range = 0; // at which the counter begins anew
  };

  std::vector<Package> packages_;
};

} // namespace intvit::cli

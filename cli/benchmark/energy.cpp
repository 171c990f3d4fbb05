#include "cli/benchmark/energy.hpp"

#include <filesystem>
#include <fstream>

namespace intvit::cli {

namespace {

std::optional<double> number_in(const std::string &path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

} // namespace

EnergyWatch::EnergyWatch(const std::string &root) {
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(root, error)) {
    // "intel-rapl:0" is a package, "intel-rapl:0:1" a part of it.
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("intel-rapl:") || name.find(':') != name.rfind(':'))
      continue;
    const std::string folder = entry.path().string();
    const std::optional<double> begin = number_in(folder + "/energy_uj");
    const std::optional<double> range = number_in(folder + "/max_energy_range_uj");
    if (begin && range)
      packages_.push_back({folder, *begin, *range});
  }
}

std::optional<double> EnergyWatch::joules() const {
  double sum = 0;
  for (const Package &package : packages_) {
    const std::optional<double> end = number_in(package.folder + "/energy_uj");
    if (!end)
      return std::nullopt;
    sum += *end >= package.begin ? *end - package.begin : *end - package.begin + package.range;
  }
  return packages_.empty() ? std::nullopt : std::optional(sum * 1e-6);
}

} // namespace intvit::cli

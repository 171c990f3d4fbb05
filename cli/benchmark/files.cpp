#include "cli/benchmark/files.hpp"

#include <chrono>
#include <numeric>
#include <stdexcept>

#include "cli/command.hpp"
#include "cli/process.hpp"
#include "models/evaluate/run_files.hpp"

namespace intvit::cli {

namespace {

constexpr std::size_t least_passes = 3;

struct Pass {
  double seconds = 0;
  std::size_t files = 0;           // that could be read
  std::vector<std::string> errors; // of the others
  FileCosts costs;                 // of all files together, in seconds
};

Pass pass_over(const std::shared_ptr<const Model> &model, const Combination &combination,
               const std::vector<std::string> &paths, const Recipe &recipe) {
  Pass pass;
  const auto begin = std::chrono::steady_clock::now();
  run_files(
      model, recipe, paths.size(), [&](std::size_t file, ImageLoader &loader) { return loader.load(paths[file]); },
      combination.threads, combination.batch,
      [&](const FileOutputs &outputs) {
        stop_if_interrupted();
        if (!outputs.error.empty()) {
          pass.errors.push_back(outputs.error);
          return;
        }
        ++pass.files;
        pass.costs.read += outputs.load.read;
        pass.costs.decode += outputs.load.decode;
        pass.costs.resize += outputs.load.preprocess;
        pass.costs.network += outputs.run * outputs.threads;
      });
  pass.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return pass;
}

} // namespace

double FilesResult::files_per_second() const {
  return static_cast<double>(files) / median(seconds);
}

FilesResult measure_files(const std::shared_ptr<const Model> &model, const Combination &combination,
                          const std::vector<std::string> &paths, const Recipe &recipe, const Effort &effort) {
  for (int i = 0; i < effort.warmup; ++i)
    pass_over(model, combination, paths, recipe);
  FilesResult result{combination, 0, {}, {}, 0, false, {}};
  const MachineWatch watch;
  const auto enough = [&] {
    const double spent = std::accumulate(result.seconds.begin(), result.seconds.end(), 0.0);
    return effort.runs > 0 ? result.seconds.size() >= static_cast<std::size_t>(effort.runs)
                           : result.seconds.size() >= least_passes && spent >= effort.seconds;
  };
  std::size_t counted = 0; // files in all passes
  while (!enough()) {
    const Pass pass = pass_over(model, combination, paths, recipe);
    if (result.seconds.empty())
      for (const std::string &error : pass.errors)
        print_error(error);
    if (pass.files == 0)
      throw std::runtime_error("no picture could be read");
    result.files = pass.files;
    result.seconds.push_back(pass.seconds);
    counted += pass.files;
    result.costs.read += pass.costs.read;
    result.costs.decode += pass.costs.decode;
    result.costs.resize += pass.costs.resize;
    result.costs.network += pass.costs.network;
  }
  for (double *cost : {&result.costs.read, &result.costs.decode, &result.costs.resize, &result.costs.network})
    *cost *= 1e3 / static_cast<double>(counted);
  result.machine = watch.elapsed();
  result.lost = contended_share(result.machine, combination.threads);
  result.disturbed = result.lost > contended_limit;
  return result;
}

} // namespace intvit::cli

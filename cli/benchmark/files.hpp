// How fast a model takes picture files, from their bytes to its logits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/benchmark/measure.hpp"
#include "engine/image/recipe.hpp"

namespace intvit::cli {

// What a file costs on average, in milliseconds of one thread.
struct FileCosts {
  double read = 0;
  double decode = 0;
  double resize = 0;
  double network = 0;

  double sum() const { return read + decode + resize + network; }
};

struct FilesResult : Combination {
  std::size_t files = 0;       // that could be read
  std::vector<double> seconds; // of every pass over them
  FileCosts costs;             // over all passes
  double lost = 0;             // the part of the processors' time that others had and the passes could have used, 0..1
  bool disturbed = false;      // that is more than contended_limit
  MachineUse machine;          // during all passes

  double files_per_second() const;
};

// Passes over the files as `classify` makes them, one after the other: Effort::runs of them, or as many as fit into
// Effort::seconds but at least 3. Before them Effort::warmup that are not counted. Reports on stderr what cannot be
// read; throws std::runtime_error where that is all, and Interrupted.
FilesResult measure_files(const std::shared_ptr<const Model> &model, const Combination &combination,
                          const std::vector<std::string> &paths, const Recipe &recipe, const Effort &effort);

} // namespace intvit::cli

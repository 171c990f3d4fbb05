// The images that a command line names: files, folders and standard input.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/runtime/model.hpp"
#include "models/evaluate/run_files.hpp"

namespace intvit::cli {

// Files and "-" as they are, folders replaced by the images in them, of which what they hold besides is reported. A
// folder that cannot be used is reported and counted in `errors`, and the rest still runs.
std::vector<std::string> named_images(const std::vector<std::string> &names, std::size_t &errors);

// Runs them as run_files() does and hands what comes out to `use`, in their order. "-" is standard input, which is read
// when its turn comes. One that cannot be read is reported and counted in `errors`. `doing` is what the progress bar
// says. Throws Interrupted, which tells how many are done, and what run_files() throws.
void run_named_images(const std::shared_ptr<const Model> &model, const Recipe &recipe,
                      const std::vector<std::string> &paths, int threads, int batch, const std::string &doing,
                      std::size_t &errors,
                      const std::function<void(std::size_t image, const FileOutputs &outputs)> &use);

} // namespace intvit::cli

// An integer model on picture files, from bytes to what it gives, in the order of the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/runtime/model.hpp"
#include "models/evaluate/image_loader.hpp"

namespace intvit {

struct FileOutputs {
  std::size_t file = 0;               // its index
  std::string error;                  // why it could not be read; then there are no outputs
  std::vector<std::int32_t> integers; // in units of 2^-logit_fraction_bits()
  std::vector<std::int32_t> features; // in units of 2^-feature_fraction_bits(), where the model gives them besides
  std::vector<std::int32_t> tokens;   // likewise of the patches: [patches, channels], as Model::patch_tokens() says
  LoadTimes load;
  double run = 0;  // seconds of the run of the network, divided by its images
  int threads = 1; // of that run
};

// Runs `count` files on `threads` threads and hands what comes out to `use`, on the caller's thread and in the files'
// order. `load` loads a file by its index; its std::runtime_error is the file's error. About `batch` images are in the
// network at once, at least one a thread where there are many.
//
// Where there are at least four times as many files as that, every thread takes some, loads them and runs them by
// itself, so that none waits for another's decoder or network. They are about 16 times as many files as there are
// threads ahead of the first that is not done, or as many as each takes, if that is more. Of fewer files all threads
// load the next ones, and when all of these are loaded they run them together. In memory there are one decoded picture
// a thread, the images that are run at once, and the outputs of those that are ahead.
//
// An exception of `use` ends it. Throws std::runtime_error where the model cannot be run.
void run_files(const std::shared_ptr<const Model> &model, const Recipe &recipe, std::size_t count,
               const std::function<Image(std::size_t file, ImageLoader &loader)> &load, int threads, int batch,
               const std::function<void(const FileOutputs &outputs)> &use);

} // namespace intvit

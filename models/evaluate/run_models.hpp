// An integer model, and the float model it came from, on many images: what every evaluation begins with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/image/recipe.hpp"
#include "engine/runtime/model.hpp"
#include "models/architectures/float_model.hpp"

namespace intvit {

// What the models give for one image.
struct ImageOutputs {
  std::size_t image = 0;                  // index into the paths
  std::span<const std::int32_t> integers; // in units of 2^-logit_fraction_bits()
  std::span<const float> floats;          // of the float model; empty where there is none
};

struct ModelRuns {
  std::size_t images = 0;          // that could be read
  double images_per_second = 0;    // of inference alone: without decoding, preprocessing and the float model
  std::vector<std::string> errors; // a message for every image that could not be read
};

// Runs every image on one of `threads` threads and hands what comes out to `use`, from any of these threads, for
// several images at once. `float_model` may be null. `proceed` is called with the number of images done, from any
// thread but never from two at once. If it returns false, no more images are begun, and the result is that of the
// images done. Throws std::runtime_error where the float model has other outputs or another image size.
ModelRuns run_models(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                     std::span<const std::string> paths, const Recipe &recipe, int threads,
                     const std::function<void(const ImageOutputs &outputs)> &use,
                     const std::function<bool(std::size_t done)> &proceed);

// The paths of labelled images.
template <typename Labelled> std::vector<std::string> paths_of(std::span<const Labelled> images) {
  std::vector<std::string> paths;
  paths.reserve(images.size());
  for (const Labelled &image : images)
    paths.push_back(image.path);
  return paths;
}

} // namespace intvit

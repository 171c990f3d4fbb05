// Picture files as a model's input, one after the other.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "engine/image/preprocess.hpp"

namespace intvit {

// How long the steps took, in seconds.
struct LoadTimes {
  double read = 0;
  double decode = 0;
  double preprocess = 0;
};

// One for each thread that loads pictures. It keeps what resizing needs for the sizes of the last ones.
class ImageLoader {
public:
  // Resizes with `kernels`, usually the model's; the bits do not depend on them.
  explicit ImageLoader(const Recipe &recipe, const kernels::KernelTable &kernels = kernels::default_kernels())
      : recipe_(recipe), preprocessor_(recipe, kernels) {}

  // Reads, decodes and preprocesses a file. Throws std::runtime_error with the engine's message, also where memory is
  // short, so that other files go on.
  Image load(const std::string &path);
  // The same of a file's bytes, which messages call `name`.
  Image load(std::span<const std::byte> file, const std::string &name);

  // Of the image that was loaded last.
  const LoadTimes &times() const { return times_; }

private:
  Image decode_and_preprocess(std::span<const std::byte> file, const std::string &name);

  Recipe recipe_;
  Preprocessor preprocessor_;
  LoadTimes times_;
};

} // namespace intvit

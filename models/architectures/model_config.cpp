#include "models/architectures/model_config.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernels/attention.hpp"

namespace intvit {

void validate_dimension(const char *what, int value, int limit, int low) {
  if (value < low || value > limit)
    throw std::runtime_error(std::string(what) + " is " + std::to_string(value) + ", must be " + std::to_string(low) +
                             " to " + std::to_string(limit));
}

void validate_range(const char *what, double value, double low, double high) {
  if (!(value >= low && value <= high)) // also refuses NaN
    throw std::runtime_error(std::string(what) + " is " + std::to_string(value) + ", must be between " +
                             std::to_string(low) + " and " + std::to_string(high));
}

void validate_multiple(const char *what, int value, const char *of, int divisor) {
  if (value % divisor != 0)
    throw std::runtime_error(std::string(what) + " " + std::to_string(value) + " is not a multiple of " + of + " " +
                             std::to_string(divisor));
}

void validate_common(const ModelConfig &config) {
  validate_dimension("image height", config.image_height, 16384);
  validate_dimension("image width", config.image_width, 16384);
  validate_dimension("patch size", config.patch, 512);
  if (!config.partial_patches) {
    validate_multiple("image height", config.image_height, "patch size", config.patch);
    validate_multiple("image width", config.image_width, "patch size", config.patch);
  } else if (config.grid_height() == 0 || config.grid_width() == 0) {
    throw std::runtime_error("an image of " + std::to_string(config.image_width) + " x " +
                             std::to_string(config.image_height) + " pixels is smaller than a patch of " +
                             std::to_string(config.patch) + " x " + std::to_string(config.patch));
  }
  // Before a position embedding is resampled to them: a small configuration can ask for 2^28.
  if (const int patches = config.grid_height() * config.grid_width(); patches > kernels::max_tokens)
    throw std::runtime_error("an image of " + std::to_string(config.image_width) + " x " +
                             std::to_string(config.image_height) + " pixels has " + std::to_string(patches) +
                             " patches of " + std::to_string(config.patch) + " x " + std::to_string(config.patch) +
                             ", at most " + std::to_string(kernels::max_tokens) + " can be run");
  if (config.classes != 0) // features
    validate_dimension("number of classes", config.classes, 1 << 20);
  validate_range("LayerNorm eps", config.layer_norm_eps, 1e-12, 1.0);
  for (const double mean : config.mean)
    validate_range("mean", mean, 0.0, 1.0);
  for (const double std : config.std)
    validate_range("std", std, 1e-3, 1e3);
  validate_range("crop_pct", config.crop_pct, 1e-2, 1.0);
  const std::array<std::string, 4> filters = {"bicubic", "bilinear", "lanczos", "box"};
  if (std::find(filters.begin(), filters.end(), config.interpolation) == filters.end())
    throw std::runtime_error("interpolation \"" + config.interpolation +
                             "\" is not supported: use bicubic, bilinear, lanczos or box");
}

} // namespace intvit

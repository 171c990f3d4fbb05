// What the architectures have in common: the image, how a photograph becomes one, and the number of outputs.
#pragma once

#include <array>
#include <string>

#include "engine/graph/result_kind.hpp"
#include "engine/image/recipe.hpp"

namespace intvit {

struct ModelConfig {
  std::string architecture; // timm's name without the pretrained tag; "vit" or "swin" where the source gives no name

  int image_height = 224; // pixels, a multiple of patch, unless partial_patches
  int image_width = 224;
  int patch = 16; // pixels, square
  // Pixels at the right and at the bottom that do not fill a patch are left out. Otherwise there must be none.
  bool partial_patches = false;
  int classes = 0; // logits; 0: the model has no head and gives features
  // What the logits mean, where there are any: not embedding.
  ResultKind head = ResultKind::logits;
  double layer_norm_eps = 1e-6;
  bool centred_norms = true; // norms take the mean off first; otherwise they are RMSNorm's (arXiv 1910.07467)

  // Preprocessing: mix to grey, if so, resize by crop_mode, crop the centre, then (pixel / 255 - mean) / std.
  Recipe::Color color = Recipe::Color::rgb;
  std::array<double, 3> mean = {0.5, 0.5, 0.5}; // R, G, B
  std::array<double, 3> std = {0.5, 0.5, 0.5};
  double crop_pct = 0.9; // in (0, 1]
  CropMode crop_mode = CropMode::center;
  std::string interpolation = "bicubic"; // Pillow's filter: bicubic, bilinear, lanczos or box

  int grid_height() const { return image_height / patch; }
  int grid_width() const { return image_width / patch; }
  int patches() const { return grid_height() * grid_width(); }
  int patch_inputs() const { return 3 * patch * patch; }
  ResultKind result_kind() const { return classes == 0 ? ResultKind::embedding : head; }
};

// ImageNet's mean and standard deviation, on which many models were trained.
inline constexpr std::array<double, 3> imagenet_mean = {0.485, 0.456, 0.406};
inline constexpr std::array<double, 3> imagenet_std = {0.229, 0.224, 0.225};

// Those of CLIP's pictures.
inline constexpr std::array<double, 3> clip_mean = {0.48145466, 0.4578275, 0.40821073};
inline constexpr std::array<double, 3> clip_std = {0.26862954, 0.26130258, 0.27577711};

// Throws std::runtime_error that says what is impossible: an image that is not a multiple of the patch, a dimension
// that is absurdly large (within the limits, patches() and patch_inputs() fit an int), a preprocessing value out of
// range.
void validate_common(const ModelConfig &config);

// The same for one value, which the message calls `what`.
void validate_dimension(const char *what, int value, int limit, int low = 1); // low to limit
void validate_range(const char *what, double value, double low, double high);
void validate_multiple(const char *what, int value, const char *of, int divisor);

} // namespace intvit

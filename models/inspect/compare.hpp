// Two models on the same images: where they agree, and in which layer they part.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/runtime/model.hpp"
#include "models/architectures/float_model.hpp"
#include "models/evaluate/dataset.hpp"
#include "models/evaluate/measures.hpp"

namespace intvit {

// What one model makes of one image.
struct Observed {
  // The residual stream at one of the places of residual_streams(), but for a factor.
  struct Layer {
    std::ptrdiff_t columns = 0;
    std::vector<double> values; // row by row
  };

  std::vector<double> logits; // in real numbers
  std::vector<Layer> layers;
};

// One of the two.
class ComparedModel {
public:
  virtual ~ComparedModel() = default;

  // On several threads at once, each with a number of its own.
  virtual Observed run(const Image &image, std::size_t thread) = 0;
  virtual std::vector<std::string> stream_names() const = 0; // empty where the model gives its streams none
  virtual int classes() const = 0;
  virtual ResultKind result_kind() const = 0;
  virtual int image_height() const = 0;
  virtual int image_width() const = 0;
};

std::unique_ptr<ComparedModel> compared(const std::shared_ptr<const Model> &model, int threads);
std::unique_ptr<ComparedModel> compared(const FloatModel &model); // keeps a reference

struct Opinion {
  int label = 0; // the class with the largest logit
  double probability = 0;
};

struct ImageComparison {
  std::string path;
  std::optional<int> label; // what it shows, where that is known
  Opinion first;
  Opinion second;
  double agreement = 0;  // 1 where both name the same class, else 0; of labels, the share that both decide alike
  double cosine = 0;     // of the logits
  double difference = 0; // of the logits, the mean absolute one
};

struct LayerComparison {
  std::string name;         // of the node that writes the stream
  double cosine = 0;        // of all tokens' values together, the mean over the images
  double lowest_cosine = 1; // of an image
};

struct Comparison {
  std::vector<ImageComparison> images; // that could be read, in their order
  double agreement = 0;                // images of which both say the same, or of labels decisions, in percent
  double cosine = 0;                   // of the logits, the mean
  double difference = 0;               // likewise
  // Of features: on how many of the first max_neighbours images both find the same other one nearest, in percent; empty
  // with fewer than fewest_neighbours.
  std::optional<double> neighbours;
  std::vector<LayerComparison> layers; // empty where the models' layers have other shapes
  std::optional<double> first_top1;    // in percent, where all labels are known
  std::optional<double> second_top1;
  std::vector<std::string> errors; // a message for every image that could not be read
};

struct ComparedImage {
  std::string path;
  std::optional<int> label;
};

// What logits mean is told by the first model. Throws std::runtime_error where the models have other image sizes or
// numbers of classes. `progress` is called with the number of images done, from any thread but never from two at once,
// and with that of all while neighbours are looked for.
Comparison compare(ComparedModel &first, ComparedModel &second, std::span<const ComparedImage> images,
                   const Recipe &recipe, const kernels::KernelTable &kernels, int threads,
                   const std::function<void(std::size_t done)> &progress);

} // namespace intvit

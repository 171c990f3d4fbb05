// What `intvit bench` measures: forward passes, and matrix products alone, each beside the processor's peak in the same
// seconds.
//
// Clocks drift and neighbours come and go. A measurement is therefore cut into rounds, with a sample of the peak before
// each round and after the last; shares of the peak are medians over medians.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/benchmark/shapes.hpp"
#include "cli/options/weights.hpp"
#include "engine/runtime/session.hpp"

namespace intvit::cli {

// How long to measure.
struct Effort {
  int warmup = 3;     // runs that are not counted
  int runs = 0;       // exactly this many; 0: as many as fit into `seconds`, but at least 5
  double seconds = 2; // used if runs is 0
  bool roofline = false;
};

// Times of equal runs, and the peak beside them.
struct Samples {
  std::vector<double> milliseconds;       // in the order in which they were taken
  std::vector<double> peak_gmac_per_s;    // empty without Effort::roofline
  std::vector<double> bandwidth_gb_per_s; // of memory, before and after a model's runs; empty without roofline
  std::int64_t multiply_accumulates = 0;  // of one run
  std::int64_t bytes = 0;                 // that one run of a model must move at least: weights, images, logits

  // The value that a share `quantile` of the times does not exceed (nearest rank).
  double quantile(double quantile) const;
  double median() const;
  double gmac_per_s() const; // at the median time
  double peak() const;       // the median; 0 without samples
  double bandwidth() const;  // the median; 0 without samples
};

double median(std::vector<double> values);

// One operation of the model, over all blocks.
struct OperationTime {
  std::string operation;   // "layer_norm", "attention", ...; a linear map: the last part of its name, "qkv"
  int calls = 0;           // in a forward pass
  double milliseconds = 0; // in a forward pass, the median
  double share = 0;        // of the sum of all operations, 0..1
  std::int64_t multiply_accumulates = 0; // that a forward pass really does
  std::int64_t bytes = 0;                // of weights, inputs and outputs in a forward pass
};

// What is measured.
struct Combination {
  std::string name;             // of the model
  bool is_architecture = false; // with random weights; otherwise a file
  std::string weights;          // WeightChoice::text() of an architecture
  std::string isa;
  int threads = 1;
  int batch = 1;
};

struct ForwardResult : Combination {
  Samples samples;
  std::vector<OperationTime> profile; // in the order of the first call; empty where not asked for
};

// Runs random images. Throws Interrupted.
Samples measure_forward(const std::shared_ptr<const Model> &model, int threads, int batch, const Effort &effort,
                        std::vector<OperationTime> *profile);

struct ShapeResult {
  Shape shape;
  Samples samples; // of one product
};

// LinearKernel::run alone, on one thread, with the requantizing epilogue and random codes; one product after the other
// on the same memory. Throws Interrupted.
std::vector<ShapeResult> measure_shapes(const std::vector<Shape> &shapes, const WeightChoice &weights,
                                        const kernels::KernelTable &kernels, const Effort &effort);

} // namespace intvit::cli

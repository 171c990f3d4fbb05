// What `intvit bench` measures: forward passes, and matrix products alone, each beside the processor's peak in the same
// seconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/benchmark/rounds.hpp"
#include "cli/benchmark/samples.hpp"
#include "cli/benchmark/shapes.hpp"
#include "cli/options/weights.hpp"
#include "engine/runtime/session.hpp"

namespace intvit::cli {

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
  int sessions = 1; // side by side, each with so many threads
};

// What it takes until the first answer, and in memory.
struct Start {
  std::size_t file_bytes = 0;   // of the model's file
  double load_ms = 0;           // from the file to the packed model; an architecture is no file: from its bytes
  double session_ms = 0;        // to make the session
  double first_run_ms = 0;      // of that session, whose memory nothing has touched
  std::size_t packed_bytes = 0; // of weights, for the instruction set
  std::size_t arena_bytes = 0;  // of the session, which grows with threads and batch
  std::optional<std::size_t> peak_bytes; // the most that the process held while it did this; absent where unknown
};

struct ForwardResult : Combination {
  Samples samples;
  Start start;
  std::vector<OperationTime> profile; // in the order of the first call; empty where not asked for
};

// A model that is ready for sessions.
struct LoadedModel {
  std::shared_ptr<const Model> model;
  Start start; // as far as it is known then
};

// Runs random images; the first run is never counted. Throws Interrupted.
ForwardResult measure_forward(const LoadedModel &loaded, const Combination &combination, const Effort &effort,
                              bool profile);

struct ShapeResult {
  Shape shape;
  Samples samples; // of one product
};

// LinearKernel::run alone, on one thread, with the requantizing epilogue and random codes; one product after the other
// on the same memory. Throws Interrupted.
std::vector<ShapeResult> measure_shapes(const std::vector<Shape> &shapes, const WeightChoice &weights,
                                        const kernels::KernelTable &kernels, const Effort &effort);

} // namespace intvit::cli

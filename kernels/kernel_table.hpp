// The kernels of one instruction set, as function pointers. The executor and the resize of images call nothing else.
//
// Every entry computes a range of its operation and may run on several threads at once on disjoint ranges. It allocates
// nothing, keeps no state, and gives the same bits as kernels/reference whatever the range.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/mean_rows.hpp"
#include "kernels/patches.hpp"
#include "kernels/resample.hpp"

namespace intvit::kernels {

// A matrix product, the layout it wants its weights in, and the tile it computes at once: one record, because none of
// them makes sense without the others.
struct LinearKernel {
  int tile_rows = 1;
  int tile_columns = 1;
  std::size_t (*packed_bytes)(int out_features, int in_features) = nullptr;
  // weights: int8 [out_features, in_features], row-major. `packed` is aligned to 64 bytes.
  void (*pack)(const std::int8_t *weights, const Requantization &requantization, int out_features, int in_features,
               std::byte *packed) = nullptr;
  // The same for STLQ weights. They stay words of four bits; run() decodes a panel at a time.
  std::size_t (*stlq_packed_bytes)(const StlqMatrix &weights) = nullptr;
  void (*pack_stlq)(const StlqMatrix &weights, const Requantization &requantization, std::byte *packed) = nullptr;
  // Memory that one thread needs beside its arguments, aligned to 64 bytes; may be 0.
  std::size_t (*scratch_bytes)(int in_features, WeightFormat format) = nullptr;
  // Computes rows x columns of the output; both ranges begin at a multiple of the tile.
  void (*run)(const LinearArgs &args, Range rows, Range columns) = nullptr;
};

struct AttentionKernel {
  // Memory that one thread needs beside its arguments, aligned to 64 bytes.
  std::size_t (*scratch_bytes)(int tokens, int head_dim) = nullptr;
  // Computes the output of some queries of one head. Preparing a head costs time, so that few long ranges are better
  // than many short ones.
  void (*run)(const AttentionArgs &args, int head, Range queries) = nullptr;
};

// The passes of an image resize.
struct ResampleKernel {
  // Both compute rows of the output.
  void (*horizontal)(const ResampleArgs &args, Range rows) = nullptr;
  void (*vertical)(const ResampleArgs &args, Range rows) = nullptr;
};

struct KernelTable {
  const char *name = "";
  LinearKernel linear;
  void (*layer_norm)(const LayerNormArgs &args, Range rows) = nullptr;
  void (*mean_rows)(const MeanRowsArgs &args, Range columns) = nullptr;
  AttentionKernel attention;
  void (*patches)(const PatchesArgs &args, Range patches) = nullptr;
  ResampleKernel resample;
  // The ceiling of `linear`, for benchmarks: `steps` rounds of the dot-product instruction that it uses, on registers
  // alone. Returns how many multiply-accumulates that were.
  std::int64_t (*peak)(std::int64_t steps) = nullptr;
};

// The definition of every operation in plain C++.
const KernelTable &reference_kernels();

} // namespace intvit::kernels

// The kernels of one instruction set, as function pointers. The engine calls kernels in no other way.
//
// Every entry computes a range of its operation and may run on several threads at once on disjoint ranges. It allocates
// nothing, keeps no state, and gives the same bits as kernels/reference, whatever the range.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.hpp"
#include "kernels/l2_normalize.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/mean_rows.hpp"
#include "kernels/multiply.hpp"
#include "kernels/patches.hpp"
#include "kernels/resample.hpp"
#include "kernels/rescale.hpp"
#include "kernels/rotate.hpp"
#include "kernels/token_merging.hpp"

namespace intvit::kernels {

// How a matrix product keeps the weights of one format.
struct PackedFormat {
  // Bytes that pack() writes. The layout may depend on the weights, which this reads too.
  std::size_t (*packed_bytes)(const WeightsView &weights) = nullptr;
  // Writes the weights and the constants of their outputs' requantization in the layout that run() wants. `packed` is
  // aligned to 64 bytes.
  void (*pack)(const WeightsView &weights, const Requantization &requantization, std::byte *packed) = nullptr;
  // Memory that one thread needs beside its arguments to run(), aligned to 64 bytes; may be 0.
  std::size_t (*scratch_bytes)(int in_features) = nullptr;
};

// A matrix product, the layout it wants its weights in, and the tile it computes at once: one record, because none of
// them makes sense without the others.
struct LinearKernel {
  int tile_rows = 1;
  int tile_columns = 1;
  PerFormat<PackedFormat> formats;
  // Computes rows x columns of the output; both ranges begin at a multiple of the tile.
  void (*run)(const LinearArgs &args, Range rows, Range columns) = nullptr;
};

struct AttentionKernel {
  // Memory that one thread needs beside its arguments, aligned to 64 bytes.
  std::size_t (*scratch_bytes)(int tokens, int head_dim) = nullptr;
  // Computes the output of some queries of one head. Every call first packs the head's keys and values, so few long
  // ranges are faster than many short ones.
  void (*run)(const AttentionArgs &args, int head, Range queries) = nullptr;
};

// The passes of an image resize.
struct ResampleKernel {
  // Both compute rows of the output.
  void (*horizontal)(const ResampleArgs &args, Range rows) = nullptr;
  void (*vertical)(const ResampleArgs &args, Range rows) = nullptr;
};

// Merging of tokens, one image at a time.
struct TokenMergingKernel {
  // Adds to importance[token] what the first token pays attention to it in a head: its probability with 16 fraction
  // bits. Needs memory for args.tokens int32 in args.scratch; no output and no requantization.
  void (*add_importance)(const AttentionArgs &args, int head, std::uint32_t *importance) = nullptr;
  std::size_t (*match_scratch_bytes)(int tokens, int channels) = nullptr;
  // Of the tokens that may merge, ranked by importance, finds the partners of those in this range: writes what
  // TokenPartnerRow says of them to args.groups. Takes time about as ranks^2 of the range's end less that of its begin.
  void (*find_partners)(const MatchTokensArgs &args, Range ranks) = nullptr;
  // When partners of all have been found: which tokens become one. Reads neither keys nor importance.
  void (*match)(const MatchTokensArgs &args) = nullptr;
  std::size_t (*merge_scratch_bytes)(int tokens) = nullptr;
  // Computes rows of the output.
  void (*merge)(const MergeTokensArgs &args, Range rows) = nullptr;
};

struct KernelTable {
  const char *name = "";
  LinearKernel linear;
  void (*layer_norm)(const LayerNormArgs &args, Range rows) = nullptr;
  void (*l2_normalize)(const L2NormalizeArgs &args, Range rows) = nullptr;
  void (*mean_rows)(const MeanRowsArgs &args, Range columns) = nullptr;
  void (*multiply)(const MultiplyArgs &args, Range rows) = nullptr;
  void (*rescale)(const RescaleArgs &args, Range rows) = nullptr;
  void (*rotate)(const RotateArgs &args, Range rows) = nullptr;
  AttentionKernel attention;
  TokenMergingKernel token_merging;
  void (*patches)(const PatchesArgs &args, Range patches) = nullptr;
  ResampleKernel resample;
  // The rate that `linear` cannot exceed, for benchmarks: `steps` rounds of its product instruction on registers alone,
  // without loads. Returns how many multiply-accumulates that were.
  std::int64_t (*peak)(std::int64_t steps) = nullptr;
  const char *peak_product = ""; // what that is, for people
};

// The definition of every operation in plain C++.
const KernelTable &reference_kernels();

} // namespace intvit::kernels

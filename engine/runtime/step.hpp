// One operation of a forward pass: how the kernel's arguments follow from the operation's constants and the values that
// it touches, and which part of the work is one thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/graph/program.hpp"
#include "engine/runtime/team.hpp"
#include "kernels/kernel_table.hpp"

namespace intvit {

// `from` and `to` are the input and output of the whole batch. Each function does the share of `team`'s thread;
// together they write all of `to`. None waits for another thread.
struct Step {
  const kernels::KernelTable &kernels;
  const Team &team;
  const ValueInfo &input;
  const ValueInfo &output;
  const std::byte *packed;
  std::byte *from;
  std::byte *to;
  std::byte *scratch;
  int batch;

  void patches(const BoundPatches &op, std::span<const std::uint8_t *const> images) const;
  void patch_embed(const BoundPatchEmbed &op) const;
  void layer_norm(const BoundLayerNorm &op) const;
  // `stream`: what the residual epilogue adds to.
  void linear(const BoundLinear &op, const std::byte *stream, const ValueInfo &stream_info) const;
  void attention(const BoundAttention &op) const;
  // The beginning of every image's input, as much as the output holds: its first rows, or all of it.
  void copy() const;
  void mean_rows(const BoundMeanRows &op) const;
  void merge_patches(const BoundMergePatches &op) const;

private:
  void window_attention(const BoundAttention &op, kernels::AttentionArgs args) const;
  void run_linear(const kernels::LinearArgs &args, int rows) const;
};

} // namespace intvit

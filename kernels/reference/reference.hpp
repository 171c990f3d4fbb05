// docs/numerics.md in plain C++: what every other implementation must equal bit for bit.
#pragma once

#include "kernels/kernel_table.hpp"

namespace intvit::kernels::reference {

// output[index] = value, clamped to the type's codes.
inline void store_output(void *output, ElementType type, std::ptrdiff_t index, std::int32_t value) {
  if (type == ElementType::int8)
    static_cast<std::int8_t *>(output)[index] = clamp_to_int8(value);
  else if (type == ElementType::int16)
    static_cast<std::int16_t *>(output)[index] = clamp_to_int16(value);
  else
    static_cast<std::int32_t *>(output)[index] = value;
}

// Of any format: the integers that the weights stand for, row-major, then offsets, then multipliers.
std::size_t packed_bytes(const WeightsView &weights);
void pack(const WeightsView &weights, const Requantization &requantization, std::byte *packed);
std::size_t scratch_bytes(int in_features);
void linear(const LinearArgs &args, Range rows, Range columns);
// KernelTable::peak, with plain C++'s dot product of two vectors that stay in the first cache: it has no instruction of
// its own.
std::int64_t peak(std::int64_t steps);

void layer_norm(const LayerNormArgs &args, Range rows);
void l2_normalize(const L2NormalizeArgs &args, Range rows);
void mean_rows(const MeanRowsArgs &args, Range columns);
void multiply(const MultiplyArgs &args, Range rows);
void rescale(const RescaleArgs &args, Range rows);
void rotate(const RotateArgs &args, Range rows);
std::size_t attention_scratch_bytes(int tokens, int head_dim);
void attention(const AttentionArgs &args, int head, Range queries);
// How far the scores of a query are below the largest of them, 0..255: writes args.tokens distances to `row`. Looks at
// neither softmax, requantization, output nor scratch.
void attention_distances(const AttentionArgs &args, int head, int query, std::int32_t *row);
// What attention() multiplies the values of a query's tokens by: writes args.tokens weights to `row` and returns the
// number that they are divided by. Looks at neither requantization, output nor scratch.
std::uint32_t attention_weights(const AttentionArgs &args, int head, int query, std::int32_t *row);
void add_importance(const AttentionArgs &args, int head, std::uint32_t *importance);
std::size_t match_scratch_bytes(int tokens, int channels);
void find_partners(const MatchTokensArgs &args, Range ranks);
std::size_t merge_scratch_bytes(int tokens);
void merge_tokens(const MergeTokensArgs &args, Range rows);
void patches(const PatchesArgs &args, Range patches);
void resample_horizontal(const ResampleArgs &args, Range rows);
void resample_vertical(const ResampleArgs &args, Range rows);

} // namespace intvit::kernels::reference

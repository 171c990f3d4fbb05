// Proofs, at load, that a kernel cannot overflow on any input (docs/numerics.md, "Bounds").
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/weights.hpp"
#include "kernels/softmax.hpp"

namespace intvit {

// Each returns the first channel that could overflow, or -1.

// Bounds of every channel's accumulator over all int8 inputs: 128 * sum |weight|. -1 when all are below 2^31.
int accumulator_bounds(const Weights &weights, std::vector<std::uint64_t> &bounds);

// bound[c] * |multiplier[c]| + extra[c] + |offset[c]| < 2^63; `extra` may be empty.
int check_requantization(const RequantizationConstants &constants, const std::vector<std::uint64_t> &bound,
                         const std::vector<std::uint64_t> &extra);

// The residual's term of add_requantize(): 2^(bits - 1) * 2^shift * |multiplier[c]|.
std::vector<std::uint64_t> residual_bounds(kernels::ElementType type, int shift,
                                           const std::vector<std::int32_t> &multiplier);

// The largest LayerNorm quotient, with its 16 fraction bits: sqrt(channels - 1), generously.
std::uint64_t normalized_bound(int channels);

// The largest attention quotient, with its 16 fraction bits: |v| <= 128 and weights that add up to at most 1.5 times
// the divisor.
inline constexpr std::uint64_t attention_bound = std::uint64_t{1} << 24;

// The largest number of a row of length 1, with its 16 fraction bits and their rounding.
inline constexpr std::uint64_t unit_bound = (std::uint64_t{1} << 16) + 1;

// distance_code() for every possible distance of two scores of `head_dim` int8 products, to which a bias has been added
// whose values lie within `bias_range` of one another.
bool score_fits(int head_dim, std::int32_t multiplier, int shift, std::uint64_t bias_range = 0);

// What taken off a score makes its distance from the row's largest at least 255 codes. Larger than max_masking where
// there is nothing that kernels can take.
std::uint64_t masking(int head_dim, std::int32_t multiplier, int shift, std::uint64_t bias_range);

// Whether log_int_softmax of 4 bits gives the last distance probability 0 in every row.
bool last_distance_weighs_nothing(const kernels::ExpTable &exp);

// exp falls (or stays) from one distance to the next and a row of `tokens` of them adds up to less than 2^31.
bool exp_table_is_valid(const kernels::ExpPolynomial &polynomial, int tokens);

} // namespace intvit

// Random tokens to match and rows to merge, and what must become of them by docs/numerics.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernel_table.hpp"
#include "kernels/token_merging.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

struct MatchCase {
  int tokens = 1;
  int channels = 1;
  int first = 0;
  int pairs = 0;
  int cut = 0;
  std::ptrdiff_t stride = 0;
  std::vector<std::int8_t> keys;         // [tokens, stride]
  std::vector<std::uint32_t> importance; // [tokens], or none
  std::vector<std::int32_t> sizes;       // [tokens], or none

  kernels::MatchTokensArgs args(std::int32_t *groups, std::byte *scratch) const;
  // Finds partners, those of the tokens behind the first `cut` before the others', and matches.
  void run(const kernels::KernelTable &kernels, const kernels::MatchTokensArgs &args) const;
  std::vector<std::int32_t> run(const kernels::KernelTable &kernels) const;
};

// Keys and importances of few or many different values, so that there are ties.
MatchCase make_match(Random &random, int most_tokens, int most_channels);

// What match() must find.
std::vector<std::int32_t> exact_groups(const MatchCase &match);

struct MergeCase {
  int tokens = 1;
  int rows = 1; // that remain
  int channels = 1;
  std::vector<std::int32_t> groups;
  kernels::ElementType type = kernels::ElementType::int8;
  std::ptrdiff_t stride = 0;
  std::vector<std::int8_t> codes8; // [tokens, stride]
  std::vector<std::int16_t> codes16;

  std::int64_t code(int token, int c) const;
  kernels::MergeTokensArgs args(void *output, std::byte *scratch) const;
};

MergeCase make_merge(Random &random, int most_tokens, int most_channels);

} // namespace intvit::test

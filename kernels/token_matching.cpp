#include "kernels/token_matching.hpp"

#include <algorithm>
#include <numeric>

namespace intvit::kernels {

// Both selections below are by total orders, so that there is one result whatever the algorithm.

TokenMatching::TokenMatching(const MatchTokensArgs &args)
    : args_(args), candidates_(reinterpret_cast<std::int32_t *>(args.scratch)), nearest_(candidates_ + args.tokens),
      distances_(nearest_ + args.tokens), order_(distances_ + args.tokens) {
  std::int32_t *merges = args.groups; // a place for a flag a token
  std::fill_n(merges, args.tokens, 1);
  std::fill_n(merges, args.first, 0);
  if (args.important > 0) {
    const int others = args.tokens - args.first;
    std::iota(order_, order_ + others, args.first);
    std::nth_element(order_, order_ + args.important - 1, order_ + others, [&](std::int32_t a, std::int32_t b) {
      return args.importance[a] != args.importance[b] ? args.importance[a] > args.importance[b] : a < b;
    });
    for (int i = 0; i < args.important; ++i)
      merges[order_[i]] = 0;
  }
  for (int token = args.first; token < args.tokens; ++token)
    if (merges[token] != 0)
      candidates_[count_++] = token;
}

void TokenMatching::write_groups() const {
  const int tokens = args_.tokens;
  std::int32_t *groups = args_.groups + std::ptrdiff_t{group_of_token} * tokens;
  std::int32_t *sizes = args_.groups + std::ptrdiff_t{size_of_token} * tokens;
  std::int32_t *group_sizes = args_.groups + std::ptrdiff_t{size_of_group} * tokens;

  if (args_.pairs > 0) {
    std::iota(order_, order_ + sources(), 0);
    std::nth_element(order_, order_ + args_.pairs - 1, order_ + sources(), [&](std::int32_t a, std::int32_t b) {
      return distances_[a] != distances_[b] ? distances_[a] < distances_[b] : a < b;
    });
  }
  // First each merging token's destination, then, as the rows that remain are counted, the rows.
  std::fill_n(groups, tokens, -1);
  for (int i = 0; i < args_.pairs; ++i)
    groups[source(order_[i])] = destination(nearest_[order_[i]]);
  std::int32_t *row_of = distances_; // that a token which remains becomes
  int rows = 0;
  for (int token = 0; token < tokens; ++token)
    if (groups[token] < 0)
      row_of[token] = rows++;
  std::fill_n(group_sizes, tokens, 0);
  for (int token = 0; token < tokens; ++token) {
    groups[token] = row_of[groups[token] < 0 ? token : groups[token]];
    sizes[token] = args_.sizes == nullptr ? 1 : args_.sizes[token];
    group_sizes[groups[token]] += sizes[token];
  }
}

} // namespace intvit::kernels

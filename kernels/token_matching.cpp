#include "kernels/token_matching.hpp"

#include <algorithm>
#include <numeric>

namespace intvit::kernels {

namespace {

constexpr int token_bits = 14; // of a token's number: max_tokens is 2^14

} // namespace

// All orders below are total, so that there is one result whatever the algorithm.

TokenMatching::TokenMatching(const MatchTokensArgs &args)
    : args_(args), costs_(reinterpret_cast<std::uint64_t *>(args.scratch)),
      tokens_(reinterpret_cast<std::int32_t *>(costs_ + args.tokens)), partners_(tokens_ + args.tokens),
      distances_(partners_ + args.tokens), order_(distances_ + args.tokens) {
  std::iota(tokens_, tokens_ + count(), args.first);
  if (args.importance == nullptr)
    return;
  // Numbers that ascend with falling importance, then with the token.
  std::uint64_t *keys = costs_;
  for (int i = 0; i < count(); ++i) {
    const int token = args.first + i;
    keys[i] = std::uint64_t{max_importance - args.importance[token]} << token_bits | static_cast<std::uint64_t>(token);
  }
  std::sort(keys, keys + count());
  for (int i = 0; i < count(); ++i)
    tokens_[i] = static_cast<std::int32_t>(keys[i] & ((std::uint64_t{1} << token_bits) - 1));
}

// Into args_.groups, which has room for three numbers a token: the destination of each token that merges, otherwise -1;
// and whether it is a destination.
void TokenMatching::merge_pairs() const {
  std::int32_t *destinations = args_.groups;
  std::int32_t *is_destination = args_.groups + args_.tokens;
  std::fill_n(destinations, args_.tokens, -1);
  std::fill_n(is_destination, args_.tokens, 0);
  if (args_.pairs == 0)
    return;
  int left = args_.pairs;
  const auto merge = [&](int i, std::int32_t destination) {
    destinations[tokens_[i]] = destination;
    is_destination[destination] = 1;
    --left;
  };

  for (int i = 1; i < count(); ++i) {
    const std::uint64_t importance = args_.importance == nullptr ? 0 : args_.importance[tokens_[i]];
    const auto distance = static_cast<std::uint64_t>(distances_[i]);
    costs_[i] = distance * (importance + 1); // below 2^58
  }
  // A heap, as seldom more than a part of the order is asked for.
  std::int32_t *end = order_ + count() - 1;
  std::iota(order_, end, 1);
  const auto later = [&](std::int32_t a, std::int32_t b) {
    return costs_[a] != costs_[b] ? costs_[a] > costs_[b] : tokens_[a] > tokens_[b];
  };
  std::make_heap(order_, end, later);
  std::int32_t *waiting = distances_; // those whose partner has merged itself; the distances have been used
  std::int32_t *waiting_end = waiting;
  while (left > 0 && end != order_) {
    std::pop_heap(order_, end, later);
    const std::int32_t i = *--end;
    const std::int32_t partner = tokens_[partners_[i]];
    if (is_destination[tokens_[i]] != 0)
      continue;
    if (destinations[partner] < 0)
      merge(i, partner);
    else
      *waiting_end++ = i;
  }
  // Now all tokens but the first one are sources, destinations or wait, and there are no more destinations than
  // sources: as many as half of the tokens can merge.
  for (; left > 0 && waiting != waiting_end; ++waiting)
    if (is_destination[tokens_[*waiting]] == 0)
      merge(*waiting, destinations[tokens_[partners_[*waiting]]]);
}

void TokenMatching::write_groups() const {
  merge_pairs();
  const int tokens = args_.tokens;
  std::int32_t *groups = args_.groups + std::ptrdiff_t{group_of_token} * tokens;
  std::int32_t *sizes = args_.groups + std::ptrdiff_t{size_of_token} * tokens;
  std::int32_t *group_sizes = args_.groups + std::ptrdiff_t{size_of_group} * tokens;
  std::int32_t *row_of = partners_; // that a token which remains becomes
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

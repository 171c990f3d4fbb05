// kernels/token_merging.hpp, token by token.
#include "kernels/reference/reference.hpp"

#include <algorithm>

#include "kernels/reciprocal.hpp"
#include "kernels/token_matching.hpp"

namespace intvit::kernels::reference {

namespace {

std::int32_t squared_distance(const std::int8_t *a, const std::int8_t *b, int channels) {
  std::int32_t sum = 0;
  for (int c = 0; c < channels; ++c)
    sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

// Which tokens become a row: tokens[begin[row]] to tokens[begin[row + 1] - 1], in their order.
struct Members {
  std::int32_t *begin;  // [tokens + 1]
  std::int32_t *tokens; // [tokens]

  explicit Members(const MergeTokensArgs &args)
      : begin(reinterpret_cast<std::int32_t *>(args.scratch)), tokens(begin + args.tokens + 1) {
    std::fill_n(begin, args.tokens + 1, 0);
    for (int token = 0; token < args.tokens; ++token)
      ++begin[args.groups[token] + 1];
    for (int row = 0; row < args.tokens; ++row)
      begin[row + 1] += begin[row];
    for (int token = 0; token < args.tokens; ++token)
      tokens[begin[args.groups[token]]++] = token;
    for (int row = args.tokens; row > 0; --row)
      begin[row] = begin[row - 1];
    begin[0] = 0;
  }
};

// floor(value / size + 1/2) of a sum of codes that stands for `size` of them: 1 <= size <= 2^14, |value| <= size *
// 2^15. With 2^15 added to the quotient the numerator, below size * 2^17, is not negative, and it is divided by 2 *
// size by way of a multiplication: the factor is above 2^47 / (2 * size) by at most 1, which adds less than size * 2^17
// / 2^47 <= 2^-16 to the quotient. As a quotient that is no integer is at least 1 / (2 * size) >= 2^-15 below the next
// one, its floor is right.
class RoundedMean {
public:
  explicit RoundedMean(std::int32_t size)
      : addend_((std::int64_t{size} << 16) + size),
        factor_((std::uint64_t{1} << 47) / (2 * static_cast<std::uint64_t>(size)) + 1) {}

  std::int32_t operator()(std::int32_t value) const {
    const auto numerator = static_cast<std::uint64_t>(2 * std::int64_t{value} + addend_);
    return static_cast<std::int32_t>(numerator * factor_ >> 47) - (1 << 15);
  }

private:
  std::int64_t addend_;
  std::uint64_t factor_;
};

template <typename T> void merge_rows(const MergeTokensArgs &args, const Members &members, Range rows) {
  const std::int32_t *sizes = args.groups + std::ptrdiff_t{size_of_token} * args.tokens;
  const std::int32_t *group_sizes = args.groups + std::ptrdiff_t{size_of_group} * args.tokens;
  const T *input = static_cast<const T *>(args.input.data);
  for (int row = rows.begin; row < rows.end; ++row) {
    T *output = static_cast<T *>(args.output) + std::ptrdiff_t{row} * args.channels;
    const std::int32_t *first = members.tokens + members.begin[row];
    const std::int32_t *end = members.tokens + members.begin[row + 1];
    if (end - first == 1) { // its own mean
      std::copy_n(input + first[0] * args.input.stride, args.channels, output);
      continue;
    }
    const RoundedMean mean(group_sizes[row]);
    for (int c = 0; c < args.channels; ++c) {
      std::int32_t sum = 0; // |sum| <= 2^14 * 2^15
      for (const std::int32_t *token = first; token != end; ++token)
        sum += sizes[*token] * input[*token * args.input.stride + c];
      output[c] = static_cast<T>(mean(sum));
    }
  }
}

} // namespace

void add_importance(const AttentionArgs &args, int head, std::uint32_t *importance) {
  auto *distances = reinterpret_cast<std::int32_t *>(args.scratch);
  attention_distances(args, head, 0, distances);
  std::uint32_t sum = 0; // below 2^31: the loader's bound on the table
  for (int token = 0; token < args.tokens; ++token)
    sum += (*args.exp)[static_cast<std::size_t>(distances[token])];
  const Reciprocal by = reciprocal(sum);
  for (int token = 0; token < args.tokens; ++token) {
    const auto exp = static_cast<std::int32_t>((*args.exp)[static_cast<std::size_t>(distances[token])]);
    importance[token] += static_cast<std::uint32_t>(quotient(exp, by)); // at most 2^16
  }
}

std::size_t match_scratch_bytes(int tokens, int) {
  return matching_scratch_bytes(tokens);
}

void find_partners(const MatchTokensArgs &args, Range ranks) {
  const RankedTokens ranked(args);
  const auto row = [&](int token) { return args.keys + token * args.stride; };
  for (int i = ranks.begin; i < ranks.end; ++i) {
    if (i == 0) {
      ranked.set_no_partner();
      continue;
    }
    int nearest = 0;
    std::int32_t least = INT32_MAX;
    for (int j = 0; j < i; ++j) {
      const std::int32_t distance = squared_distance(row(ranked[i]), row(ranked[j]), args.channels);
      if (distance < least) {
        least = distance;
        nearest = j;
      }
    }
    ranked.set_partner(i, nearest, least);
  }
}

std::size_t merge_scratch_bytes(int tokens) {
  return (2 * static_cast<std::size_t>(tokens) + 1) * sizeof(std::int32_t);
}

void merge_tokens(const MergeTokensArgs &args, Range rows) {
  const Members members(args);
  if (args.input.type == ElementType::int8)
    merge_rows<std::int8_t>(args, members, rows);
  else
    merge_rows<std::int16_t>(args, members, rows);
}

} // namespace intvit::kernels::reference

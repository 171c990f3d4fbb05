#include "tests/kernels/token_merging_case.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/kernel_table.hpp"
#include "tests/kernels/aligned_bytes.hpp"

namespace intvit::test {

using kernels::ElementType;

namespace {

std::size_t index(int i) {
  return static_cast<std::size_t>(i);
}

// 1 and more for each of `count`, which add up to at most the largest sum.
std::vector<std::int32_t> random_sizes(Random &random, int count) {
  return random.values<std::int32_t>(index(count), 1, random.between(1, kernels::max_tokens / count));
}

} // namespace

kernels::MatchTokensArgs MatchCase::args(std::int32_t *groups, std::byte *scratch) const {
  return {.keys = keys.data(),
          .stride = stride,
          .tokens = tokens,
          .channels = channels,
          .first = first,
          .importance = importance.empty() ? nullptr : importance.data(),
          .pairs = pairs,
          .sizes = sizes.empty() ? nullptr : sizes.data(),
          .groups = groups,
          .scratch = scratch};
}

std::vector<std::int32_t> MatchCase::run(const kernels::KernelTable &kernels) const {
  std::vector<std::int32_t> groups(index(tokens * kernels::token_group_rows), 99);
  AlignedBytes scratch(kernels.token_merging.match_scratch_bytes(tokens, channels));
  run(kernels, args(groups.data(), scratch.data()));
  return groups;
}

void MatchCase::run(const kernels::KernelTable &kernels, const kernels::MatchTokensArgs &args) const {
  kernels.token_merging.find_partners(args, {cut, args.count()});
  kernels.token_merging.find_partners(args, {0, cut});
  kernels.token_merging.match(args);
}

MatchCase make_match(Random &random, int most_tokens, int most_channels) {
  MatchCase match;
  match.tokens = random.between(1, most_tokens);
  match.channels = random.between(1, most_channels);
  match.first = random.between(0, std::min(match.tokens, 5));
  match.pairs = random.between(0, (match.tokens - match.first) / 2);
  if (random.between(0, 1) == 0)
    match.pairs = (match.tokens - match.first) / 2; // the most, for which many must make do with another's partner
  match.cut = random.between(0, 2) == 0 ? 0 : random.between(0, match.tokens - match.first);
  match.stride = match.channels + random.between(0, 40);
  const std::int8_t limit = random.between<std::int8_t>(0, 127);
  match.keys = random.values<std::int8_t>(index(match.tokens) * static_cast<std::size_t>(match.stride),
                                          static_cast<std::int8_t>(-limit), limit);
  if (random.between(0, 2) > 0)
    match.importance = random.values<std::uint32_t>(index(match.tokens), 0, random.between(0, 1) == 0 ? 3 : 1 << 26);
  if (random.between(0, 1) == 0)
    match.sizes = random_sizes(random, match.tokens);
  return match;
}

// Sorts everything, and searches all pairs again for every token that merges.
std::vector<std::int32_t> exact_groups(const MatchCase &match) {
  const auto importance = [&](int token) {
    return match.importance.empty() ? Int128{0} : Int128{match.importance[index(token)]};
  };
  const auto distance = [&](int a, int b) {
    Int128 sum = 0;
    for (int c = 0; c < match.channels; ++c) {
      const auto key = [&](int token) {
        return Int128{match.keys[index(token) * static_cast<std::size_t>(match.stride) + index(c)]};
      };
      sum += (key(a) - key(b)) * (key(a) - key(b));
    }
    return sum;
  };
  std::vector<int> ranked(index(match.tokens - match.first));
  std::iota(ranked.begin(), ranked.end(), match.first);
  std::stable_sort(ranked.begin(), ranked.end(), [&](int a, int b) { return importance(a) > importance(b); });

  struct Pair {
    Int128 cost;
    int source;
    int destination;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 1; i < ranked.size(); ++i) {
    const auto end = ranked.begin() + static_cast<std::ptrdiff_t>(i);
    const int partner = *std::min_element(
        ranked.begin(), end, [&](int a, int b) { return distance(ranked[i], a) < distance(ranked[i], b); });
    pairs.push_back({distance(ranked[i], partner) * (importance(ranked[i]) + 1), ranked[i], partner});
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair &a, const Pair &b) { return a.source < b.source; });
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair &a, const Pair &b) { return a.cost < b.cost; });

  std::vector<int> into(index(match.tokens));
  std::iota(into.begin(), into.end(), 0);
  const auto stays = [&](int token) { return into[index(token)] == token; };
  const auto has_merged = [&](int token) {
    return std::count(into.begin(), into.end(), token) > (stays(token) ? 1 : 0);
  };
  int merged = 0;
  for (const bool behind_partner : {false, true})
    for (const Pair &pair : pairs)
      if (merged < match.pairs && stays(pair.source) && !has_merged(pair.source) &&
          stays(pair.destination) != behind_partner) {
        into[index(pair.source)] = into[index(pair.destination)];
        ++merged;
      }
  std::vector<std::int32_t> groups(index(3 * match.tokens));
  for (int token = 0; token < match.tokens; ++token) {
    int row = 0; // tokens before it that remain
    for (int other = 0; other < into[index(token)]; ++other)
      row += into[index(other)] == other ? 1 : 0;
    const std::int32_t size = match.sizes.empty() ? 1 : match.sizes[index(token)];
    groups[index(token)] = row;
    groups[index(match.tokens + token)] = size;
    groups[index(2 * match.tokens + row)] += size;
  }
  return groups;
}

std::int64_t MergeCase::code(int token, int c) const {
  const std::size_t at = index(token) * static_cast<std::size_t>(stride) + index(c);
  return type == ElementType::int8 ? codes8[at] : codes16[at];
}

kernels::MergeTokensArgs MergeCase::args(void *output, std::byte *scratch) const {
  const void *data = type == ElementType::int8 ? static_cast<const void *>(codes8.data()) : codes16.data();
  return {.groups = groups.data(),
          .tokens = tokens,
          .input = {data, type, stride},
          .channels = channels,
          .output = output,
          .scratch = scratch};
}

MergeCase make_merge(Random &random, int most_tokens, int most_channels) {
  MergeCase merge;
  merge.tokens = random.between(1, most_tokens);
  merge.rows = random.between((merge.tokens + 1) / 2, merge.tokens);
  merge.channels = random.between(1, most_channels);
  merge.type = random.between(0, 1) == 0 ? ElementType::int8 : ElementType::int16;
  merge.stride = merge.channels + random.between(0, 9);
  const std::size_t elements = index(merge.tokens) * static_cast<std::size_t>(merge.stride);
  merge.codes8 = random.values<std::int8_t>(elements, -128, 127);
  merge.codes16 = random.values<std::int16_t>(elements, -32768, 32767);
  // Every row that remains has a token, and the others are anywhere.
  const std::vector<std::int32_t> sizes = random_sizes(random, merge.tokens);
  merge.groups.resize(index(3 * merge.tokens));
  std::vector<int> order(index(merge.tokens));
  std::iota(order.begin(), order.end(), 0);
  for (int i = merge.tokens - 1; i > 0; --i)
    std::swap(order[index(i)], order[index(random.between(0, i))]);
  for (int i = 0; i < merge.tokens; ++i) {
    const int token = order[index(i)];
    const int row = i < merge.rows ? i : random.between(0, merge.rows - 1);
    merge.groups[index(token)] = row;
    merge.groups[index(merge.tokens + token)] = sizes[index(token)];
    merge.groups[index(2 * merge.tokens + row)] += sizes[index(token)];
  }
  return merge;
}

} // namespace intvit::test

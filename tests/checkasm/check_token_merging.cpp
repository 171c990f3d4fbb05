// Merging of tokens: importance, matching and means.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/attention_case.hpp"
#include "tests/kernels/token_merging_case.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

std::optional<Failure> round_importance(const KernelTable &table, Random &random, GuardedMemory &memory) {
  const AttentionShape shape{random.between(1, 140), random.between(1, 3), random.between(1, 100)};
  const AttentionCase attention = random.between(0, 1) == 0
                                      ? make_attention(random, shape, Softmax::int16, true)
                                      : make_merged_attention(random, shape, Softmax::int16, true);
  const int head = random.between(0, shape.heads - 1);
  const auto tokens = static_cast<std::size_t>(shape.tokens);
  const std::size_t scratch_bytes = tokens * sizeof(std::int32_t);
  const OutputRange range{4, tokens, {0, 1}, {0, shape.tokens}, tokens * 4};

  // It adds to what is there: the canaries.
  const auto canary = static_cast<std::byte>(random.between(0, 100));
  std::vector<std::byte> expected(range.bytes, canary);
  AlignedBytes reference_scratch(scratch_bytes);
  reference_kernels().token_merging.add_importance(attention.args(nullptr, reference_scratch.data()), head,
                                                   reinterpret_cast<std::uint32_t *>(expected.data()));

  const std::string text = std::to_string(shape.tokens) + " tokens, head " + std::to_string(head) + " of " +
                           std::to_string(shape.heads) + ", head_dim " + std::to_string(shape.head_dim);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("importance", range.bytes, 4);
    std::byte *scratch = memory.output("scratch", scratch_bytes, 64);
    AttentionArgs args = attention.args(nullptr, scratch);
    args.qkv = memory.input("qkv", args.qkv, attention.qkv.size());
    if (args.token_bias != nullptr)
      args.token_bias = memory.input("token_bias", args.token_bias, tokens);
    args.score_multiplier =
        memory.input("score_multiplier", args.score_multiplier, static_cast<std::size_t>(shape.heads));
    args.exp = memory.input("exp", args.exp, 1);
    const auto run = [&] { table.token_merging.add_importance(args, head, reinterpret_cast<std::uint32_t *>(output)); };
    if (auto failure = run_guarded({text, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

std::optional<Failure> round_match(const KernelTable &table, Random &random, GuardedMemory &memory) {
  MatchCase match = make_match(random, random.between(0, 15) == 0 ? 400 : 140, 200);
  maybe_extreme<std::int8_t>(random, match.keys, -128, 127);
  const auto tokens = static_cast<std::size_t>(match.tokens);
  const OutputRange range{4, tokens, {0, token_group_rows}, {0, match.tokens}, tokens * token_group_rows * 4};
  const auto canary = static_cast<std::byte>(random.bits());
  const std::vector<std::int32_t> groups = match.run(reference_kernels());
  const auto bytes = std::as_bytes(std::span(groups));
  const std::vector<std::byte> expected(bytes.begin(), bytes.end());

  const std::string text = std::to_string(match.tokens) + " tokens, " + std::to_string(match.channels) +
                           " channels, first " + std::to_string(match.first) + ", pairs " +
                           std::to_string(match.pairs) + (match.importance.empty() ? "" : ", weighted");
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("groups", range.bytes, 4);
    std::byte *scratch =
        memory.output("scratch", table.token_merging.match_scratch_bytes(match.tokens, match.channels), 64);
    MatchTokensArgs args = match.args(reinterpret_cast<std::int32_t *>(output), scratch);
    const std::size_t last = (tokens - 1) * static_cast<std::size_t>(match.stride);
    args.keys = memory.input("keys", args.keys, last + static_cast<std::size_t>(match.channels));
    if (args.importance != nullptr)
      args.importance = memory.input("importance", args.importance, tokens);
    if (args.sizes != nullptr)
      args.sizes = memory.input("sizes", args.sizes, tokens);
    const auto run = [&] { match.run(table, args); };
    if (auto failure = run_guarded({text, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

std::optional<Failure> round_merge(const KernelTable &table, Random &random, GuardedMemory &memory) {
  MergeCase merge = make_merge(random, 80, 140);
  maybe_extreme<std::int8_t>(random, merge.codes8, -128, 127);
  maybe_extreme<std::int16_t>(random, merge.codes16, -32768, 32767);
  const int begin = random.between(0, merge.rows);
  const Range rows{begin, random.between(begin, merge.rows)};
  const auto size = element_size(merge.type);
  const auto channels = static_cast<std::size_t>(merge.channels);
  const OutputRange range{
      size, channels, rows, {0, merge.channels}, static_cast<std::size_t>(rows.end) * channels * size};
  const std::size_t scratch_bytes = table.token_merging.merge_scratch_bytes(merge.tokens);
  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  AlignedBytes reference_scratch(reference_kernels().token_merging.merge_scratch_bytes(merge.tokens));
  reference_kernels().token_merging.merge(merge.args(expected.data(), reference_scratch.data()), rows);

  const std::string text = std::to_string(merge.tokens) + " tokens, " + std::to_string(merge.channels) + " channels, " +
                           range_text("rows", rows, merge.rows);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, size);
    std::byte *scratch = memory.output("scratch", scratch_bytes, 64);
    MergeTokensArgs args = merge.args(output, scratch);
    const std::size_t code_size = merge.type == ElementType::int8 ? 1 : 2;
    const std::size_t last = static_cast<std::size_t>(merge.tokens - 1) * static_cast<std::size_t>(merge.stride);
    args.input.data = memory.input("input", args.input.data, (last + channels) * code_size, code_size);
    args.groups = memory.input("groups", args.groups, merge.groups.size());
    const auto run = [&] { table.token_merging.merge(args, rows); };
    if (auto failure = run_guarded({text, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time_importance(const KernelTable &table) {
  constexpr AttentionShape shape{197, 1, 64};
  Random random(1);
  const AttentionCase attention = make_attention(random, shape, Softmax::int16, true);
  AlignedBytes scratch(shape.tokens * sizeof(std::int32_t));
  std::vector<std::uint32_t> importance(shape.tokens);
  const AttentionArgs args = attention.args(nullptr, scratch.data());
  return measure([&] { table.token_merging.add_importance(args, 0, importance.data()); });
}

Timing time_match(const KernelTable &table) {
  Random random(1);
  MatchCase match;
  match.tokens = 197;
  match.channels = 384;
  match.first = 1;
  match.pairs = 30;
  match.stride = std::ptrdiff_t{3} * match.channels;
  match.keys = random.values<std::int8_t>(static_cast<std::size_t>(match.tokens * match.stride), -128, 127);
  std::vector<std::int32_t> groups(static_cast<std::size_t>(match.tokens * token_group_rows));
  AlignedBytes scratch(table.token_merging.match_scratch_bytes(match.tokens, match.channels));
  const MatchTokensArgs args = match.args(groups.data(), scratch.data());
  Timing timing = measure([&] { match.run(table, args); });
  timing.macs = 196.0 * 195.0 / 2 * match.channels;
  return timing;
}

Timing time_merge(const KernelTable &table) {
  Random random(1);
  MergeCase merge;
  merge.tokens = 197;
  merge.rows = 167;
  merge.channels = 384;
  merge.type = ElementType::int16;
  merge.stride = merge.channels;
  merge.codes16 = random.values<std::int16_t>(static_cast<std::size_t>(merge.tokens * merge.channels), -32768, 32767);
  merge.groups.assign(static_cast<std::size_t>(merge.tokens * token_group_rows), 1);
  for (int token = 0; token < merge.tokens; ++token) {
    merge.groups[static_cast<std::size_t>(token)] = token % merge.rows;
    merge.groups[static_cast<std::size_t>(2 * merge.tokens + token)] = token < 30 ? 2 : 1;
  }
  AlignedBytes output(static_cast<std::size_t>(merge.rows * merge.channels) * sizeof(std::int16_t));
  AlignedBytes scratch(table.token_merging.merge_scratch_bytes(merge.tokens));
  const MergeTokensArgs args = merge.args(output.data(), scratch.data());
  return measure([&] { table.token_merging.merge(args, {0, merge.rows}); });
}

} // namespace

void add_token_merging_checks(std::vector<Check> &checks) {
  checks.push_back({"importance", "197 tokens, head of 64", round_importance, time_importance});
  checks.push_back({"match_tokens", "197 x 384", round_match, time_match});
  checks.push_back({"merge_tokens", "197 x 384 to 167", round_merge, time_merge});
}

} // namespace intvit::test

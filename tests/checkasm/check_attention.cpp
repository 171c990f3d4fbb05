// Attention by softmax mode, with and without renormalization.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/attention_case.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

AttentionShape random_shape(Random &random) {
  constexpr int usual_dims[] = {32, 64, 64, 80};
  const int choice = random.between(0, 7);
  const int head_dim = choice < 4 ? usual_dims[choice] : random.between(1, 100);
  const int tokens = random.between(0, 15) == 0 ? random.between(190, 600) : random.between(1, 140);
  return {tokens, random.between(1, 3), head_dim};
}

std::optional<Failure> round(Softmax softmax, const KernelTable &table, Random &random, GuardedMemory &memory) {
  const bool renormalize = (softmax != Softmax::lis4 && softmax != Softmax::lis8) || (random.bits() & 1) != 0;
  // Half of the calls with rows and a bias, half of these with a mask; of the others half with a bias of tokens.
  const int choice = random.between(0, 3);
  AttentionCase attention =
      choice == 0   ? make_attention(random, random_shape(random), softmax, renormalize)
      : choice == 1 ? make_merged_attention(random, random_shape(random), softmax, renormalize)
                    : make_window_attention(random, random_shape(random), softmax, renormalize, choice == 3);
  maybe_extreme<std::int8_t>(random, attention.qkv, -128, 127);
  const auto [tokens, heads, head_dim] = attention.shape;
  const std::size_t channels = attention.shape.channels();
  const int head = random.between(0, heads - 1);
  const int begin = random.between(0, tokens - 1);
  const Range queries{begin, std::min(tokens, begin + random.between(0, 20))};
  // The output ends with the last query's row: a run may have fewer queries than tokens.
  const std::size_t output_rows = attention.output_rows(queries);
  const Range rows = choice < 2 ? queries : Range{0, static_cast<int>(output_rows)}; // some of them
  const OutputRange range{1, channels, rows, {head * head_dim, (head + 1) * head_dim}, output_rows * channels};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  attention.run(reference_kernels(), head, queries, reinterpret_cast<std::int8_t *>(expected.data()));

  const std::string shape = range_text("queries", queries, tokens) + ", head " + std::to_string(head) + " of " +
                            std::to_string(heads) + ", head_dim " + std::to_string(head_dim) +
                            (renormalize ? "" : ", without renormalization");
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, 1);
    std::byte *scratch = memory.output("scratch", table.attention.scratch_bytes(tokens, head_dim), 64);
    AttentionArgs args = attention.args(reinterpret_cast<std::int8_t *>(output), scratch);
    args.qkv = memory.input("qkv", args.qkv, attention.qkv.size());
    if (choice == 1)
      args.token_bias = memory.input("token_bias", args.token_bias, attention.token_bias.size());
    if (choice >= 2) {
      args.rows = memory.input("rows", args.rows, attention.rows.size());
      // All rows, or those alone that these queries read.
      const bool some = against == Against::begin && queries.begin < queries.end;
      const std::ptrdiff_t first = some ? std::ptrdiff_t{head} * tokens + queries.begin : 0;
      const auto count = some ? static_cast<std::size_t>((queries.end - queries.begin) * attention.bias_stride)
                              : attention.bias.size();
      args.bias.first_row = first;
      args.bias.bias = memory.input("bias", args.bias.bias + first * attention.bias_stride, count);
      args.bias.masking = memory.input("masking", args.bias.masking, attention.masking.size());
    }
    if (choice == 3)
      args.bias.mask = memory.input("mask", args.bias.mask, attention.mask.size());
    args.score_multiplier = memory.input("score_multiplier", args.score_multiplier, static_cast<std::size_t>(heads));
    args.exp = memory.input("exp", args.exp, 1);
    args.int8_weights = memory.input("int8_weights", args.int8_weights, 1);
    args.requantization.multiplier = memory.input("multiplier", args.requantization.multiplier, channels);
    args.requantization.offset = memory.input("offset", args.requantization.offset, channels);
    const auto run = [&] { table.attention.run(args, head, queries); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time(Softmax softmax, const KernelTable &table) {
  constexpr AttentionShape shape{197, 1, 64};
  Random random(1);
  const AttentionCase attention = make_attention(random, shape, softmax, true);
  AlignedBytes scratch(table.attention.scratch_bytes(shape.tokens, shape.head_dim));
  AlignedBytes output(static_cast<std::size_t>(shape.tokens) * shape.channels());
  const AttentionArgs args = attention.args(reinterpret_cast<std::int8_t *>(output.data()), scratch.data());
  Timing timing = measure([&] { table.attention.run(args, 0, {0, shape.tokens}); });
  timing.macs = 2.0 * shape.tokens * shape.tokens * shape.head_dim;
  return timing;
}

template <Softmax softmax> Check attention_check(const char *name) {
  return {name, "197 tokens, head of 64",
          [](const KernelTable &table, Random &random, GuardedMemory &memory) {
            return round(softmax, table, random, memory);
          },
          [](const KernelTable &table) { return time(softmax, table); }};
}

} // namespace

void add_attention_checks(std::vector<Check> &checks) {
  checks.push_back(attention_check<Softmax::lis4>("attention_lis4"));
  checks.push_back(attention_check<Softmax::lis8>("attention_lis8"));
  checks.push_back(attention_check<Softmax::int8>("attention_int8"));
  checks.push_back(attention_check<Softmax::int16>("attention_int16"));
}

} // namespace intvit::test

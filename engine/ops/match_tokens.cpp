#include "engine/ops/match_tokens.hpp"

#include <algorithm>

#include "kernels/token_merging.hpp"

namespace intvit {

void MatchTokens::describe(Fields &fields) {
  fields.integer("pairs", pairs, 1, kernels::max_tokens / 2);
  fields.integer("first", first, 0, kernels::max_tokens);
  fields.boolean("weighted", weighted);
  attention.describe_scores(fields);
  attention.sized = fields.has("sizes", attention.sized);
}

Binding MatchTokens::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &qkv = inputs[0];
  if (qkv.type != ElementType::int8 || qkv.columns % 3 != 0)
    binder.fail("its input must be int8 with columns of queries, keys and values");
  if (qkv.rows > kernels::max_tokens || qkv.columns / 3 > kernels::max_merging_channels)
    binder.fail("too many tokens or channels");
  if (weighted && first < 1)
    binder.fail("tokens are weighted by the first one's attention, which must not merge itself: \"first\" is 0");
  const std::int64_t merging = std::int64_t{qkv.rows} - first;
  if (2 * std::int64_t{pairs} > merging)
    binder.fail("cannot merge " + std::to_string(pairs) + " pairs of the " +
                std::to_string(std::max<std::int64_t>(merging, 0)) + " of " + std::to_string(qkv.rows) +
                " tokens that may merge");
  auto bound = std::make_unique<BoundMatchTokens>();
  bound->pairs = pairs;
  bound->first = first;
  bound->weighted = weighted;
  bound->sized = attention.sized;
  bound->tokens = qkv.rows;
  bound->channels = qkv.columns / 3;
  if (bound->channels % attention.heads != 0)
    binder.fail("its input must have 3 * heads * head_dim columns");
  bound->attention = bind_scores(binder, attention, qkv.rows, bound->channels);
  bind_sizes(binder, attention, inputs, *bound->attention);
  const ValueInfo output{ElementType::int32, kernels::token_group_rows, qkv.rows, qkv.rows - pairs,
                         attention.sized ? inputs[1].first_tokens : qkv.rows};
  return {std::move(bound), output};
}

namespace {

// The thread's part of `count` tokens, of which the i-th is compared with i others: contiguous, with about as many
// comparisons for every thread.
kernels::Range share_of_comparisons(const Team &team, std::int64_t count) {
  const auto bound = [&](std::int64_t parts) {
    std::int64_t end = 0; // the largest with end^2 <= count^2 * parts / size
    while (end < count && (end + 1) * (end + 1) * team.size <= count * count * parts)
      ++end;
    return static_cast<int>(end);
  };
  return {bound(team.index), bound(team.index + 1)};
}

} // namespace

// First all threads find partners, each of its share of the tokens, or of the images where there are enough of them;
// then an image is a task.
void BoundMatchTokens::run(const Step &step) const {
  const kernels::Range images = step.team.share(step.batch());
  if (step.phase == 1)
    for (int image = images.begin; image < images.end; ++image)
      step.kernels.token_merging.match(arguments(step, static_cast<std::size_t>(image)));
  else if (step.batch() >= step.team.size)
    for (int image = images.begin; image < images.end; ++image)
      find_partners(step, static_cast<std::size_t>(image), {0, tokens - first});
  else
    for (int image = 0; image < step.batch(); ++image)
      find_partners(step, static_cast<std::size_t>(image), share_of_comparisons(step.team, tokens - first));
}

void BoundMatchTokens::find_partners(const Step &step, std::size_t image, kernels::Range ranks) const {
  if (ranks.begin >= ranks.end)
    return;
  kernels::MatchTokensArgs match = arguments(step, image);
  if (weighted) {
    // Behind the kernels' own scratch memory: how important each token is, and its bias in a head. Every thread
    // computes it for itself, which takes no longer than to wait for another one.
    auto *importance = reinterpret_cast<std::uint32_t *>(step.scratch + kernel_scratch_bytes(step.kernels));
    auto *token_bias = reinterpret_cast<std::int32_t *>(importance + tokens);
    kernels::AttentionArgs args = attention->arguments();
    args.qkv = reinterpret_cast<const std::int8_t *>(step.inputs[0].image(image));
    args.token_bias = sized ? token_bias : nullptr;
    args.scratch = step.scratch;
    std::fill_n(importance, tokens, 0);
    for (int head = 0; head < attention->heads; ++head) {
      if (sized)
        attention->write_token_bias(head, match.sizes, token_bias);
      step.kernels.token_merging.add_importance(args, head, importance);
    }
    match.importance = importance;
  }
  step.kernels.token_merging.find_partners(match, ranks);
}

kernels::MatchTokensArgs BoundMatchTokens::arguments(const Step &step, std::size_t image) const {
  return {.keys = reinterpret_cast<const std::int8_t *>(step.inputs[0].image(image)) + channels,
          .stride = std::ptrdiff_t{3} * channels,
          .tokens = tokens,
          .channels = channels,
          .first = first,
          .pairs = pairs,
          .sizes = sized ? sizes_of_image(step.inputs[1], image) : nullptr,
          .groups = reinterpret_cast<std::int32_t *>(step.output.image(image)),
          .scratch = step.scratch};
}

std::size_t BoundMatchTokens::kernel_scratch_bytes(const kernels::KernelTable &kernels) const {
  return std::max(kernels.token_merging.match_scratch_bytes(tokens, channels),
                  static_cast<std::size_t>(tokens) * sizeof(std::int32_t));
}

std::size_t BoundMatchTokens::scratch_bytes(const kernels::KernelTable &kernels) const {
  return kernel_scratch_bytes(kernels) + 2 * static_cast<std::size_t>(tokens) * sizeof(std::int32_t);
}

std::size_t BoundMatchTokens::expanded_bytes() const {
  return attention->expanded_bytes();
}

} // namespace intvit

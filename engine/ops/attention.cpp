#include "engine/ops/attention.hpp"

#include <algorithm>
#include <span>

#include "engine/ops/bounds.hpp"
#include "kernels/token_merging.hpp"

namespace intvit {

namespace {

// In the enumeration's order.
constexpr std::array<std::string_view, kernels::softmax_count> softmax_names{
    softmax_name(kernels::Softmax::lis4), softmax_name(kernels::Softmax::lis8), softmax_name(kernels::Softmax::int8),
    softmax_name(kernels::Softmax::int16)};

// Kernels look at all keys first, which costs little beside so many queries; and so many rows stay in a cache.
constexpr int bias_rows_at_once = 128;

} // namespace

std::vector<std::string_view> Attention::features() const {
  std::vector<std::string_view> needed{all_features[static_cast<std::size_t>(softmax)]};
  if (sized)
    needed.push_back(all_features[kernels::softmax_count]);
  if (biased)
    needed.push_back(all_features[kernels::softmax_count + 1]);
  return needed;
}

std::vector<const char *> Attention::inputs() const {
  return sized ? std::vector{"input", "sizes"} : std::vector{"input"};
}

void Attention::describe_scores(Fields &fields) {
  fields.integer("heads", heads, 1, 1024);
  fields.integer("score_shift", score_shift, 1, 31);
  fields.integer("units_per_octave", exp.units_per_octave, 1, 255);
  fields.integer("exp_linear", exp.linear, 0, 1 << 15);
  fields.integer("exp_constant", exp.constant, 1, 1 << 30);
  fields.integer("exp_octaves", exp.octaves, 0, 30);
}

void Attention::describe_heads(Fields &fields) {
  describe_scores(fields);
  fields.choice("softmax", softmax, softmax_names);
  fields.boolean("renormalize", renormalize);
  fields.integer("shift", shift, kernels::min_shift, kernels::max_shift);
}

void Attention::describe(Fields &fields) {
  describe_heads(fields);
  fields.integer("queries", queries, 0, kernels::max_tokens);
  sized = fields.has("sizes", sized);
  if (fields.has("biased", biased))
    fields.boolean("biased", biased);
}

bool are_sizes_of(const ValueInfo &value, int tokens) {
  return value.groups > 0 && value.groups == tokens;
}

const std::int32_t *sizes_of_image(const Operand &groups, std::size_t image) {
  const auto *rows = reinterpret_cast<const std::int32_t *>(groups.image(image));
  return &rows[std::ptrdiff_t{kernels::size_of_group} * groups.info->columns];
}

std::unique_ptr<BoundAttention> bind_scores(NodeBinder &binder, const Attention &op, int tokens, int channels) {
  auto bound = std::make_unique<BoundAttention>();
  bound->tokens = tokens;
  bound->heads = op.heads;
  bound->head_dim = channels / op.heads;
  if (bound->head_dim < 1 || bound->head_dim > kernels::max_head_dim)
    binder.fail("head_dim must be from 1 to " + std::to_string(kernels::max_head_dim));
  bound->score_shift = op.score_shift;
  bound->score_multiplier = binder.read<std::int32_t>("score_multiplier", DType::i32, {op.heads});
  if (exp_table_is_valid(op.exp, tokens)) {
    bound->exp = kernels::build_exp_table(op.exp);
    bound->exp_halves = kernels::halves_every_16(bound->exp);
  } else {
    binder.fail("the exp polynomial rises or its sum over a row could overflow");
  }
  return bound;
}

std::unique_ptr<BoundAttention> bind_heads(NodeBinder &binder, const Attention &op, int tokens, const ValueInfo &qkv) {
  if (qkv.type != ElementType::int8 || qkv.columns % (3 * op.heads) != 0)
    binder.fail("its input must be int8 with 3 * heads * head_dim columns");
  if (op.queries > tokens || tokens > kernels::max_tokens)
    binder.fail("too many tokens or queries");
  const int channels = qkv.columns / 3;
  std::unique_ptr<BoundAttention> bound = bind_scores(binder, op, tokens, channels);
  bound->queries = op.queries == 0 ? tokens : op.queries;
  bound->softmax = op.softmax;
  bound->renormalize = op.renormalize;
  if (binder.ok()) {
    bound->int8_weights = kernels::build_int8_weights(bound->exp);
    bound->int16_weight_shift = kernels::int16_weight_shift(bound->exp, tokens);
  }
  bound->requantization = binder.requantization(channels, op.shift);
  binder.prove(bound->requantization, attention_bound);
  return bound;
}

void bind_sizes(NodeBinder &binder, const Attention &op, std::span<const ValueInfo> inputs, BoundAttention &bound) {
  if (op.sized) {
    if (!are_sizes_of(inputs[1], bound.tokens))
      binder.fail("its sizes must be what match_tokens gives, of as many remaining tokens as its input has rows");
    // Every other token stands for one patch at least.
    bound.largest_size = inputs[1].first_tokens - inputs[1].groups + 1;
  }
  for (const std::int32_t multiplier : bound.score_multiplier) {
    std::uint64_t largest = 0;
    if (op.sized && binder.ok() && multiplier >= 1) {
      const auto score = [&](int size) {
        return kernels::size_score(size, op.exp.units_per_octave, multiplier, op.score_shift);
      };
      largest = score(bound.largest_size);
      if (largest > kernels::max_score_bias)
        return binder.fail("a score_multiplier is too small for the sizes of tokens");
      bound.size_scores.push_back(0);
      for (int size = 1; size <= bound.largest_size; ++size)
        bound.size_scores.push_back(static_cast<std::int32_t>(score(size)));
    }
    if (!score_fits(bound.head_dim, multiplier, op.score_shift, largest))
      return binder.fail("a score_multiplier could overflow 32 bits");
  }
}

std::uint64_t bias_range(NodeBinder &binder, std::span<const std::int32_t> biases) {
  const auto [low, high] = std::minmax_element(biases.begin(), biases.end());
  if (*low < -kernels::max_score_bias || *high > kernels::max_score_bias)
    binder.fail("a relative_bias is beyond " + std::to_string(kernels::max_score_bias));
  return static_cast<std::uint64_t>(std::int64_t{*high} - *low);
}

namespace {

// The shape of relative_bias tells the grid's.
void bind_grid(NodeBinder &binder, const Attention &op, BoundAttention &bound) {
  if (op.sized)
    binder.fail("tokens that have been merged have no place on a grid");
  const TensorView *view = binder.constant("relative_bias", 3);
  if (view == nullptr)
    return;
  const std::int64_t rows = view->shape[1];
  const std::int64_t columns = view->shape[2];
  const std::int64_t most = 2 * std::int64_t{kernels::max_tokens};
  if (rows < 1 || columns < 1 || rows > most || columns > most || rows % 2 == 0 || columns % 2 == 0 ||
      (rows + 1) / 2 * ((columns + 1) / 2) > bound.tokens)
    return binder.fail("its relative_bias of " + std::to_string(rows) + " x " + std::to_string(columns) +
                       " distances is that of no grid of " + std::to_string(bound.tokens) + " tokens or fewer");
  BoundBiasGrid &grid = bound.bias_grid;
  grid.height = static_cast<int>((rows + 1) / 2);
  grid.width = static_cast<int>((columns + 1) / 2);
  grid.prefix = bound.tokens - grid.height * grid.width;
  grid.patches = binder.read<std::int32_t>("relative_bias", DType::i32, {op.heads, rows, columns});
  grid.others = binder.read<std::int32_t>("prefix_bias", DType::i32, {op.heads, 3});
  if (!binder.ok())
    return;
  const auto distances = static_cast<std::ptrdiff_t>(rows * columns);
  for (int head = 0; head < op.heads; ++head) {
    const auto first = grid.patches.begin() + head * distances;
    std::vector<std::int32_t> all(first, first + distances);
    for (const std::int32_t bias : std::span(grid.others).subspan(static_cast<std::size_t>(head) * 3, 3))
      all.push_back(bias);
    const std::uint64_t range = bias_range(binder, all);
    if (!score_fits(bound.head_dim, bound.score_multiplier[static_cast<std::size_t>(head)], op.score_shift, range))
      binder.fail("a score_multiplier could overflow 32 bits");
    std::reverse(first, first + distances);
  }
}

} // namespace

Binding Attention::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  std::unique_ptr<BoundAttention> bound = bind_heads(binder, *this, inputs[0].rows, inputs[0]);
  if (biased)
    bind_grid(binder, *this, *bound);
  else
    bind_sizes(binder, *this, inputs, *bound);
  const ValueInfo output{ElementType::int8, bound->queries, bound->heads * bound->head_dim};
  return {std::move(bound), output};
}

kernels::AttentionArgs BoundAttention::arguments() const {
  kernels::AttentionArgs args{.tokens = tokens,
                              .heads = heads,
                              .head_dim = head_dim,
                              .softmax = softmax,
                              .renormalize = renormalize,
                              .score_multiplier = score_multiplier.data(),
                              .score_shift = score_shift,
                              .exp = &exp,
                              .exp_halves = exp_halves,
                              .int8_weights = &int8_weights,
                              .int16_weight_shift = int16_weight_shift,
                              .requantization = requantization.view()};
  if (windows.count > 0)
    args.bias = {.bias = windows.bias.data(), .stride = windows.stride, .masking = windows.masking.data()};
  return args;
}

void BoundAttention::choose_window(int window, kernels::AttentionArgs &args) const {
  args.rows = windows.rows.data() + std::ptrdiff_t{window} * tokens;
  const int mask = windows.window_masks.empty() ? -1 : windows.window_masks[static_cast<std::size_t>(window)];
  args.bias.mask = mask < 0 ? nullptr : windows.masks.data() + std::ptrdiff_t{mask} * tokens * windows.stride;
}

void BoundAttention::use_bias_rows(int head, kernels::Range asking, std::int32_t *rows,
                                   kernels::AttentionArgs &args) const {
  const int height = bias_grid.height;
  const int width = bias_grid.width;
  const int prefix = bias_grid.prefix;
  const std::int32_t *others = bias_grid.others.data() + std::ptrdiff_t{head} * 3;
  const std::ptrdiff_t side = 2 * std::ptrdiff_t{width} - 1;
  const std::int32_t *of_head = bias_grid.patches.data() + head * (2 * std::ptrdiff_t{height} - 1) * side;
  const std::ptrdiff_t stride = bias_stride();
  std::int32_t *row = rows;
  for (int query = asking.begin; query < asking.end; ++query, row += stride) {
    const int patch = query - prefix;
    std::int32_t *to = std::fill_n(row, prefix, patch < 0 ? others[2] : others[1]);
    if (patch < 0)
      to = std::fill_n(to, height * width, others[0]);
    else
      for (int y = 0; y < height; ++y) // of the keys
        to = std::copy_n(of_head + (y - patch / width + height - 1) * side + width - 1 - patch % width, width, to);
    std::fill(to, row + stride, 0);
  }
  args.bias = {.bias = rows, .stride = stride, .first_row = std::ptrdiff_t{head} * tokens + asking.begin};
}

void BoundAttention::write_token_bias(int head, const std::int32_t *sizes, std::int32_t *token_bias) const {
  const std::int32_t *scores = size_scores.data() + std::ptrdiff_t{head} * (largest_size + 1);
  for (int token = 0; token < tokens; ++token)
    token_bias[token] = scores[sizes[token]];
}

// Every row of every head of every image is a task.
void BoundAttention::run(const Step &step) const {
  kernels::AttentionArgs args = arguments();
  args.scratch = step.scratch;
  // Behind the kernel's own scratch memory, which is whole numbers of 32 bits.
  auto *biases =
      reinterpret_cast<std::int32_t *>(step.scratch + step.kernels.attention.scratch_bytes(tokens, head_dim));
  if (windows.count > 0)
    return run_windows(step, args);
  const kernels::Range share = step.team.share(step.batch() * heads * queries);
  for (int head = share.begin / queries; head * queries < share.end; ++head) {
    const auto image = static_cast<std::size_t>(head / heads);
    args.qkv = reinterpret_cast<const std::int8_t *>(step.inputs[0].image(image));
    args.output = reinterpret_cast<std::int8_t *>(step.output.image(image));
    const kernels::Range range{std::max(share.begin - head * queries, 0),
                               std::min(share.end - head * queries, queries)};
    if (largest_size > 0) {
      write_token_bias(head % heads, sizes_of_image(step.inputs[1], image), biases);
      args.token_bias = biases;
    }
    if (bias_grid.height == 0)
      step.kernels.attention.run(args, head % heads, range);
    for (int begin = range.begin; bias_grid.height > 0 && begin < range.end; begin += bias_rows_at_once) {
      const kernels::Range some{begin, std::min(begin + bias_rows_at_once, range.end)};
      use_bias_rows(head % heads, some, biases, args);
      step.kernels.attention.run(args, head % heads, some);
    }
  }
}

// Every head of every window of every image is a task.
void BoundAttention::run_windows(const Step &step, kernels::AttentionArgs args) const {
  const kernels::Range share = step.team.share(step.batch() * windows.count * heads);
  for (int task = share.begin; task < share.end; ++task) {
    const int window = task / heads % windows.count;
    const auto image = static_cast<std::size_t>(task / heads / windows.count);
    args.qkv = reinterpret_cast<const std::int8_t *>(step.inputs[0].image(image));
    args.output = reinterpret_cast<std::int8_t *>(step.output.image(image));
    choose_window(window, args);
    step.kernels.attention.run(args, task % heads, {0, tokens});
  }
}

std::size_t BoundAttention::scratch_bytes(const kernels::KernelTable &kernels) const {
  return kernels.attention.scratch_bytes(tokens, head_dim) + bias_elements() * sizeof(std::int32_t);
}

std::size_t BoundAttention::bias_elements() const {
  if (bias_grid.height > 0)
    return static_cast<std::size_t>(std::min(queries, bias_rows_at_once)) * static_cast<std::size_t>(bias_stride());
  return largest_size > 0 ? static_cast<std::size_t>(tokens) : 0;
}

std::size_t BoundAttention::expanded_bytes() const {
  return (windows.rows.size() + windows.bias.size() + windows.masks.size() + size_scores.size()) * sizeof(std::int32_t);
}

// Scores and weighted values: each of `tokens` tokens costs a query two products of a head_dim, in every head.
std::int64_t BoundAttention::multiply_accumulates(std::int64_t output_rows) const {
  return 2 * output_rows * tokens * heads * head_dim;
}

std::size_t BoundAttention::constant_bytes() const {
  return (windows.bias.size() + windows.masks.size() + bias_grid.patches.size()) * sizeof(std::int32_t);
}

} // namespace intvit

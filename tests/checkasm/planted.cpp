#include "tests/checkasm/planted.hpp"

#include <array>

namespace intvit::test {

using namespace kernels;

namespace {

enum class Mistake { flipped_bit, read_past_end, write_outside, illegal_instruction };

// `result`: a byte that the call has computed. `past_input`: the byte behind the rows that it needs. `outside`: the
// byte behind its last row of output, which never is another of its rows.
template <Mistake mistake> void harm(std::byte *result, const void *past_input, std::byte *outside) {
  if constexpr (mistake == Mistake::flipped_bit)
    *result ^= std::byte{1};
  if constexpr (mistake == Mistake::read_past_end)
    static_cast<void>(*static_cast<const volatile std::byte *>(past_input));
  if constexpr (mistake == Mistake::write_outside)
    *outside ^= std::byte{1};
  if constexpr (mistake == Mistake::illegal_instruction) {
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#elif defined(__aarch64__)
    __asm__ volatile(".inst 0");
#elif defined(__riscv)
    __asm__ volatile("unimp");
#else
    __builtin_trap();
#endif
  }
}

bool empty(Range range) {
  return range.begin >= range.end;
}

std::ptrdiff_t bytes(ElementType type) {
  return static_cast<std::ptrdiff_t>(element_size(type));
}

template <Mistake mistake> struct Planted {
  static void linear(const LinearArgs &args, Range rows, Range columns) {
    reference_kernels().linear.run(args, rows, columns);
    if (empty(rows) || empty(columns))
      return;
    const bool int16 = args.epilogue == Epilogue::requantize16 ||
                       (args.epilogue == Epilogue::residual && args.output_type == ElementType::int16);
    const std::ptrdiff_t size = args.epilogue == Epilogue::logits ? 4 : int16 ? 2 : 1;
    std::byte *row = static_cast<std::byte *>(args.output) + (rows.end - 1) * args.output_stride * size;
    harm<mistake>(row + columns.begin * size, args.input + (rows.end - 1) * args.input_stride + args.in_features,
                  row + columns.end * size);
  }

  static void layer_norm(const LayerNormArgs &args, Range rows) {
    reference_kernels().layer_norm(args, rows);
    if (empty(rows))
      return;
    const std::ptrdiff_t size = bytes(args.input.type);
    std::byte *output = static_cast<std::byte *>(args.output);
    const std::ptrdiff_t code = bytes(args.output_type);
    harm<mistake>(output + rows.begin * args.output_stride * code,
                  static_cast<const std::byte *>(args.input.data) +
                      ((rows.end - 1) * args.input.stride + args.channels) * size,
                  output + ((rows.end - 1) * args.output_stride + args.channels) * code);
  }

  static void l2_normalize(const L2NormalizeArgs &args, Range rows) {
    reference_kernels().l2_normalize(args, rows);
    if (empty(rows))
      return;
    std::byte *output = static_cast<std::byte *>(args.output);
    const std::ptrdiff_t output_row = args.channels * bytes(args.output_type);
    harm<mistake>(output + rows.begin * output_row, args.input + std::ptrdiff_t{rows.end} * args.channels,
                  output + rows.end * output_row);
  }

  static void multiply(const MultiplyArgs &args, Range rows) {
    reference_kernels().multiply(args, rows);
    if (empty(rows))
      return;
    const std::ptrdiff_t output_row = args.channels * bytes(args.output_type);
    std::byte *output = static_cast<std::byte *>(args.output);
    harm<mistake>(output + rows.begin * output_row, args.b.codes + std::ptrdiff_t{rows.end} * args.channels,
                  output + rows.end * output_row);
  }

  static void rescale(const RescaleArgs &args, Range rows) {
    reference_kernels().rescale(args, rows);
    if (empty(rows))
      return;
    const std::ptrdiff_t code = bytes(args.output_type);
    std::byte *output = static_cast<std::byte *>(args.output);
    harm<mistake>(output + rows.begin * args.output_stride * code,
                  static_cast<const std::byte *>(args.input.data) +
                      ((rows.end - 1) * args.input.stride + args.channels) * bytes(args.input.type),
                  output + ((rows.end - 1) * args.output_stride + args.channels) * code);
  }

  static void rotate(const RotateArgs &args, Range rows) {
    reference_kernels().rotate(args, rows);
    if (empty(rows))
      return;
    const std::ptrdiff_t width = std::ptrdiff_t{3} * args.heads * args.head_dim;
    std::byte *output = reinterpret_cast<std::byte *>(args.output);
    harm<mistake>(output + rows.begin * width, args.input + rows.end * width, output + rows.end * width);
  }

  static void mean_rows(const MeanRowsArgs &args, Range columns) {
    reference_kernels().mean_rows(args, columns);
    if (empty(columns))
      return;
    const std::ptrdiff_t size = bytes(args.input.type);
    std::byte *output = static_cast<std::byte *>(args.output);
    harm<mistake>(output + columns.begin * bytes(args.output_type),
                  static_cast<const std::byte *>(args.input.data) +
                      ((args.rows - 1) * args.input.stride + columns.end) * size,
                  output + columns.end * bytes(args.output_type));
  }

  static void attention(const AttentionArgs &args, int head, Range queries) {
    reference_kernels().attention.run(args, head, queries);
    if (empty(queries) || args.rows != nullptr) // rows in any order have no last one
      return;
    const std::ptrdiff_t channels = std::ptrdiff_t{args.heads} * args.head_dim;
    std::byte *row = reinterpret_cast<std::byte *>(args.output) + (queries.end - 1) * channels;
    harm<mistake>(row + head * args.head_dim, args.qkv + args.tokens * 3 * channels, row + (head + 1) * args.head_dim);
  }

  static void patches(const PatchesArgs &args, Range patches) {
    reference_kernels().patches(args, patches);
    if (empty(patches))
      return;
    const std::ptrdiff_t length = std::ptrdiff_t{args.patch} * args.patch * 3;
    const int patches_per_row = args.width / args.patch;
    const int rows = (patches.end + patches_per_row - 1) / patches_per_row;
    std::byte *output = reinterpret_cast<std::byte *>(args.output);
    harm<mistake>(output + patches.begin * length, args.rgb + rows * length * patches_per_row,
                  output + patches.end * length);
  }

  static void add_importance(const AttentionArgs &args, int head, std::uint32_t *importance) {
    reference_kernels().token_merging.add_importance(args, head, importance);
    const std::ptrdiff_t channels = std::ptrdiff_t{args.heads} * args.head_dim;
    std::byte *output = reinterpret_cast<std::byte *>(importance);
    harm<mistake>(output, args.qkv + args.tokens * 3 * channels,
                  reinterpret_cast<std::byte *>(importance + args.tokens));
  }

  static void match_tokens(const MatchTokensArgs &args) {
    reference_kernels().token_merging.match(args);
    std::int32_t *end = args.groups + std::ptrdiff_t{token_group_rows} * args.tokens;
    harm<mistake>(reinterpret_cast<std::byte *>(args.groups),
                  args.keys + (args.tokens - 1) * args.stride + args.channels, reinterpret_cast<std::byte *>(end));
  }

  static void merge_tokens(const MergeTokensArgs &args, Range rows) {
    reference_kernels().token_merging.merge(args, rows);
    if (empty(rows))
      return;
    const std::ptrdiff_t size = bytes(args.input.type);
    std::byte *output = static_cast<std::byte *>(args.output);
    harm<mistake>(output + rows.begin * args.channels * size,
                  static_cast<const std::byte *>(args.input.data) +
                      ((args.tokens - 1) * args.input.stride + args.channels) * size,
                  output + rows.end * args.channels * size);
  }

  static void resample_horizontal(const ResampleArgs &args, Range rows) {
    reference_kernels().resample.horizontal(args, rows);
    if (!empty(rows))
      harm_resampled(args, rows, rows.end - 1);
  }

  static void resample_vertical(const ResampleArgs &args, Range rows) {
    reference_kernels().resample.vertical(args, rows);
    if (!empty(rows))
      harm_resampled(args, rows, args.windows[rows.end - 1].first + args.windows[rows.end - 1].count - 1);
  }

  static void harm_resampled(const ResampleArgs &args, Range rows, std::ptrdiff_t last_input_row) {
    std::byte *output = reinterpret_cast<std::byte *>(args.output);
    harm<mistake>(output + rows.begin * args.output_stride,
                  args.input + last_input_row * args.input_stride + std::ptrdiff_t{args.input_width} * 3,
                  output + (rows.end - 1) * args.output_stride + std::ptrdiff_t{args.output_width} * 3);
  }

  static KernelTable table() {
    KernelTable table = reference_kernels();
    table.linear.run = linear;
    table.layer_norm = layer_norm;
    table.l2_normalize = l2_normalize;
    table.mean_rows = mean_rows;
    table.multiply = multiply;
    table.rescale = rescale;
    table.rotate = rotate;
    table.attention.run = attention;
    table.token_merging.add_importance = add_importance;
    table.token_merging.match = match_tokens;
    table.token_merging.merge = merge_tokens;
    table.patches = patches;
    table.resample = {.horizontal = resample_horizontal, .vertical = resample_vertical};
    return table;
  }
};

constexpr std::array as_wrong = {FailureKind::wrong_result};
constexpr std::array as_access = {FailureKind::invalid_access};
// Behind the last row lies the guard.
constexpr std::array as_outside = {FailureKind::write_outside, FailureKind::invalid_access};
constexpr std::array as_illegal = {FailureKind::illegal_instruction};

} // namespace

std::span<const Plant> planted_kernels() {
  static const std::array plants = {
      Plant{"a flipped bit", Planted<Mistake::flipped_bit>::table(), as_wrong},
      Plant{"a read past the end", Planted<Mistake::read_past_end>::table(), as_access},
      Plant{"a write outside the range", Planted<Mistake::write_outside>::table(), as_outside},
      Plant{"an illegal instruction", Planted<Mistake::illegal_instruction>::table(), as_illegal},
  };
  return plants;
}

} // namespace intvit::test

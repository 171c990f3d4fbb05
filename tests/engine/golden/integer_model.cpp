#include "tests/engine/golden/integer_model.hpp"

#include <string>

#include "tests/engine/golden/integer_builder.hpp"

namespace intvit::test {

using kernels::ElementType;
using kernels::Epilogue;

namespace {

constexpr int patch = 8;
constexpr int patches = integer_model_width / patch * (integer_model_height / patch);
constexpr int heads = 3;
constexpr int channels = heads * 20;
constexpr int hidden = 150;
constexpr int projected = 44;
constexpr int classes = 37;
constexpr int blocks = 3;

int prefix_rows_of(IntegerHead head) {
  switch (head) {
  case IntegerHead::class_token:
  case IntegerHead::words:
    return 1;
  case IntegerHead::distilled:
    return 2;
  case IntegerHead::pooled:
    return 0;
  case IntegerHead::registers:
  case IntegerHead::features:
  case IntegerHead::joined:
    break;
  }
  return 5;
}

class Vit : IntegerBuilder {
public:
  explicit Vit(const IntegerModel &options)
      : IntegerBuilder(integer_model_width + (options.head == IntegerHead::words ? 5 : 0),
                       integer_model_height + (options.head == IntegerHead::words ? 7 : 0), options.stream,
                       options.stlq),
        options_(options), prefix_rows_(prefix_rows_of(options.head)), rows_(prefix_rows_ + patches) {
    centred_norms_ = !options.rms;
  }

  std::vector<std::byte> file() {
    add("patches", "image", Patches{patch, has_words()});
    patch_embed();
    std::string tokens = "patch_embed";
    if (has_words()) {
      layer_norm("pre_norm", tokens, channels, stream(), 65536 / 40 / scale(), stream());
      tokens = "pre_norm";
    }
    for (int i = 0; i < blocks; ++i)
      tokens = block("blocks." + std::to_string(i) + ".", tokens, i == blocks - 1 ? last_rows() : 0);
    return IntegerBuilder::file(head(tokens));
  }

private:
  bool has_words() const { return options_.head == IntegerHead::words; }

  // The logits or features from the stream behind the last block; returns how many there are.
  int head(std::string tokens) {
    int in = channels;
    ElementType type = stream();
    if (options_.head == IntegerHead::joined) {
      layer_norm("norm", tokens, channels, type, 65536 / 1600, ElementType::int16);
      mean("token", 0, 1, 35, 40);
      mean("mean", prefix_rows_, patches, 40, 12);
      add("joined", std::vector<std::string>{"token", "mean"}, Join{});
      linear("head", {"joined"}, 2 * channels, classes, 36, 64, Linear{.epilogue = Epilogue::logits});
      return classes;
    }
    if (last_rows() == 0) {
      // The mean of codes of 40 and more tokens, in steps finer than the stream's; the int8 stream's zero points are
      // not taken off, which does not matter here.
      add("pool", with_sizes(tokens),
          MeanRows{.first = prefix_rows_,
                   .rows = rows_ - prefix_rows_,
                   .shift = 32,
                   .output_type = ElementType::int16,
                   .sized = !sizes_.empty()});
      requantization("pool", channels, 32, type == ElementType::int8 ? 3 : 40);
      tokens = "pool";
      type = ElementType::int16;
    }
    if (options_.head == IntegerHead::features) {
      layer_norm("norm", tokens, channels, type, 16, ElementType::int32);
      return channels;
    }
    layer_norm("norm", tokens, channels, type);
    tokens = "norm";
    if (options_.head == IntegerHead::distilled) {
      add("flatten", tokens, Flatten{});
      tokens = "flatten";
      in *= prefix_rows_;
    }
    if (has_words()) {
      linear("projection", {tokens}, in, projected, 34, 16, Linear{.epilogue = Epilogue::logits});
      add("unit", "projection", L2Normalize{.shift = 34});
      requantization("unit", projected, 34, 65536 / 250); // numbers of some 1 / sqrt(44)
      tokens = "unit";
      in = projected;
    }
    linear("head", {tokens}, in, classes, 36, 64, Linear{.epilogue = Epilogue::logits});
    return classes;
  }

  // How many rows of the last block are wanted behind it; 0: all.
  int last_rows() const {
    switch (options_.head) {
    case IntegerHead::class_token:
    case IntegerHead::features:
    case IntegerHead::words:
      return 1;
    case IntegerHead::distilled:
      return 2;
    case IntegerHead::pooled:
    case IntegerHead::registers:
    case IntegerHead::joined:
      break;
    }
    return 0;
  }

  // Of rows of "norm", as codes of 8 bits. `step`: how many of its codes, of 16 bits, are one of these.
  void mean(const std::string &name, int first, int rows, int shift, std::int64_t step) {
    add(name, "norm", MeanRows{.first = first, .rows = rows, .shift = shift});
    requantization(name, channels, shift, step * rows);
  }

  void patch_embed() {
    constexpr int in = 3 * patch * patch;
    add("patch_embed", "patches", PatchEmbed{.shift = 39, .position_shift = 12, .prefix_rows = prefix_rows_});
    weight("patch_embed", channels, in);
    requantization("patch_embed", channels, 39, 1850 / scale());
    values<std::int16_t>("patch_embed", "position", {patches, channels}, -1000, 1000);
    const std::int32_t one = (1 << 27) / 40 * scale(); // positions of 1000 are 25 codes of the narrower stream
    values<std::int32_t>("patch_embed", "position_multiplier", channels, one / 2, one);
    if (stream() == ElementType::int8)
      prefix_tokens<std::int8_t>("patch_embed", prefix_rows_, channels, -80, 80);
    else
      prefix_tokens<std::int16_t>("patch_embed", prefix_rows_, channels, -1000, 1000);
  }

  // `wanted`: how many rows are wanted behind it; 0: all.
  std::string block(const std::string &prefix, const std::string &tokens, int wanted) {
    const Linear add_to_stream{.epilogue = Epilogue::residual, .residual_shift = 11, .output_type = stream()};
    layer_norm(prefix + "norm1", tokens, channels, stream());
    linear(prefix + "attn.qkv", {prefix + "norm1"}, channels, 3 * channels, 40, 560, Linear{});
    Attention operation = attention(heads, options_.softmax);
    operation.queries = wanted;
    operation.renormalize = options_.renormalize;
    operation.sized = !sizes_.empty();
    operation.biased = options_.biased;
    std::string queries = prefix + "attn.qkv";
    if (options_.rotated) {
      queries = prefix + "attn.rotate";
      add(queries, prefix + "attn.qkv", Rotate{heads, prefix_rows_});
      constexpr int pairs = channels / heads / 2;
      for (const char *table : {"cosine", "sine"})
        values<std::int16_t>(queries, table, {patches, prefix == "blocks.0." ? pairs : heads * pairs}, -11000, 11000);
    }
    add(prefix + "attn", with_sizes(queries), operation);
    attention_constants(prefix + "attn", heads, channels, options_.softmax);
    if (options_.biased) {
      constexpr std::int64_t height = integer_model_height / patch;
      constexpr std::int64_t width = integer_model_width / patch;
      values<std::int32_t>(prefix + "attn", "relative_bias", {heads, 2 * height - 1, 2 * width - 1}, -8000, 8000);
      values<std::int32_t>(prefix + "attn", "prefix_bias", {heads, 3}, -8000, 8000);
    }
    std::string rows = tokens;
    if (wanted != 0) {
      rows = "class_token";
      add(rows, tokens, TakeRows{wanted});
    }
    linear(prefix + "attn.proj", {prefix + "attn", rows}, channels, channels, 38, 800 / scale(), add_to_stream);
    std::string middle = prefix + "attn.proj";
    if (options_.merged && wanted == 0 && rows_ > 20)
      middle = merge(prefix, middle);
    layer_norm(prefix + "norm2", middle, channels, stream());
    if (options_.gated) {
      linear(prefix + "mlp.fc2", {gated_mlp(prefix), middle}, hidden, channels, 38, 1200 / scale(), add_to_stream);
      return prefix + "mlp.fc2";
    }
    linear(prefix + "mlp.fc1", {prefix + "norm2"}, channels, hidden, 34, 15,
           Linear{.epilogue = Epilogue::gelu,
                  .gelu_fraction_bits = 10,
                  .gelu_function = has_words() ? kernels::GeluFunction::quick : kernels::GeluFunction::gelu});
    linear(prefix + "mlp.fc2", {prefix + "mlp.fc1", middle}, hidden, channels, 38, 1200 / scale(), add_to_stream);
    return prefix + "mlp.fc2";
  }

  // The input of fc2.
  std::string gated_mlp(const std::string &prefix) {
    const std::string name = prefix + "mlp.product";
    const bool normed = prefix != "blocks.0.";
    const int shift = normed ? 32 : 34;
    linear(prefix + "mlp.fc1_g", {prefix + "norm2"}, channels, hidden, 34, 15,
           Linear{.epilogue = Epilogue::gelu, .gelu_fraction_bits = 10, .gelu_function = kernels::GeluFunction::silu});
    linear(prefix + "mlp.fc1_x", {prefix + "norm2"}, channels, hidden, 40, 560, Linear{});
    add(name, std::vector<std::string>{prefix + "mlp.fc1_g", prefix + "mlp.fc1_x"},
        Multiply{.shift = shift, .output_type = normed ? ElementType::int16 : ElementType::int8});
    requantization(name, hidden, shift, normed ? 3 : 30);
    for (const char *zero_point : {"zero_point", "factor_zero_point"})
      values<std::int8_t>(name, zero_point, hidden, -20, 20);
    if (!normed)
      return name;
    layer_norm(prefix + "mlp.norm", name, hidden, ElementType::int16);
    return prefix + "mlp.norm";
  }

  // Six pairs; where there is a class token, those merge first to which it pays little attention.
  std::string merge(const std::string &prefix, const std::string &stream) {
    MatchTokens match{.pairs = 6, .first = prefix_rows_, .attention = attention(heads, options_.softmax)};
    match.weighted = prefix_rows_ > 0;
    score_multipliers(prefix + "match", heads, options_.softmax);
    match.attention.sized = !sizes_.empty();
    add(prefix + "match", with_sizes(prefix + "attn.qkv"), match);
    add(prefix + "merge", std::vector{stream, prefix + "match"}, MergeTokens{});
    sizes_ = prefix + "match";
    rows_ -= match.pairs;
    return prefix + "merge";
  }

  std::vector<std::string> with_sizes(const std::string &input) const {
    return sizes_.empty() ? std::vector{input} : std::vector{input, sizes_};
  }

  IntegerModel options_;
  int prefix_rows_;
  int rows_;          // of the stream
  std::string sizes_; // the node that tells them, once tokens have been merged
};

} // namespace

std::vector<std::byte> integer_model(const IntegerModel &options) {
  return Vit(options).file();
}

} // namespace intvit::test

#include "tests/engine/golden/integer_swin.hpp"

#include <string>

#include "tests/engine/golden/integer_builder.hpp"

namespace intvit::test {

using kernels::ElementType;
using kernels::Epilogue;

namespace {

constexpr int patch_side = 4;
constexpr int head_dim = 12;
constexpr int outputs = 37;

// A stage's shape.
struct Stage {
  int height; // patches
  int width;
  int heads;
  int window;
  int shift; // of its second block

  int channels() const { return heads * head_dim; }
};

constexpr Stage stages[] = {{integer_swin_height / patch_side, integer_swin_width / patch_side, 2, 6, 3},
                            {integer_swin_height / patch_side / 2, integer_swin_width / patch_side / 2, 4, 3, 1}};

// The same grids, of which windows do not divide any.
constexpr Stage stages_v2[] = {{stages[0].height, stages[0].width, 2, 5, 2},
                               {stages[1].height, stages[1].width, 4, 4, 2}};

class Swin : IntegerBuilder {
public:
  explicit Swin(const IntegerSwin &options)
      : IntegerBuilder(integer_swin_width, integer_swin_height, options.stream), softmax_(options.softmax),
        v2_(options.v2) {}

  std::vector<std::byte> file() {
    const int channels = stages[0].channels();
    add("patches", "image", Patches{patch_side});
    linear("patch_embed.proj", {"patches"}, 3 * patch_side * patch_side, channels, 36, 40,
           Linear{.epilogue = Epilogue::requantize16});
    layer_norm("patch_embed.norm", "patch_embed.proj", channels, ElementType::int16, 65536 / 40 / scale(),
               stream() == ElementType::int8 ? ElementType::int8 : ElementType::int16);
    std::string tokens = "patch_embed.norm";
    if (v2_) {
      tokens = block_v2("layers.0.blocks.0.", tokens, stages_v2[0], 0, 0);
      tokens = block_v2("layers.0.blocks.1.", tokens, stages_v2[0], stages_v2[0].shift, stages_v2[0].shift);
      tokens = downsample_v2("layers.1.downsample.", tokens);
      tokens = block_v2("layers.1.blocks.0.", tokens, stages_v2[1], 0, 0);
      tokens = block_v2("layers.1.blocks.1.", tokens, stages_v2[1], stages_v2[1].shift, 0);
    } else {
      tokens = block("layers.0.blocks.0.", tokens, stages[0], 0);
      tokens = block("layers.0.blocks.1.", tokens, stages[0], stages[0].shift);
      tokens = downsample("layers.1.downsample.", tokens);
      tokens = block("layers.1.blocks.0.", tokens, stages[1], 0);
      tokens = block("layers.1.blocks.1.", tokens, stages[1], stages[1].shift);
    }
    layer_norm("norm", tokens, stages[1].channels(), stream());
    const int patches = stages[1].height * stages[1].width;
    add("pool", "norm", MeanRows{.first = 0, .rows = patches, .shift = 32, .output_type = ElementType::int8});
    requantization("pool", stages[1].channels(), 32, patches / 6);
    linear("head", {"pool"}, stages[1].channels(), outputs, 36, 64, Linear{.epilogue = Epilogue::logits});
    return IntegerBuilder::file(outputs);
  }

private:
  std::string downsample(const std::string &prefix, const std::string &tokens) {
    add(prefix + "merge", tokens, MergePatches{stages[0].height, stages[0].width});
    const int merged = 4 * stages[0].channels();
    layer_norm(prefix + "norm", prefix + "merge", merged, stream());
    const Epilogue epilogue = stream() == ElementType::int8 ? Epilogue::requantize : Epilogue::requantize16;
    linear(prefix + "reduction", {prefix + "norm"}, merged, stages[1].channels(), 36, 800 / scale(),
           Linear{.epilogue = epilogue});
    return prefix + "reduction";
  }

  std::string block(const std::string &prefix, const std::string &tokens, const Stage &stage, int shift) {
    const int channels = stage.channels();
    const Linear add_to_stream{.epilogue = Epilogue::residual, .residual_shift = 11, .output_type = stream()};
    layer_norm(prefix + "norm1", tokens, channels, stream());
    linear(prefix + "attn.qkv", {prefix + "norm1"}, channels, 3 * channels, 40, 400, Linear{});
    WindowAttention operation{.attention = attention(stage.heads, softmax_),
                              .grid_height = stage.height,
                              .grid_width = stage.width,
                              .window = stage.window,
                              .window_shift = shift};
    add(prefix + "attn", prefix + "attn.qkv", operation);
    attention_constants(prefix + "attn", stage.heads, channels, softmax_);
    const int side = 2 * stage.window - 1;
    values<std::int32_t>(prefix + "attn", "relative_bias", {stage.heads, side * side}, -8000, 8000);
    linear(prefix + "attn.proj", {prefix + "attn", tokens}, channels, channels, 38, 600 / scale(), add_to_stream);
    layer_norm(prefix + "norm2", prefix + "attn.proj", channels, stream());
    linear(prefix + "mlp.fc1", {prefix + "norm2"}, channels, 4 * channels, 34, 12,
           Linear{.epilogue = Epilogue::gelu, .gelu_fraction_bits = 10});
    linear(prefix + "mlp.fc2", {prefix + "mlp.fc1", prefix + "attn.proj"}, 4 * channels, channels, 38, 900 / scale(),
           add_to_stream);
    return prefix + "mlp.fc2";
  }

  // Codes of 8 bits of the stream.
  std::string codes(const std::string &name, const std::string &tokens, int channels) {
    if (stream() == ElementType::int8)
      return tokens;
    add(name, tokens, Rescale{.shift = 34});
    requantization(name, channels, 34, 12);
    return name;
  }

  // What a linear map makes of `input`, normalized, added to the stream.
  std::string add_normed(const std::string &branch, const std::string &input, int in, int channels,
                         const std::string &tokens) {
    linear(branch + "map", {input}, in, channels, 36, in > channels ? 60 : 30,
           Linear{.epilogue = Epilogue::requantize16});
    layer_norm(branch + "norm", branch + "map", channels, ElementType::int16, 65536 / 500, ElementType::int16);
    Rescale sum{.shift = 33, .output_type = stream(), .adds = true, .residual_shift = 11};
    add(branch + "sum", std::vector<std::string>{branch + "norm", tokens}, sum);
    requantization(branch + "sum", channels, sum.shift, stream() == ElementType::int8 ? 25 : 8);
    const std::int32_t one = 1 << (sum.shift - sum.residual_shift);
    values<std::int32_t>(branch + "sum", "residual_multiplier", channels, one / 2, one);
    return branch + "sum";
  }

  std::string downsample_v2(const std::string &prefix, const std::string &tokens) {
    add(prefix + "merge", tokens, MergePatches{stages[0].height, stages[0].width});
    const int merged = 4 * stages[0].channels();
    linear(prefix + "reduction", {codes(prefix + "input", prefix + "merge", merged)}, merged, stages[1].channels(), 36,
           60, Linear{.epilogue = Epilogue::requantize16});
    layer_norm(prefix + "norm", prefix + "reduction", stages[1].channels(), ElementType::int16, 65536 / 40 / scale(),
               stream() == ElementType::int8 ? ElementType::int8 : ElementType::int16);
    return prefix + "norm";
  }

  std::string block_v2(const std::string &prefix, const std::string &tokens, const Stage &stage, int shift,
                       int rolled) {
    const int channels = stage.channels();
    linear(prefix + "attn.qkv", {codes(prefix + "attn.input", tokens, channels)}, channels, 3 * channels, 36, 30,
           Linear{.epilogue = Epilogue::requantize16});
    add(prefix + "attn.unit", prefix + "attn.qkv", NormalizeHeads{stage.heads, 34});
    requantization(prefix + "attn.unit", 34, {{2 * channels, 65536 / 40}, {channels, 12}});
    const auto padded = [&](int side) { return (side + stage.window - 1) / stage.window * stage.window; };
    const GridPadding padding{stage.height, stage.width, padded(stage.height), padded(stage.width), rolled};
    add(prefix + "attn.pad", prefix + "attn.unit", PadGrid{padding});
    values<std::int8_t>(prefix + "attn.pad", "padding", 3 * channels, -60, 60);
    const WindowAttention operation{.attention = attention(stage.heads, softmax_),
                                    .grid_height = padding.padded_height,
                                    .grid_width = padding.padded_width,
                                    .window = stage.window,
                                    .window_shift = shift};
    add(prefix + "attn.windows", prefix + "attn.pad", operation);
    attention_constants(prefix + "attn.windows", stage.heads, channels, softmax_);
    const std::int64_t side = 2 * stage.window - 1;
    values<std::int32_t>(prefix + "attn.windows", "relative_bias", {stage.heads, side * side}, -8000, 8000);
    add(prefix + "attn", prefix + "attn.windows", CropGrid{padding});
    const std::string middle = add_normed(prefix + "attn.", prefix + "attn", channels, channels, tokens);
    linear(prefix + "mlp.fc1", {codes(prefix + "mlp.input", middle, channels)}, channels, 4 * channels, 34, 12,
           Linear{.epilogue = Epilogue::gelu, .gelu_fraction_bits = 10});
    return add_normed(prefix + "mlp.", prefix + "mlp.fc1", 4 * channels, channels, middle);
  }

  kernels::Softmax softmax_;
  bool v2_;
};

} // namespace

std::vector<std::byte> integer_swin(const IntegerSwin &options) {
  return Swin(options).file();
}

} // namespace intvit::test

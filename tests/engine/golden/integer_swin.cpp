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

class Swin : IntegerBuilder {
public:
  explicit Swin(const IntegerSwin &options)
      : IntegerBuilder(integer_swin_width, integer_swin_height, options.stream), softmax_(options.softmax) {}

  std::vector<std::byte> file() {
    const int channels = stages[0].channels();
    add("patches", "image", Patches{patch_side});
    linear("patch_embed.proj", {"patches"}, 3 * patch_side * patch_side, channels, 36, 40,
           Linear{.epilogue = Epilogue::requantize16});
    layer_norm("patch_embed.norm", "patch_embed.proj", channels, ElementType::int16, 65536 / 40 / scale(),
               stream() == ElementType::int8 ? ElementType::int8 : ElementType::int16);
    std::string tokens = block("layers.0.blocks.0.", "patch_embed.norm", stages[0], 0);
    tokens = block("layers.0.blocks.1.", tokens, stages[0], stages[0].shift);
    tokens = downsample("layers.1.downsample.", tokens);
    tokens = block("layers.1.blocks.0.", tokens, stages[1], 0);
    tokens = block("layers.1.blocks.1.", tokens, stages[1], stages[1].shift);
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

  kernels::Softmax softmax_;
};

} // namespace

std::vector<std::byte> integer_swin(const IntegerSwin &options) {
  return Swin(options).file();
}

} // namespace intvit::test

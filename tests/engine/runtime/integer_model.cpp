#include "tests/engine/runtime/integer_model.hpp"

#include <string>

#include "tests/kernels/random.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit::test {

using kernels::CodeType;
using kernels::Epilogue;
using kernels::Softmax;

namespace {

constexpr int patch = 8;
constexpr int patches = integer_model_width / patch * (integer_model_height / patch);
constexpr int heads = 3;
constexpr int channels = heads * 20;
constexpr int hidden = 150;
constexpr int classes = 37;
constexpr int blocks = 3;

// Typical sizes: codes some 40, codes of the int16 stream some 500, weights some 73 (they are uniform), hence
// accumulators of K products some 2900 sqrt(K).
class Builder {
public:
  explicit Builder(const IntegerModel &options) : options_(options), random_(1) {
    Graph &graph = parts_.description.graph;
    graph.image_width = integer_model_width;
    graph.image_height = integer_model_height;
    graph.logit_fraction_bits = 10;
    parts_.description.recipe = squash_recipe(integer_model_width, integer_model_height);

    add("patches", "image", Patches{patch});
    patch_embed();
    std::string stream = "patch_embed";
    for (int i = 0; i < blocks; ++i)
      stream = block("blocks." + std::to_string(i) + ".", stream, i == blocks - 1);
    layer_norm("norm", stream);
    linear("head", "norm", channels, classes, 36, 64, Linear{.epilogue = Epilogue::logits});
    parts_.add_blank_golden(classes);
  }

  std::vector<std::byte> file() const { return parts_.file(); }

private:
  void add(const std::string &name, const std::string &input, Operation operation) {
    parts_.description.graph.nodes.push_back({name, input, std::move(operation)});
  }

  template <typename T> void values(const std::string &name, DType dtype, int count, T low, T high) {
    parts_.set(name, dtype, {count}, random_.values<T>(static_cast<std::size_t>(count), low, high));
  }

  void weight(const std::string &name, int out, int in) {
    parts_.set(name + ".weight", DType::i8, {out, in},
               random_.values<std::int8_t>(static_cast<std::size_t>(out * in), -127, 127));
  }

  // One output code for every `divisor` of the accumulator, within a third, of either sign; up to 10 codes are added.
  void requantization(const std::string &name, int count, int shift, std::int64_t divisor) {
    const std::int64_t unit = std::int64_t{1} << shift;
    const auto multiplier = static_cast<std::int32_t>(unit / divisor);
    std::vector<std::int32_t> multipliers =
        random_.values<std::int32_t>(static_cast<std::size_t>(count), multiplier / 3 * 2, multiplier / 3 * 4);
    for (std::int32_t &value : multipliers)
      value = (random_.bits() & 1) != 0 ? value : -value;
    parts_.set(name + ".multiplier", DType::i32, {count}, multipliers);
    values<std::int64_t>(name + ".offset", DType::i64, count, -10 * unit, 10 * unit);
  }

  void linear(const std::string &name, const std::string &input, int in, int out, int shift, std::int64_t divisor,
              Linear operation) {
    operation.shift = shift;
    add(name, input, operation);
    weight(name, out, in);
    requantization(name, out, shift, divisor);
    if (operation.epilogue == Epilogue::gelu) {
      values<std::int16_t>(name + ".gelu_multiplier", DType::i16, out, 400, 1200);
      values<std::int8_t>(name + ".gelu_zero_point", DType::i8, out, -60, 0);
    }
    // The stream's codes count about as they are.
    if (operation.epilogue == Epilogue::residual) {
      const std::int32_t one = 1 << (shift - operation.residual_shift);
      values<std::int32_t>(name + ".residual_multiplier", DType::i32, out, one / 10 * 8, one);
    }
  }

  void patch_embed() {
    constexpr int in = 3 * patch * patch;
    add("patch_embed", "patches", PatchEmbed{.shift = 39, .position_shift = 12});
    weight("patch_embed", channels, in);
    requantization("patch_embed", channels, 39, 1850 / scale());
    parts_.set("patch_embed.position", DType::i16, {patches, channels},
               random_.values<std::int16_t>(std::size_t{patches} * channels, -1000, 1000));
    const std::int32_t one = (1 << 27) / 40 * scale(); // positions of 1000 are 25 codes of the narrower stream
    values<std::int32_t>("patch_embed.position_multiplier", DType::i32, channels, one / 2, one);
    if (options_.stream == CodeType::int8)
      values<std::int8_t>("patch_embed.class_token", DType::i8, channels, -80, 80);
    else
      values<std::int16_t>("patch_embed.class_token", DType::i16, channels, -1000, 1000);
  }

  void layer_norm(const std::string &name, const std::string &input) {
    add(name, input, LayerNorm{.shift = 42, .epsilon = 12345});
    requantization(name, channels, 42, 65536 / 40);
    if (options_.stream == CodeType::int8) {
      values<std::uint8_t>(name + ".alpha", DType::u8, channels, 0, 3);
      values<std::int8_t>(name + ".zero_point", DType::i8, channels, -30, 30);
    }
  }

  std::string block(const std::string &prefix, const std::string &stream, bool last) {
    const Linear add_to_stream{.epilogue = Epilogue::residual, .residual_shift = 11, .output_type = options_.stream};
    layer_norm(prefix + "norm1", stream);
    linear(prefix + "attn.qkv", prefix + "norm1", channels, 3 * channels, 40, 560, Linear{});
    attention(prefix + "attn", prefix + "attn.qkv", last ? 1 : 0);
    std::string rows = stream;
    if (last) { // nothing behind it reads another row than the class token's
      rows = "class_token";
      add(rows, stream, TakeRows{1});
    }
    Linear projection = add_to_stream;
    projection.residual = rows;
    linear(prefix + "attn.proj", prefix + "attn", channels, channels, 38, 800 / scale(), projection);
    layer_norm(prefix + "norm2", prefix + "attn.proj");
    linear(prefix + "mlp.fc1", prefix + "norm2", channels, hidden, 34, 15,
           Linear{.epilogue = Epilogue::gelu, .gelu_fraction_bits = 10});
    Linear second = add_to_stream;
    second.residual = prefix + "attn.proj";
    linear(prefix + "mlp.fc2", prefix + "mlp.fc1", hidden, channels, 38, 1200 / scale(), second);
    return prefix + "mlp.fc2";
  }

  // Scores of a query spread over some three e-folds. The polynomials are those of docs/numerics.md.
  void attention(const std::string &name, const std::string &input, int queries) {
    const bool log_int = options_.softmax == Softmax::lis4 || options_.softmax == Softmax::lis8;
    Attention operation{.heads = heads,
                        .queries = queries,
                        .softmax = options_.softmax,
                        .renormalize = options_.renormalize,
                        .score_shift = 18,
                        .shift = 46};
    operation.exp = log_int ? kernels::ExpPolynomial{16, 62, 1487, 14} : kernels::ExpPolynomial{32, 124, 5950, 12};
    add(name, input, operation);
    const int multiplier = log_int ? 1300 : 2600;
    values<std::int32_t>(name + ".score_multiplier", DType::i32, heads, multiplier / 2, multiplier * 3 / 2);
    requantization(name, channels, 46, 49152);
  }

  // How many codes of the stream make what is one code of the int8 stream.
  int scale() const { return options_.stream == CodeType::int8 ? 1 : 12; }

  IntegerModel options_;
  Random random_;
  ModelParts parts_;
};

} // namespace

std::vector<std::byte> integer_model(const IntegerModel &options) {
  return Builder(options).file();
}

} // namespace intvit::test

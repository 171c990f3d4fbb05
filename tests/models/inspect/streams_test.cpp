// The residual streams of integer models against the float model's.
#include <algorithm>

#include <catch2/catch.hpp>

#include "models/evaluate/measures.hpp"
#include "models/inspect/compare.hpp"
#include "models/inspect/observed_run.hpp"
#include "models/inspect/streams.hpp"
#include "tests/models/inspect/models.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

// Every stream of the integer model points where the float model's does.
void check_streams(const FloatModel &model, const QuantizeOptions &options, std::size_t places, double lowest) {
  const auto integer = test::quantized(model, options);
  const ModelConfig &config = common_config(model);
  const Image image = test::random_images(1, config.image_width, config.image_height, 7).front();
  const std::unique_ptr<ComparedModel> ours = compared(integer, 1);
  const std::unique_ptr<ComparedModel> reference = compared(model);
  const Observed a = ours->run(image, 0);
  const Observed b = reference->run(image, 0);
  REQUIRE(a.layers.size() == places);
  REQUIRE(b.layers.size() == places);
  REQUIRE(ours->stream_names().size() == places);
  for (std::size_t i = 0; i < places; ++i) {
    CAPTURE(i, ours->stream_names()[i]);
    CHECK(a.layers[i].columns == b.layers[i].columns);
    REQUIRE(a.layers[i].values.size() <= b.layers[i].values.size());
    const std::size_t common = a.layers[i].values.size();
    CHECK(cosine(a.layers[i].values, std::span(b.layers[i].values).first(common)) > lowest);
    // The factors count: without them the codes would not do.
    for (const double value : a.layers[i].values)
      REQUIRE(std::isfinite(value));
  }
}

TEST_CASE("streams: every place of every kind of model, whatever the codes") {
  for (const ResidualFormat residual :
       {ResidualFormat::int16, ResidualFormat::ptf8, ResidualFormat::ptf8_paper, ResidualFormat::int8}) {
    CAPTURE(static_cast<int>(residual));
    const double lowest = residual == ResidualFormat::int8 ? 0.97 : 0.985;
    for (const Pool pool : {Pool::token, Pool::token_pair, Pool::mean, Pool::normed_mean, Pool::token_mean}) {
      CAPTURE(static_cast<int>(pool));
      check_streams(test::small_vit(pool, 2), {.residual = residual}, 7, lowest); // embedding, 2 a block
    }
    check_streams(test::small_vit(Pool::mean, 0), {.residual = residual}, 7, lowest);
    // Embedding before and after its norm, 2 a block, and 2 ends of stages.
    check_streams(test::small_swin(), {.residual = residual}, 14, lowest);
  }
}

TEST_CASE("streams: names, codes and factors come from the file") {
  const auto ptf8 = test::quantized(test::small_vit(), {.residual = ResidualFormat::ptf8});
  const std::vector<Stream> streams = residual_streams(ptf8->program());
  REQUIRE(streams.size() == 7);
  CHECK(streams[0].name == "patch_embed");
  CHECK(streams[1].name == "blocks.0.attn.proj");
  CHECK(streams[6].name == "blocks.2.mlp.fc2");
  for (const Stream &stream : streams) {
    CHECK(stream.type == ElementType::int8);
    CHECK(stream.columns == 32);
    REQUIRE(stream.alpha.size() == 32);
    const auto *norm = [&]() -> const BoundLayerNorm * {
      for (const BoundNode &node : ptf8->program().nodes)
        if (node.input() == stream.value)
          if (const auto *found = node.as<BoundLayerNorm>())
            return found;
      return nullptr;
    }();
    REQUIRE(norm != nullptr);
    // One row of codes.
    std::vector<std::byte> codes;
    for (int c = 0; c < 32; ++c)
      codes.push_back(static_cast<std::byte>(c * 8 - 128));
    const std::vector<double> values = stream.dequantize(codes);
    for (std::size_t c = 0; c < 32; ++c)
      CHECK(values[c] == (static_cast<int>(c) * 8 - 128 - norm->zero_point[c]) * (1 << norm->alpha[c]));
  }

  const auto int16 = test::quantized(test::small_vit());
  for (const Stream &stream : residual_streams(int16->program())) {
    CHECK(stream.type == ElementType::int16);
    CHECK(stream.alpha.empty());
    CHECK(stream.dequantize(std::vector<std::byte>(64, std::byte{1})) == std::vector<double>(32, 257));
  }
}

} // namespace
} // namespace intvit

// A session's logits and features against an evaluation of the graph that shares nothing with the engine: the same bits
// for what the quantizer writes and for constants at their ends, with every instruction set. Every form of the residual
// stream and of softmax is in the golden hash and in the random graphs.
#include <catch2/catch.hpp>

#include "tests/engine/runtime/naive_graph.hpp"
#include "tests/support/data.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using kernels::Softmax;
using test::ModelParts;

// Random pictures, and the two whose accumulators are largest.
std::vector<Image> pictures() {
  std::vector<Image> images = test::random_images(3, 16, 16, 77);
  images.push_back({16, 16, std::vector<std::uint8_t>(16 * 16 * 3, 0)});
  images.push_back({16, 16, std::vector<std::uint8_t>(16 * 16 * 3, 255)});
  return images;
}

// Of an image.
struct Results {
  std::vector<std::int32_t> logits;
  std::vector<std::int32_t> features;
  std::vector<std::int32_t> tokens;
};

Results naive_results(const ModelFile &file, const Image &image) {
  return {test::naive_logits(file.tensors(), image), test::naive_features(file.tensors(), image),
          test::naive_patch_tokens(file.tensors(), image, 4, 16)};
}

// Batch by batch; the last may be smaller than the session allows.
void check_session(Session session, std::size_t batch, const std::vector<Image> &images,
                   const std::vector<Results> &expected) {
  for (std::size_t first = 0; first < images.size(); first += batch) {
    const std::size_t end = std::min(first + batch, images.size());
    std::vector<std::int32_t> wanted;
    std::vector<std::int32_t> wanted_features;
    for (std::size_t i = first; i < end; ++i) {
      wanted.insert(wanted.end(), expected[i].logits.begin(), expected[i].logits.end());
      wanted_features.insert(wanted_features.end(), expected[i].features.begin(), expected[i].features.end());
    }
    CAPTURE(first);
    CHECK(test::run_logits(session, std::span(images).subspan(first, end - first)) == wanted);
    CHECK(std::vector(session.features().begin(), session.features().end()) == wanted_features);
    for (std::size_t i = first; i < end; ++i) {
      const std::span<const std::int32_t> tokens = session.patch_tokens(static_cast<int>(i - first));
      CHECK(std::vector(tokens.begin(), tokens.end()) == expected[i].tokens);
    }
  }
}

void check_model(const std::vector<std::byte> &bytes, const std::vector<Image> &images) {
  const ModelFile file = test::parse_model(bytes);

  std::vector<Results> expected;
  for (const Image &image : images)
    expected.push_back(naive_results(file, image));
  for (std::size_t i = 1; i < images.size(); ++i)
    CHECK(expected[i].logits != expected[0].logits); // else the test would see little

  for (const kernels::KernelTable &table : kernels::available_kernels()) {
    const std::shared_ptr<const Model> model = test::load_model(file, table);
    for (const auto &[threads, batch] : test::session_shapes) {
      CAPTURE(table.name, threads, batch);
      check_session(test::start_session(model, {.threads = threads, .max_batch = static_cast<int>(batch)}), batch,
                    images, expected);
    }
  }
}

TEST_CASE("logits: what the quantizer writes") {
  check_model(test::tiny_model({.residual = ResidualFormat::int16, .softmax = Softmax::int8}), pictures());
  check_model(test::tiny_model({.residual = ResidualFormat::ptf8, .softmax = Softmax::int16}), pictures());
  check_model(
      test::tiny_model(
          {.residual = ResidualFormat::ptf8_paper, .softmax = Softmax::lis4, .published = {.renormalize = false}}),
      pictures());
}

TEST_CASE("logits: patch tokens besides") {
  for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8}) {
    ModelParts parts(test::tiny_model({.residual = residual}));
    test::add_patch_tokens(parts);
    check_model(parts.file(), pictures());
    check_model(test::tiny_model({.residual = residual, .patch_tokens = true}), pictures());
  }
}

TEST_CASE("logits: the residual streams of the tiny models are what their names say") {
  const ModelParts paper(test::tiny_model({.residual = ResidualFormat::ptf8_paper}));
  const auto alpha = paper.tensors.at("blocks.1.norm1.alpha").as<std::uint8_t>();
  const auto zero_point = paper.tensors.at("blocks.1.norm1.zero_point").as<std::int8_t>();
  CHECK(*std::max_element(alpha.begin(), alpha.end()) <= 3);
  CHECK(std::count(zero_point.begin(), zero_point.end(), zero_point[0]) == 16);
  const ModelParts own(test::tiny_model({.residual = ResidualFormat::ptf8}));
  const auto own_zero_point = own.tensors.at("blocks.1.norm1.zero_point").as<std::int8_t>();
  CHECK(std::count(own_zero_point.begin(), own_zero_point.end(), own_zero_point[0]) < 16);
}

TEST_CASE("logits: a stream that is 8-bit codes here and 16-bit codes there") {
  ModelParts parts(test::tiny_model({.residual = ResidualFormat::ptf8}));
  // From the first attention on, the stream has 16-bit codes until the next addition makes them 8-bit codes again.
  parts.operation<Linear>("blocks.0.attn.proj").output_type = kernels::ElementType::int16;
  auto &fc2 = parts.operation<Linear>("blocks.0.mlp.fc2");
  fc2.residual_shift = std::min(fc2.residual_shift, 15);
  parts.tensors.erase("blocks.0.norm2.alpha");
  parts.tensors.erase("blocks.0.norm2.zero_point");
  check_model(parts.file(), pictures());
}

TEST_CASE("logits: constants at the ends of their ranges") {
  ModelParts parts(test::tiny_model({.residual = ResidualFormat::ptf8}));
  // Weights of -128, which the quantizer does not write; saturating multipliers; alphas and zero points at their ends.
  for (std::size_t i = 0; i < 16; ++i) {
    parts.set_element<std::int8_t>("blocks.0.attn.qkv.weight", i, -128);
    parts.set_element<std::int8_t>("patch_embed.weight", i, -128);
    parts.set_element<std::uint8_t>("blocks.0.norm1.alpha", i, static_cast<std::uint8_t>(i % 2 == 0 ? 7 : 0));
    parts.set_element<std::int8_t>("blocks.0.norm1.zero_point", i, static_cast<std::int8_t>(i % 3 == 0 ? -128 : 127));
  }
  parts.set_element<std::int32_t>("blocks.0.attn.qkv.multiplier", 3, INT32_MIN);
  parts.set_element<std::int32_t>("blocks.0.attn.qkv.multiplier", 40, INT32_MAX);
  parts.set_element<std::int32_t>("blocks.1.attn.proj.residual_multiplier", 2, INT32_MIN);
  parts.set_element<std::int32_t>("blocks.1.attn.multiplier", 5, INT32_MIN);
  parts.set_element<std::int32_t>("blocks.0.norm2.multiplier", 4, INT32_MAX);
  parts.set_element<std::int16_t>("blocks.0.mlp.fc1.gelu_multiplier", 0, 32767);
  parts.set_element<std::int16_t>("blocks.0.mlp.fc1.gelu_multiplier", 1, 1);
  for (const std::int64_t epsilon : {std::int64_t{0}, std::int64_t{1} << 60}) {
    parts.operation<LayerNorm>("blocks.1.norm1").epsilon = epsilon;
    check_model(parts.file(), pictures());
  }
}

TEST_CASE("logits: rows of equal codes, whose variance is zero") {
  ModelParts parts(test::tiny_model({.residual = ResidualFormat::int16}));
  parts.set("patch_embed.class_token", DType::i16, {16}, std::vector<std::int16_t>(16, -32768));
  parts.operation<LayerNorm>("blocks.0.norm1").epsilon = 0;
  check_model(parts.file(), pictures());
}

TEST_CASE("logits: a picture that is not square") {
  ModelParts parts(test::tiny_model({.residual = ResidualFormat::int16}));
  parts.description.graph.image_height = 24;
  parts.description.recipe = squash_recipe(16, 24);
  parts.set("golden.image", DType::u8, {24, 16, 3}, std::vector<std::uint8_t>(24 * 16 * 3));
  std::vector<std::int16_t> position = parts.tensors.at("patch_embed.position").as<std::int16_t>();
  position.insert(position.end(), position.begin(), position.begin() + 32);
  parts.set("patch_embed.position", DType::i16, {6, 16}, position);
  for (const char *name : {"blocks.0.attn", "blocks.1.attn"})
    --parts.operation<Attention>(name).exp.octaves; // two more tokens to add up
  check_model(parts.file(), test::random_images(3, 16, 24, 78));
}

TEST_CASE("logits: the accumulator that just fits 32 bits") {
  ModelParts parts = test::one_product(210, 2);
  constexpr std::size_t columns = 210 * 210 * 3;
  std::vector<std::int8_t> weights(2 * columns);
  std::fill_n(weights.begin(), 131071, static_cast<std::int8_t>(-128));
  std::fill_n(weights.begin() + columns, 132104, static_cast<std::int8_t>(127));
  parts.set("h.weight", DType::i8, {2, columns}, weights);
  parts.set("h.multiplier", DType::i32, {2}, std::vector<std::int32_t>{INT32_MAX, INT32_MIN});
  parts.set("h.offset", DType::i64, {2}, std::vector<std::int64_t>{1, -1});
  const std::vector<Image> images = {{210, 210, std::vector<std::uint8_t>(columns, 0)},
                                     {210, 210, std::vector<std::uint8_t>(columns, 255)}};
  check_model(parts.file(), images);
}

TEST_CASE("logits: golden logits and features are what their image gives, without the engine") {
  const Result<ModelFile> shipped = ModelFile::open(test::source_file("../models/zoo/cifar10_vit.safetensors"));
  INFO(shipped.status().message());
  REQUIRE(shipped.ok());
  const ModelFile tiny = test::parse_model(test::tiny_model());
  CHECK(shipped->golden_features().size() == 192);
  CHECK(tiny.golden_features().size() == 16);
  for (const ModelFile *file : {&*shipped, &tiny}) {
    const Results results = naive_results(*file, test::golden_image(*file));
    CHECK(results.logits == file->golden_logits());
    CHECK(results.features == file->golden_features());
  }
}

} // namespace
} // namespace intvit

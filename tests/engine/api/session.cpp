// Sessions through the C interface: every kind of image gives what the engine gives for the same pixels.
#include <algorithm>
#include <array>
#include <cstring>

#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "engine/runtime/session.hpp"
#include "tests/engine/api/fixture.hpp"

namespace intvit {
namespace {

using test::ModelHandle;
using test::SessionHandle;
using test::tiny_classes;

const std::vector<std::byte> &tiny() {
  static const std::vector<std::byte> file = test::tiny_model();
  return file;
}

// By the engine itself, without the interface.
std::vector<std::int32_t> engine_logits(const Image &image, bool resized) {
  const Result<ModelFile> file = ModelFile::parse(tiny(), "m");
  REQUIRE(file.ok());
  const Result<std::shared_ptr<const Model>> model = Model::create(*file);
  REQUIRE(model.ok());
  const Result<Image> input = resized ? preprocess(image, (*model)->recipe()) : Result<Image>(image);
  REQUIRE(input.ok());
  Result<Session> session = Session::create(*model, {.threads = 1});
  REQUIRE(session.ok());
  const std::uint8_t *pixels = input->rgb.data();
  REQUIRE(session->run({&pixels, 1}).ok());
  return {session->logits().begin(), session->logits().end()};
}

std::vector<std::byte> as_ppm(const Image &image) {
  const std::string head = "P6 " + std::to_string(image.width) + " " + std::to_string(image.height) + " 255\n";
  std::vector<std::byte> bytes(head.size() + image.rgb.size());
  std::memcpy(bytes.data(), head.data(), head.size());
  std::memcpy(bytes.data() + head.size(), image.rgb.data(), image.rgb.size());
  return bytes;
}

// The same picture in rows with a gap between them, or upside down in memory.
struct Strided {
  std::vector<std::uint8_t> bytes;
  const std::uint8_t *first;
  std::ptrdiff_t stride;

  Strided(const Image &image, int gap, bool upside_down)
      : bytes((image.row_bytes() + static_cast<std::size_t>(gap)) * static_cast<std::size_t>(image.height), 0xAA),
        stride(static_cast<std::ptrdiff_t>(image.row_bytes()) + gap) {
    for (int y = 0; y < image.height; ++y) {
      const int row = upside_down ? image.height - 1 - y : y;
      std::copy_n(image.rgb.data() + static_cast<std::size_t>(y) * image.row_bytes(), image.row_bytes(),
                  bytes.data() + row * stride);
    }
    first = upside_down ? bytes.data() + (image.height - 1) * stride : bytes.data();
    if (upside_down)
      stride = -stride;
  }
};

TEST_CASE("run: every kind of image gives the engine's logits") {
  const ModelHandle model = test::load(tiny());
  const SessionHandle session = test::start(model);
  for (const auto &[width, height] : {std::pair(16, 16), {40, 30}, {16, 50}, {7, 16}, {3, 5}}) {
    CAPTURE(width, height);
    const Image image = test::random_images(1, width, height, 3)[0];
    const std::vector<std::int32_t> expected = engine_logits(image, true);
    const auto check = [&](const intvit_image &given) {
      intvit_error error;
      CHECK(intvit_run(session.get(), &given, 1, &error) == INTVIT_OK);
      INFO(error.message);
      CHECK(test::logits_of(session) == expected);
    };
    check(test::whole(image));
    check(test::whole(image)); // the same size again
    for (const int gap : {0, 1, 61})
      for (const bool upside_down : {false, true}) {
        const Strided strided(image, gap, upside_down);
        check(intvit_rgb_image(strided.first, width, height, strided.stride));
      }
    const std::vector<std::byte> file = as_ppm(image);
    check(intvit_encoded_image(file.data(), file.size()));
  }
  const Image image = test::random_images(1, 16, 16, 4)[0];
  const std::vector<std::int32_t> expected = engine_logits(image, false);
  const Strided strided(image, 5, true);
  for (const intvit_image &given : {test::exact(image), intvit_input_image(strided.first, 16, 16, strided.stride)}) {
    REQUIRE(intvit_run(session.get(), &given, 1, nullptr) == INTVIT_OK);
    CHECK(test::logits_of(session) == expected);
  }
}

TEST_CASE("run: a batch of all kinds") {
  const ModelHandle model = test::load(tiny());
  const SessionHandle session = test::start(model, 2, 4);
  const Image large = test::random_images(1, 40, 30, 5)[0];
  const Image small = test::random_images(1, 16, 16, 6)[0];
  const std::vector<std::byte> file = as_ppm(large);
  const std::array<intvit_image, 4> images{test::exact(small), test::whole(large),
                                           intvit_encoded_image(file.data(), file.size()), test::whole(small)};
  CHECK(intvit_session_images(session.get()) == 0);
  REQUIRE(intvit_run(session.get(), images.data(), 4, nullptr) == INTVIT_OK);
  CHECK(intvit_session_images(session.get()) == 4);
  CHECK(test::logits_of(session, 0) == engine_logits(small, false));
  CHECK(test::logits_of(session, 1) == engine_logits(large, true));
  CHECK(test::logits_of(session, 2) == test::logits_of(session, 1));
  CHECK(test::logits_of(session, 3) == engine_logits(small, true));
  REQUIRE(intvit_run(session.get(), images.data() + 1, 1, nullptr) == INTVIT_OK);
  CHECK(intvit_session_images(session.get()) == 1);
  CHECK(test::logits_of(session, 0) == engine_logits(large, true));
}

TEST_CASE("run: picture files on all threads, and of several bad ones the first is told") {
  const ModelHandle model = test::load(tiny());
  std::vector<std::vector<std::byte>> files;
  std::vector<std::vector<std::int32_t>> expected;
  for (int i = 0; i < 16; ++i) {
    const Image image = test::random_images(1, 10 + 5 * i, 30, static_cast<unsigned>(i))[0];
    files.push_back(as_ppm(image));
    expected.push_back(engine_logits(image, true));
  }
  const auto in_order = [](void *, int count, void (*task)(void *, int), void *argument) {
    for (int i = 0; i < count; ++i)
      task(argument, i);
  };
  for (const int threads : {1, 2, 5})
    for (const bool own_loop : {false, true}) {
      CAPTURE(threads, own_loop);
      intvit_session_options options = intvit_default_session_options();
      options.threads = threads;
      options.max_batch = 16;
      if (own_loop)
        options.parallel_for = in_order;
      const SessionHandle session = test::start(model, options);
      std::vector<intvit_image> images;
      for (const std::vector<std::byte> &file : files)
        images.push_back(intvit_encoded_image(file.data(), file.size()));
      for (const std::size_t count : {16U, 2U, 7U}) {
        REQUIRE(intvit_run(session.get(), images.data(), static_cast<int>(count), nullptr) == INTVIT_OK);
        for (std::size_t i = 0; i < count; ++i)
          REQUIRE(test::logits_of(session, static_cast<int>(i)) == expected[i]);
      }
      for (const std::size_t bad : {5U, 3U}) {
        images[bad].size = 20; // ends before its pixels do
        intvit_error error;
        CHECK(intvit_run(session.get(), images.data(), 16, &error) == INTVIT_BAD_FORMAT);
        CHECK(std::string(error.message).rfind("image " + std::to_string(bad) + ": picture in memory: ", 0) == 0);
        CHECK(intvit_session_images(session.get()) == 0);
      }
    }
  const auto nothing = [](void *, int, void (*)(void *, int), void *) {};
  intvit_session_options options = intvit_default_session_options();
  options.threads = 2;
  options.max_batch = 2;
  options.parallel_for = nothing;
  const SessionHandle session = test::start(model, options);
  const std::array<intvit_image, 2> images{intvit_encoded_image(files[0].data(), files[0].size()),
                                           intvit_encoded_image(files[1].data(), files[1].size())};
  intvit_error error;
  CHECK(intvit_run(session.get(), images.data(), 2, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(error.message == std::string("the caller's loop called no task"));
}

TEST_CASE("run: what it refuses, and that it says why") {
  const ModelHandle model = test::load(tiny());
  const SessionHandle session = test::start(model, 1, 2);
  const Image image = test::random_images(1, 16, 16, 6)[0];
  const intvit_image good = test::exact(image);
  struct Case {
    intvit_image image;
    intvit_status status;
    std::string message;
  };
  const std::vector<std::byte> truncated = {std::byte{'P'}, std::byte{'6'}};
  intvit_image unknown = good;
  const int no_kind = 4;
  std::memcpy(&unknown.kind, &no_kind, sizeof no_kind);
  const std::vector<Case> cases = {
      {intvit_rgb_image(nullptr, 4, 4, 0), INTVIT_BAD_ARGUMENT, "the pixels are at a null pointer"},
      {intvit_encoded_image(nullptr, 4), INTVIT_BAD_ARGUMENT, "the file is at a null pointer"},
      {intvit_rgb_image(image.rgb.data(), 0, 4, 0), INTVIT_BAD_ARGUMENT, "a picture of 0 x 4 pixels is empty"},
      {intvit_rgb_image(image.rgb.data(), 4, -1, 0), INTVIT_BAD_ARGUMENT, "a picture of 4 x -1 pixels is empty"},
      {intvit_rgb_image(image.rgb.data(), 70000, 1, 0), INTVIT_BAD_ARGUMENT, ""},
      {intvit_rgb_image(image.rgb.data(), 4, 4, PTRDIFF_MAX), INTVIT_BAD_ARGUMENT,
       "a stride of " + std::to_string(PTRDIFF_MAX) + " bytes for rows of 12 bytes"},
      {intvit_rgb_image(image.rgb.data(), 4, 4, -PTRDIFF_MAX), INTVIT_BAD_ARGUMENT,
       "a stride of " + std::to_string(-PTRDIFF_MAX) + " bytes for rows of 12 bytes"},
      {intvit_rgb_image(image.rgb.data(), 4, 4, 11), INTVIT_BAD_ARGUMENT, "a stride of 11 bytes for rows of 12 bytes"},
      {intvit_rgb_image(image.rgb.data(), 4, 4, -11), INTVIT_BAD_ARGUMENT,
       "a stride of -11 bytes for rows of 12 bytes"},
      {intvit_input_image(image.rgb.data(), 4, 16, 0), INTVIT_BAD_ARGUMENT,
       "the model takes 16 x 16 pixels, not 4 x 16; INTVIT_IMAGE_RGB resizes"},
      {intvit_encoded_image(truncated.data(), 2), INTVIT_BAD_FORMAT,
       "picture in memory: corrupt PNM picture: its header needs a width, a height and a maximum of 1 to 65535"},
      {intvit_encoded_image(truncated.data(), 0), INTVIT_BAD_FORMAT, "picture in memory: the file is empty"},
      {unknown, INTVIT_BAD_ARGUMENT, "there is no such kind of image"},
  };
  intvit_error error;
  for (const Case &bad : cases) {
    REQUIRE(intvit_run(session.get(), &good, 1, nullptr) == INTVIT_OK);
    CHECK(intvit_run(session.get(), &bad.image, 1, &error) == bad.status);
    CHECK(error.status == bad.status);
    if (!bad.message.empty())
      CHECK(error.message == bad.message);
    CHECK(intvit_session_images(session.get()) == 0);
    const std::array<intvit_image, 2> batch{good, bad.image};
    CHECK(intvit_run(session.get(), batch.data(), 2, &error) == bad.status);
    CHECK(std::string(error.message).rfind("image 1: ", 0) == 0);
  }
  const std::array<intvit_image, 3> many{good, good, good};
  for (const int count : {-1, 0, 3}) {
    CHECK(intvit_run(session.get(), many.data(), count, &error) == INTVIT_BAD_ARGUMENT);
    CHECK(std::string(error.message).rfind("a run takes 1 to 2 images, not ", 0) == 0);
  }
  CHECK(intvit_run(session.get(), nullptr, 1, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(intvit_run(nullptr, many.data(), 1, &error) == INTVIT_BAD_ARGUMENT);
}

TEST_CASE("results: top classes, and what there is not") {
  const ModelHandle model = test::load(tiny());
  const SessionHandle session = test::start(model);
  intvit_error error;
  std::array<intvit_class, tiny_classes> top;
  CHECK(intvit_top_k(session.get(), 0, 1, top.data(), &error) == INTVIT_NOT_AVAILABLE);
  CHECK(error.message == std::string("image 0: the last run had 0 images"));

  const Image picture = test::random_images(1, 16, 16, 8)[0];
  const intvit_image image = test::exact(picture);
  REQUIRE(intvit_run(session.get(), &image, 1, nullptr) == INTVIT_OK);
  const std::vector<std::int32_t> logits = test::logits_of(session);
  for (int k = 1; k <= tiny_classes; ++k) {
    REQUIRE(intvit_top_k(session.get(), 0, k, top.data(), &error) == INTVIT_OK);
    CHECK(top[0].logit == *std::max_element(logits.begin(), logits.end()));
    for (int i = 0; i < k; ++i) {
      const intvit_class &entry = top[static_cast<std::size_t>(i)];
      CHECK(entry.logit == logits[static_cast<std::size_t>(entry.index)]);
      CHECK(entry.label == intvit_model_label(model.get(), entry.index));
      if (i > 0)
        CHECK(entry.logit <= top[static_cast<std::size_t>(i - 1)].logit);
    }
  }
  int sum = 0;
  for (const intvit_class &entry : top)
    sum += entry.probability;
  CHECK(std::abs(sum - 1'000'000) <= 5);
  for (const int k : {-1, 0, tiny_classes + 1}) {
    CHECK(intvit_top_k(session.get(), 0, k, top.data(), &error) == INTVIT_BAD_ARGUMENT);
    CHECK(error.message == "from 1 to 5 classes can be asked for, not " + std::to_string(k));
  }
  CHECK(intvit_top_k(session.get(), 0, 1, nullptr, &error) == INTVIT_BAD_ARGUMENT);

  const std::int32_t *values = logits.data();
  for (const int index : {-1, 1}) {
    CHECK(intvit_logits(session.get(), index, &values, &error) == INTVIT_NOT_AVAILABLE);
    CHECK(values == nullptr);
  }
  CHECK(intvit_logits(session.get(), 0, nullptr, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(intvit_logits(nullptr, 0, &values, &error) == INTVIT_BAD_ARGUMENT);
}

TEST_CASE("results: features of a classifier, beside its logits") {
  const ModelHandle model = test::load(tiny());
  constexpr int channels = 16;
  CHECK(intvit_model_classes(model.get()) == tiny_classes);
  CHECK(intvit_model_features(model.get()) == channels);
  CHECK(intvit_model_feature_fraction_bits(model.get()) > 0);
  const SessionHandle session = test::start(model, 1, 2);
  const std::vector<Image> pictures = test::random_images(2, 16, 16, 8);
  const std::array<intvit_image, 2> images{test::exact(pictures[0]), test::exact(pictures[1])};
  REQUIRE(intvit_run(session.get(), images.data(), 2, nullptr) == INTVIT_OK);
  std::array<std::vector<std::int32_t>, 2> features;
  std::array<std::vector<std::int32_t>, 2> logits;
  intvit_error error;
  for (int i = 0; i < 2; ++i) {
    const std::int32_t *values = nullptr;
    REQUIRE(intvit_features(session.get(), i, &values, &error) == INTVIT_OK);
    features[static_cast<std::size_t>(i)] = {values, values + channels};
    logits[static_cast<std::size_t>(i)] = test::logits_of(session, i);
  }
  CHECK(features[0] != features[1]);
  const std::int32_t *values = features[0].data();
  CHECK(intvit_features(session.get(), 2, &values, &error) == INTVIT_NOT_AVAILABLE);
  CHECK(values == nullptr);

  // An image has them alone too.
  REQUIRE(intvit_run(session.get(), &images[1], 1, nullptr) == INTVIT_OK);
  REQUIRE(intvit_features(session.get(), 0, &values, &error) == INTVIT_OK);
  CHECK(std::vector(values, values + channels) == features[1]);
  CHECK(test::logits_of(session) == logits[1]);
}

TEST_CASE("results: a classifier of an older file has no features") {
  test::ModelParts parts(tiny());
  test::remove_features(parts);
  const ModelHandle model = test::load(parts.file());
  CHECK(intvit_model_features(model.get()) == 0);
  const SessionHandle session = test::start(model);
  const Image picture = test::random_images(1, 16, 16, 8).front();
  const intvit_image image = test::exact(picture);
  REQUIRE(intvit_run(session.get(), &image, 1, nullptr) == INTVIT_OK);
  const std::int32_t *values = nullptr;
  intvit_error error;
  CHECK(intvit_features(session.get(), 0, &values, &error) == INTVIT_NOT_AVAILABLE);
  CHECK(error.message == std::string("the model gives logits alone; quantized anew, it gives features besides"));
}

TEST_CASE("results: patch tokens") {
  const ModelHandle without = test::load(tiny());
  CHECK(intvit_model_token_rows(without.get()) == 0);
  CHECK(intvit_model_token_columns(without.get()) == 0);
  CHECK(intvit_model_token_channels(without.get()) == 0);
  const std::vector<Image> pictures = test::random_images(2, 16, 16, 8);
  const std::array<intvit_image, 2> images{test::exact(pictures[0]), test::exact(pictures[1])};
  const std::int32_t *values = nullptr;
  intvit_error error;
  const SessionHandle none = test::start(without);
  REQUIRE(intvit_run(none.get(), images.data(), 1, nullptr) == INTVIT_OK);
  CHECK(intvit_patch_tokens(none.get(), 0, &values, &error) == INTVIT_NOT_AVAILABLE);
  CHECK(error.message ==
        std::string("the model gives no patch tokens; quantized with --patch-tokens, it gives them besides"));

  test::ModelParts parts(tiny());
  test::add_patch_tokens(parts);
  const ModelHandle model = test::load(parts.file());
  CHECK(intvit_model_token_rows(model.get()) == 2);
  CHECK(intvit_model_token_columns(model.get()) == 2);
  CHECK(intvit_model_token_channels(model.get()) == 16);
  CHECK(intvit_model_token_fraction_bits(model.get()) == 3);
  const SessionHandle session = test::start(model, 1, 2);
  constexpr int size = 2 * 2 * 16;
  std::array<std::vector<std::int32_t>, 2> alone;
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(intvit_run(session.get(), &images[i], 1, nullptr) == INTVIT_OK);
    REQUIRE(intvit_patch_tokens(session.get(), 0, &values, &error) == INTVIT_OK);
    alone[i] = {values, values + size};
  }
  CHECK(alone[0] != alone[1]);
  REQUIRE(intvit_run(session.get(), images.data(), 2, nullptr) == INTVIT_OK);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(intvit_patch_tokens(session.get(), i, &values, &error) == INTVIT_OK);
    CHECK(std::vector(values, values + size) == alone[static_cast<std::size_t>(i)]);
  }
  CHECK(intvit_patch_tokens(session.get(), 2, &values, &error) == INTVIT_NOT_AVAILABLE);
  CHECK(values == nullptr);
}

TEST_CASE("results: features of a model without a head") {
  test::ModelParts parts(tiny());
  const auto &head = parts.description.graph.nodes.back();
  REQUIRE(head.name == "head");
  const std::string last = head.inputs[0];
  test::remove_features(parts);
  for (const char *constant : {".weight", ".multiplier", ".offset"})
    parts.tensors.erase("head" + std::string(constant));
  parts.description.graph.nodes.pop_back();
  parts.operation<LayerNorm>(last).output_type = kernels::ElementType::int32;
  parts.description.labels.clear();
  constexpr int channels = 16;
  parts.add_blank_golden(channels);

  const ModelHandle model = test::load(parts.file());
  CHECK(intvit_model_classes(model.get()) == 0);
  CHECK(intvit_model_features(model.get()) == channels);
  CHECK(intvit_model_feature_fraction_bits(model.get()) == intvit_model_fraction_bits(model.get()));
  const SessionHandle session = test::start(model, 1, 2);
  const std::vector<Image> pictures = test::random_images(2, 16, 16, 8);
  const std::array<intvit_image, 2> images{test::exact(pictures[0]), test::exact(pictures[1])};
  REQUIRE(intvit_run(session.get(), images.data(), 2, nullptr) == INTVIT_OK);
  std::array<const std::int32_t *, 2> features{};
  intvit_error error;
  for (int i = 0; i < 2; ++i)
    REQUIRE(intvit_features(session.get(), i, &features[static_cast<std::size_t>(i)], &error) == INTVIT_OK);
  CHECK(features[1] == features[0] + channels);
  CHECK_FALSE(std::equal(features[0], features[0] + channels, features[1]));

  const std::int32_t *logits = nullptr;
  CHECK(intvit_logits(session.get(), 0, &logits, &error) == INTVIT_NOT_AVAILABLE);
  CHECK(error.message == std::string("the model has no classifier: it gives features"));
  intvit_class best;
  CHECK(intvit_top_k(session.get(), 0, 1, &best, &error) == INTVIT_NOT_AVAILABLE);
}

TEST_CASE("session: it outlives its model's handle") {
  ModelHandle model = test::load(tiny());
  const SessionHandle session = test::start(model);
  model.reset();
  const Image picture = test::random_images(1, 16, 16, 8)[0];
  const intvit_image image = test::exact(picture);
  REQUIRE(intvit_run(session.get(), &image, 1, nullptr) == INTVIT_OK);
  CHECK(test::logits_of(session) == engine_logits(picture, false));
}

} // namespace
} // namespace intvit

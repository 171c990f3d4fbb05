// What the tests of the C interface begin with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/image/image.hpp"
#include "engine/include/intvit.h"
#include "tests/support/tiny_model.hpp"

namespace intvit::test {

struct FreeModel {
  void operator()(intvit_model *model) const { intvit_model_free(model); }
};
struct FreeSession {
  void operator()(intvit_session *session) const { intvit_session_free(session); }
};
using ModelHandle = std::unique_ptr<intvit_model, FreeModel>;
using SessionHandle = std::unique_ptr<intvit_session, FreeSession>;

inline constexpr int tiny_side = 16;   // of tiny_model()'s input, pixels
inline constexpr int tiny_classes = 5; // of tiny_model()

inline ModelHandle load(const std::vector<std::byte> &file, const intvit_model_options *options = nullptr) {
  intvit_model *model = nullptr;
  intvit_error error;
  CHECK(intvit_model_from_memory(file.data(), file.size(), options, &model, &error) == INTVIT_OK);
  INFO(error.message);
  REQUIRE(model != nullptr);
  return ModelHandle(model);
}

inline SessionHandle start(const ModelHandle &model, const intvit_session_options &options) {
  intvit_session *session = nullptr;
  intvit_error error;
  CHECK(intvit_session_create(model.get(), &options, &session, &error) == INTVIT_OK);
  INFO(error.message);
  REQUIRE(session != nullptr);
  return SessionHandle(session);
}

inline SessionHandle start(const ModelHandle &model, int threads = 1, int max_batch = 1) {
  intvit_session_options options = intvit_default_session_options();
  options.threads = threads;
  options.max_batch = max_batch;
  return start(model, options);
}

inline std::vector<std::int32_t> logits_of(const SessionHandle &session, int image = 0) {
  const std::int32_t *logits = nullptr;
  intvit_error error;
  const intvit_status status = intvit_logits(session.get(), image, &logits, &error);
  INFO(error.message);
  REQUIRE(status == INTVIT_OK);
  return {logits, logits + tiny_classes};
}

inline intvit_image whole(const Image &image) {
  return intvit_rgb_image(image.rgb.data(), image.width, image.height, 0);
}
inline intvit_image exact(const Image &image) {
  return intvit_input_image(image.rgb.data(), image.width, image.height, 0);
}

} // namespace intvit::test

// intvit's C++ interface: intvit.h with owning classes instead of handles. C++17 or later, with or without exceptions
// and RTTI.
//
//   auto model = intvit::Model::open("model.safetensors");
//   if (!model)
//     return std::fprintf(stderr, "%s\n", model.error().message()), 1;
//   auto session = model->session();
//   if (session && session->run(intvit_rgb_image(pixels, 640, 480, 0)))
//     if (const auto top = session->top(1))
//       std::printf("class %d: %s\n", top->front().index, top->front().label ? top->front().label : "(no label)");
//
// Functions that can fail return a Result or a Status and do not throw. In a program compiled with exceptions,
// Result::value() throws intvit::Exception where there is no value: `auto model = intvit::Model::open(path).value();`
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "intvit.h"

#if defined(__cpp_exceptions)
#include <stdexcept>
#endif

namespace intvit {

// Keeps these names apart from the library's own in programs that link it statically.
inline namespace interface_0 {

#if defined(__cpp_exceptions)
class Exception : public std::runtime_error {
public:
  explicit Exception(const intvit_error &error) : std::runtime_error(error.message), code_(error.status) {}
  intvit_status code() const { return code_; }

private:
  intvit_status code_;
};
#endif

// Success, or what went wrong. True after success.
class [[nodiscard]] Status {
public:
  Status() = default;
  explicit Status(const intvit_error &error) : error_(error) {}

  explicit operator bool() const { return code() == INTVIT_OK; }
  intvit_status code() const { return error_.status; }
  const char *message() const { return error_.message; }
  const intvit_error &raw() const { return error_; }

#if defined(__cpp_exceptions)
  void value() const {
    if (code() != INTVIT_OK)
      throw Exception(error_);
  }
#endif

private:
  intvit_error error_ = {INTVIT_OK, {}};
};

// A value, or the reason why there is none. True if there is a value.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(const intvit_error &error) : error_(error) { assert(error.status != INTVIT_OK); }

  explicit operator bool() const { return value_.has_value(); }
  const Status &error() const { return error_; }

  // Call these only if there is a value. On a temporary, * moves the value out, so that a range-based for loop over it
  // keeps the value alive.
  T &operator*() & { return *value_; }
  const T &operator*() const & { return *value_; }
  T operator*() && { return *std::move(value_); }
  T *operator->() { return &*value_; }
  const T *operator->() const { return &*value_; }

#if defined(__cpp_exceptions)
  T &value() & {
    error_.value();
    return *value_;
  }
  T value() && {
    error_.value();
    return *std::move(value_);
  }
#endif

private:
  std::optional<T> value_;
  Status error_;
};

// A session's integers, valid until its next run.
class Values {
public:
  Values(const std::int32_t *data, int size) : data_(data), size_(size) {}

  const std::int32_t *data() const { return data_; }
  std::size_t size() const { return static_cast<std::size_t>(size_); }
  const std::int32_t *begin() const { return data_; }
  const std::int32_t *end() const { return data_ + size_; }
  std::int32_t operator[](std::size_t index) const { return data_[index]; }

private:
  const std::int32_t *data_;
  int size_;
};

// Runs a model. Movable, not copyable; one caller at a time. It may outlive its Model.
class Session {
public:
  Session(Session &&other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), classes_(other.classes_), features_(other.features_),
        tokens_(other.tokens_) {}
  Session &operator=(Session &&other) noexcept {
    std::swap(handle_, other.handle_);
    classes_ = other.classes_;
    features_ = other.features_;
    tokens_ = other.tokens_;
    return *this;
  }
  ~Session() { intvit_session_free(handle_); }

  // intvit_run() on one image, on one frame of a camera, or on several images.
  Status run(const intvit_image &image) { return run(&image, 1); }
  Status run(const intvit_frame &frame) { return run(intvit_frame_image(&frame)); }
  Status run(const intvit_image *images, int count) {
    intvit_error error;
    intvit_run(handle_, images, count, &error);
    return Status(error);
  }
  Status run(const std::vector<intvit_image> &images) { return run(images.data(), static_cast<int>(images.size())); }

  // Ends the run that goes on, from any thread.
  void cancel() { intvit_session_cancel(handle_); }

  // The results for image `image` of the last run.
  Result<Values> logits(int image = 0) const {
    const std::int32_t *values = nullptr;
    intvit_error error;
    if (intvit_logits(handle_, image, &values, &error) != INTVIT_OK)
      return error;
    return Values(values, classes_);
  }
  Result<Values> features(int image = 0) const {
    const std::int32_t *values = nullptr;
    intvit_error error;
    if (intvit_features(handle_, image, &values, &error) != INTVIT_OK)
      return error;
    return Values(values, features_);
  }
  // [rows][columns][channels]: a vector for each patch, of models that give them.
  Result<Values> patch_tokens(int image = 0) const {
    const std::int32_t *values = nullptr;
    intvit_error error;
    if (intvit_patch_tokens(handle_, image, &values, &error) != INTVIT_OK)
      return error;
    return Values(values, tokens_);
  }
  // The `count` most likely classes or labels, or all if there are fewer. This allocates a vector; intvit_top_k()
  // allocates nothing.
  Result<std::vector<intvit_class>> top(int count, int image = 0) {
    const int most = count > classes_ && classes_ > 0 ? classes_ : count;
    std::vector<intvit_class> classes(static_cast<std::size_t>(most > 0 ? most : 0));
    intvit_error error;
    if (intvit_top_k(handle_, image, most, classes.data(), &error) != INTVIT_OK)
      return error;
    return classes;
  }

  int images() const { return intvit_session_images(handle_); }
  int threads() const { return intvit_session_threads(handle_); }
  std::size_t arena_bytes() const { return intvit_session_arena_bytes(handle_); }
  intvit_session *raw() const { return handle_; }

private:
  friend class Model;
  Session(intvit_session *handle, const intvit_model *model)
      : handle_(handle), classes_(intvit_model_classes(model)), features_(intvit_model_features(model)),
        tokens_(intvit_model_token_rows(model) * intvit_model_token_columns(model) *
                intvit_model_token_channels(model)) {}

  intvit_session *handle_;
  int classes_;
  int features_;
  int tokens_; // of all patches
};

// A loaded model: immutable, used by any number of threads and sessions. Movable, not copyable.
class Model {
public:
  static Result<Model> open(const char *path, const intvit_model_options &options = intvit_default_model_options()) {
    intvit_model *handle = nullptr;
    intvit_error error;
    if (intvit_model_open(path, &options, &handle, &error) != INTVIT_OK)
      return error;
    return Model(handle);
  }
  static Result<Model> from_memory(const void *bytes, std::size_t size,
                                   const intvit_model_options &options = intvit_default_model_options()) {
    intvit_model *handle = nullptr;
    intvit_error error;
    if (intvit_model_from_memory(bytes, size, &options, &handle, &error) != INTVIT_OK)
      return error;
    return Model(handle);
  }

  Model(Model &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Model &operator=(Model &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Model() { intvit_model_free(handle_); }

  Result<Session> session(const intvit_session_options &options = intvit_default_session_options()) const {
    intvit_session *handle = nullptr;
    intvit_error error;
    if (intvit_session_create(handle_, &options, &handle, &error) != INTVIT_OK)
      return error;
    return Session(handle, handle_);
  }
  Result<std::size_t> arena_bytes(const intvit_session_options &options = intvit_default_session_options()) const {
    std::size_t bytes = 0;
    intvit_error error;
    if (intvit_arena_bytes(handle_, &options, &bytes, &error) != INTVIT_OK)
      return error;
    return bytes;
  }

  int width() const { return intvit_model_width(handle_); }
  int height() const { return intvit_model_height(handle_); }
  intvit_outputs outputs() const { return intvit_model_outputs(handle_); }
  int classes() const { return intvit_model_classes(handle_); }
  int features() const { return intvit_model_features(handle_); }
  int fraction_bits() const { return intvit_model_fraction_bits(handle_); }
  int feature_fraction_bits() const { return intvit_model_feature_fraction_bits(handle_); }
  int token_rows() const { return intvit_model_token_rows(handle_); }
  int token_columns() const { return intvit_model_token_columns(handle_); }
  int token_channels() const { return intvit_model_token_channels(handle_); }
  int token_fraction_bits() const { return intvit_model_token_fraction_bits(handle_); }
  const char *label(int index) const { return intvit_model_label(handle_, index); }
  const char *recipe() const { return intvit_model_recipe(handle_); }
  const char *isa() const { return intvit_model_isa(handle_); }
  std::int64_t work() const { return intvit_model_work(handle_); }
  std::size_t weight_bytes() const { return intvit_model_weight_bytes(handle_); }
  const intvit_model *raw() const { return handle_; }

private:
  explicit Model(intvit_model *handle) : handle_(handle) {}

  intvit_model *handle_;
};

} // namespace interface_0
} // namespace intvit

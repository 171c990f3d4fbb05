// The functions of intvit.h about sessions and runs.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>

#include "engine/api/frame.hpp"
#include "engine/api/handles.hpp"
#include "engine/api/options.hpp"
#include "engine/api/status.hpp"
#include "engine/runtime/probability.hpp"
#include "engine/runtime/ranking.hpp"
#ifdef INTVIT_DECODER
#include "engine/image/decode.hpp"
#endif

namespace intvit::api {

namespace {

std::size_t input_bytes(const Model &model) {
  return align_up(static_cast<std::size_t>(model.image_width()) * static_cast<std::size_t>(model.image_height()) * 3);
}

// A session's arena: the engine's part, then room for every image of a batch.
struct Layout {
  SessionOptions engine;
  std::size_t engine_bytes = 0;
  std::size_t bytes = 0;
};

Result<Layout> layout(const intvit_model *model, const intvit_session_options &options) {
  if (model == nullptr)
    return Status(StatusCode::bad_argument, "the model is null");
  Layout layout;
  layout.engine.threads = options.threads;
  layout.engine.max_batch = options.max_batch;
  layout.engine.parallel_for = {options.parallel_for, options.parallel_for_context};
  const Result<std::size_t> bytes = Session::required_arena_bytes(*model->model, layout.engine);
  if (!bytes.ok())
    return bytes.status();
  layout.engine_bytes = align_up(*bytes);
  const std::uint64_t all =
      layout.engine_bytes + static_cast<std::uint64_t>(options.max_batch) * std::uint64_t{input_bytes(*model->model)};
  if (all > max_planned_bytes)
    return beyond_memory(all);
  layout.bytes = static_cast<std::size_t>(all);
  return layout;
}

Result<intvit_session_options> options_of(const intvit_session_options *given) {
  intvit_session_options options = intvit_default_session_options();
  if (Status status = take_options(given, sizeof options, "intvit_default_session_options()", options); !status.ok())
    return status;
  return options;
}

Status create(const intvit_model *model, const intvit_session_options &options, intvit_session **result) {
  Result<Layout> planned = layout(model, options);
  if (!planned.ok())
    return planned.status();
  AlignedBuffer memory;
  auto *arena = static_cast<std::byte *>(options.arena);
  if (arena == nullptr) {
    memory = AlignedBuffer(planned->bytes);
    arena = memory.data();
    if (arena == nullptr)
      return Status(StatusCode::out_of_memory,
                    "no memory for an arena of " + std::to_string(planned->bytes) + " bytes; use a smaller batch");
  } else if (reinterpret_cast<std::uintptr_t>(arena) % buffer_alignment != 0) {
    return Status(StatusCode::bad_argument, "the arena must be aligned to " + std::to_string(buffer_alignment) +
                                                " bytes; its address is no multiple of that");
  } else if (options.arena_bytes < planned->bytes) {
    return Status(StatusCode::bad_argument, "the arena has " + std::to_string(options.arena_bytes) + " bytes, " +
                                                std::to_string(planned->bytes) +
                                                " are needed; intvit_arena_bytes() tells");
  }
  planned->engine.arena = {arena, planned->engine_bytes};
  auto cancelled = std::make_unique<std::atomic<bool>>(false);
  planned->engine.cancelled = cancelled.get();
  Result<Session> session = Session::create(model->model, planned->engine);
  if (!session.ok())
    return session.status();
  model->log(INTVIT_LOG_INFO, "session: " + std::to_string(session->threads()) + " threads, batch " +
                                  std::to_string(options.max_batch) + ", arena of " + std::to_string(planned->bytes) +
                                  " bytes");
  const auto threads = static_cast<std::size_t>(session->threads());
  *result = new intvit_session{std::move(cancelled),
                               std::move(*session),
                               {threads, Preprocessor(model->model->recipe(), model->model->kernels())},
                               reinterpret_cast<std::uint8_t *>(arena + planned->engine_bytes),
                               std::vector<const std::uint8_t *>(static_cast<std::size_t>(options.max_batch)),
                               std::vector<int>(static_cast<std::size_t>(model->model->classes())),
                               std::move(memory),
                               planned->bytes,
                               0};
  return {};
}

// The caller's pixels. Errors: bad_argument; those of check_image_size().
Result<ImageView> pixels(const intvit_image &image) {
  if (image.data == nullptr)
    return Status(StatusCode::bad_argument, "the pixels are at a null pointer");
  if (Status status = check_image_size(image.width, image.height); !status.ok())
    return Status(StatusCode::bad_argument, status.message());
  const Result<std::ptrdiff_t> stride = row_distance(image.stride, std::ptrdiff_t{image.width} * 3, image.height);
  if (!stride.ok())
    return stride.status();
  return ImageView{static_cast<const std::uint8_t *>(image.data), image.width, image.height, *stride};
}

// Returns where the model's input is: in the caller's memory if its rows are dense, else copied to `place`.
Result<const std::uint8_t *> exact_input(const Model &model, const ImageView &view, std::uint8_t *place) {
  if (view.width != model.image_width() || view.height != model.image_height())
    return Status(StatusCode::bad_argument, "the model takes " + std::to_string(model.image_width()) + " x " +
                                                std::to_string(model.image_height()) + " pixels, not " +
                                                std::to_string(view.width) + " x " + std::to_string(view.height) +
                                                "; INTVIT_IMAGE_RGB resizes");
  const auto row_bytes = static_cast<std::size_t>(view.width) * 3;
  if (view.row_stride == static_cast<std::ptrdiff_t>(row_bytes))
    return view.rgb;
  for (int y = 0; y < view.height; ++y)
    std::memcpy(place + static_cast<std::size_t>(y) * row_bytes, view.rgb + y * view.row_stride, row_bytes);
  return static_cast<const std::uint8_t *>(place);
}

Result<const std::uint8_t *> preprocessed(Preprocessor &preprocessor, const Frame &frame, std::uint8_t *place) {
  if (Status status = preprocessor.run(frame, place); !status.ok())
    return status;
  return static_cast<const std::uint8_t *>(place);
}

#ifdef INTVIT_DECODER
Result<const std::uint8_t *> decoded(Preprocessor &preprocessor, const intvit_image &image, std::uint8_t *place) {
  if (image.data == nullptr)
    return Status(StatusCode::bad_argument, "the file is at a null pointer");
  const Result<Image> picture =
      decode_image({static_cast<const std::byte *>(image.data), image.size}, "picture in memory");
  if (!picture.ok())
    return picture.status();
  return preprocessed(preprocessor, frame_of(view(*picture)), place);
}
#else
Result<const std::uint8_t *> decoded(Preprocessor &, const intvit_image &, std::uint8_t *) {
  return Status(StatusCode::unsupported, "this build decodes no picture files; give it pixels");
}
#endif

Result<const std::uint8_t *> input(intvit_session &session, int thread, const intvit_image &image,
                                   std::uint8_t *place) {
  Preprocessor &preprocessor = session.preprocessors[static_cast<std::size_t>(thread)];
  if (image.kind == INTVIT_IMAGE_ENCODED)
    return decoded(preprocessor, image, place);
  if (image.kind == INTVIT_IMAGE_FRAME) {
    const Result<Frame> frame = take_frame(image.data);
    return frame.ok() ? preprocessed(preprocessor, *frame, place) : frame.status();
  }
  if (image.kind != INTVIT_IMAGE_RGB && image.kind != INTVIT_IMAGE_INPUT)
    return Status(StatusCode::bad_argument, "there is no such kind of image");
  const Result<ImageView> given = pixels(image);
  if (!given.ok())
    return given.status();
  return image.kind == INTVIT_IMAGE_INPUT ? exact_input(session.session.model(), *given, place)
                                          : preprocessed(preprocessor, frame_of(*given), place);
}

// Finds or makes the model's input for image i of a run.
Status load_input(intvit_session &session, int thread, std::span<const intvit_image> images, int i) {
  const auto index = static_cast<std::size_t>(i);
  const Result<const std::uint8_t *> pixels =
      input(session, thread, images[index], session.inputs + index * input_bytes(session.session.model()));
  if (!pixels.ok())
    return images.size() == 1 ? pixels.status() : pixels.status().in("image " + std::to_string(i));
  session.batch[index] = *pixels;
  return {};
}

Status load_in_turn(intvit_session &session, std::span<const intvit_image> images) {
  Status status;
  for (int i = 0; i < static_cast<int>(images.size()) && status.ok(); ++i)
    status = load_input(session, 0, images, i);
  return status;
}

#ifdef INTVIT_DECODER
// Files are decoded and resized on all threads of the session. Pixels alone are resized by the caller's, and nothing is
// allocated for them. Of several failures the first in the images' order is told.
Status load_inputs(intvit_session &session, std::span<const intvit_image> images) {
  if (images.size() < 2 || std::none_of(images.begin(), images.end(),
                                        [](const intvit_image &image) { return image.kind == INTVIT_IMAGE_ENCODED; }))
    return load_in_turn(session, images);
  struct Loading {
    intvit_session &session;
    std::span<const intvit_image> images;
    std::vector<Status> statuses;
    std::vector<std::exception_ptr> exceptions; // a lack of memory, or a defect
  };
  Loading loading{session, images, std::vector<Status>(images.size()), std::vector<std::exception_ptr>(images.size())};
  Status status = session.session.for_each(
      static_cast<int>(images.size()), static_cast<int>(session.preprocessors.size()),
      [](void *argument, int i, int thread) {
        Loading &all = *static_cast<Loading *>(argument);
        const auto index = static_cast<std::size_t>(i);
        try {
          all.statuses[index] = load_input(all.session, thread, all.images, i);
#ifdef __GLIBCXX__
        } catch (const abi::__forced_unwind &) { // see guarded()
          throw;
#endif
        } catch (...) {
          all.exceptions[index] = std::current_exception();
        }
      },
      &loading);
  for (std::size_t i = 0; i < images.size() && status.ok(); ++i) {
    if (loading.exceptions[i])
      std::rethrow_exception(loading.exceptions[i]);
    status = loading.statuses[i];
  }
  return status;
}
#else
Status load_inputs(intvit_session &session, std::span<const intvit_image> images) {
  return load_in_turn(session, images);
}
#endif

Status run(intvit_session *session, const intvit_image *images, int count) {
  if (session == nullptr || (images == nullptr && count > 0))
    return Status(StatusCode::bad_argument, "the session or the images are null");
  session->images = 0;
  session->cancelled->store(false);
  // Session::run() refuses counts that are out of range.
  const std::size_t used = count < 1 ? 0 : static_cast<std::size_t>(count);
  if (used <= session->batch.size())
    if (Status status = load_inputs(*session, {images, used}); !status.ok())
      return status;
  if (Status status = session->session.run({session->batch.data(), used}); !status.ok())
    return status;
  session->images = count;
  return {};
}

enum class Output : std::uint8_t { logits, features, patch_tokens };

// Of one image of the last run. Errors: bad_argument, not_available.
Result<std::span<const std::int32_t>> outputs(const intvit_session *session, int image, Output output) {
  if (session == nullptr)
    return Status(StatusCode::bad_argument, "the session is null");
  const Model &model = session->session.model();
  if (output == Output::logits && !model.has_head())
    return Status(StatusCode::not_available, "the model has no classifier: it gives features");
  if (output == Output::features && model.features() == 0)
    return Status(StatusCode::not_available, "the model gives logits alone; quantized anew, it gives features besides");
  if (output == Output::patch_tokens && model.patch_tokens().value == 0)
    return Status(StatusCode::not_available,
                  "the model gives no patch tokens; quantized with --patch-tokens, it gives them besides");
  if (image < 0 || image >= session->images)
    return Status(StatusCode::not_available, "image " + std::to_string(image) + ": the last run had " +
                                                 std::to_string(session->images) + " images");
  if (output == Output::patch_tokens)
    return session->session.patch_tokens(image);
  const std::span<const std::int32_t> all =
      output == Output::logits ? session->session.logits() : session->session.features();
  const std::size_t values = all.size() / static_cast<std::size_t>(session->images);
  return all.subspan(static_cast<std::size_t>(image) * values, values);
}

intvit_status outputs(const intvit_session *session, int image, Output output, const std::int32_t **values,
                      intvit_error *error) {
  return guarded(error, [&]() -> Status {
    if (values == nullptr)
      return Status(StatusCode::bad_argument, "there is no place for the result: the pointer to it is null");
    *values = nullptr;
    const Result<std::span<const std::int32_t>> found = outputs(session, image, output);
    if (found.ok())
      *values = found->data();
    return found.status();
  });
}

Status top_k(intvit_session *session, int image, int k, intvit_class *classes) {
  const Result<std::span<const std::int32_t>> logits = outputs(session, image, Output::logits);
  if (!logits.ok())
    return logits.status();
  const Model &model = session->session.model();
  const ResultKind kind = model.result_kind();
  if (kind == ResultKind::scores)
    return Status(StatusCode::not_available,
                  "the model gives scores, which have no order and no probability; read them with intvit_logits()");
  if (classes == nullptr || k < 1 || static_cast<std::size_t>(k) > logits->size())
    return Status(StatusCode::bad_argument, "from 1 to " + std::to_string(logits->size()) + " " +
                                                std::string(outputs_word(kind)) + " can be asked for, not " +
                                                std::to_string(k));
  const Probabilities probabilities(*logits, model.logit_fraction_bits(), kind);
  const std::span<int> order = std::span(session->ranking).first(static_cast<std::size_t>(k));
  top_classes(*logits, order);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto index = static_cast<std::size_t>(order[i]);
    const std::int32_t logit = (*logits)[index];
    classes[i] = {model.labels().empty() ? nullptr : model.labels()[index].c_str(), order[i], logit,
                  probabilities.millionths(logit)};
  }
  return {};
}

} // namespace

} // namespace intvit::api

using namespace intvit;

extern "C" {

intvit_status intvit_arena_bytes(const intvit_model *model, const intvit_session_options *options, size_t *bytes,
                                 intvit_error *error) {
  return api::guarded(error, [&]() -> Status {
    if (bytes == nullptr)
      return Status(StatusCode::bad_argument, "there is no place for the result: the pointer to it is null");
    *bytes = 0;
    const Result<intvit_session_options> taken = api::options_of(options);
    if (!taken.ok())
      return taken.status();
    const Result<api::Layout> planned = api::layout(model, *taken);
    if (planned.ok())
      *bytes = planned->bytes;
    return planned.status();
  });
}

intvit_status intvit_session_create(const intvit_model *model, const intvit_session_options *options,
                                    intvit_session **session, intvit_error *error) {
  return api::guarded(error, [&]() -> Status {
    if (session == nullptr)
      return Status(StatusCode::bad_argument, "there is no place for the session: the pointer to it is null");
    *session = nullptr;
    const Result<intvit_session_options> taken = api::options_of(options);
    return taken.ok() ? api::create(model, *taken, session) : taken.status();
  });
}

void intvit_session_free(intvit_session *session) {
  delete session;
}

int intvit_session_threads(const intvit_session *session) {
  return session->session.threads();
}

size_t intvit_session_arena_bytes(const intvit_session *session) {
  return session->arena_bytes;
}

intvit_status intvit_run(intvit_session *session, const intvit_image *images, int count, intvit_error *error) {
  return api::guarded(error, [&] { return api::run(session, images, count); });
}

void intvit_session_cancel(intvit_session *session) {
  session->cancelled->store(true);
}

int intvit_session_images(const intvit_session *session) {
  return session->images;
}

intvit_status intvit_logits(const intvit_session *session, int image, const int32_t **logits, intvit_error *error) {
  return api::outputs(session, image, api::Output::logits, logits, error);
}

intvit_status intvit_features(const intvit_session *session, int image, const int32_t **features, intvit_error *error) {
  return api::outputs(session, image, api::Output::features, features, error);
}

intvit_status intvit_patch_tokens(const intvit_session *session, int image, const int32_t **tokens,
                                  intvit_error *error) {
  return api::outputs(session, image, api::Output::patch_tokens, tokens, error);
}

intvit_status intvit_top_k(intvit_session *session, int image, int k, intvit_class *classes, intvit_error *error) {
  return api::guarded(error, [&] { return api::top_k(session, image, k, classes); });
}

} // extern "C"

// What a session may be given: an arena, a loop of the caller's, threads, a batch.
#include <array>
#include <cstring>
#include <thread>

#include "engine/runtime/aligned_buffer.hpp"
#include "engine/threads/default_threads.hpp"
#include "tests/engine/api/fixture.hpp"

namespace intvit {
namespace {

using test::ModelHandle;
using test::SessionHandle;

const ModelHandle &tiny_handle() {
  static const ModelHandle model = test::load(test::tiny_model());
  return model;
}

std::vector<std::int32_t> logits_for(const SessionHandle &session, const Image &picture) {
  const intvit_image image = test::whole(picture);
  intvit_error error;
  CHECK(intvit_run(session.get(), &image, 1, &error) == INTVIT_OK);
  return test::logits_of(session);
}

const Image &picture() {
  static const Image image = test::random_images(1, 40, 30, 9)[0];
  return image;
}

TEST_CASE("session options: what the default is") {
  const SessionHandle session = test::start(tiny_handle(), intvit_default_session_options());
  CHECK(intvit_session_threads(session.get()) == default_threads());
  intvit_session *handle = nullptr;
  REQUIRE(intvit_session_create(tiny_handle().get(), nullptr, &handle, nullptr) == INTVIT_OK);
  const SessionHandle same(handle);
  CHECK(intvit_session_arena_bytes(same.get()) == intvit_session_arena_bytes(session.get()));
  intvit_session_free(nullptr);
}

TEST_CASE("session options: the caller's arena, to the byte") {
  const std::vector<std::int32_t> expected = logits_for(test::start(tiny_handle()), picture());
  for (const int threads : {1, 3})
    for (const int batch : {1, 4}) {
      intvit_session_options options = intvit_default_session_options();
      options.threads = threads;
      options.max_batch = batch;
      std::size_t bytes = 0;
      intvit_error error;
      REQUIRE(intvit_arena_bytes(tiny_handle().get(), &options, &bytes, &error) == INTVIT_OK);
      CHECK(bytes > static_cast<std::size_t>(batch) * 16 * 16 * 3);

      constexpr std::size_t guard = 4096;
      const AlignedBuffer memory(bytes + 2 * guard);
      std::memset(memory.data(), 0x5A, memory.size());
      options.arena = memory.data() + guard;
      options.arena_bytes = bytes;
      {
        const SessionHandle session = test::start(tiny_handle(), options);
        CHECK(intvit_session_arena_bytes(session.get()) == bytes);
        CHECK(logits_for(session, picture()) == expected);
        std::vector<intvit_image> images(static_cast<std::size_t>(batch), test::whole(picture()));
        REQUIRE(intvit_run(session.get(), images.data(), batch, nullptr) == INTVIT_OK);
        CHECK(test::logits_of(session, batch - 1) == expected);
      }
      for (std::size_t i = 0; i < guard; ++i) {
        REQUIRE(memory.data()[i] == std::byte{0x5A});
        REQUIRE(memory.data()[guard + bytes + i] == std::byte{0x5A});
      }

      intvit_session *session = nullptr;
      options.arena_bytes = bytes - 1;
      CHECK(intvit_session_create(tiny_handle().get(), &options, &session, &error) == INTVIT_BAD_ARGUMENT);
      CHECK(session == nullptr);
      CHECK(error.message == "the arena has " + std::to_string(bytes - 1) + " bytes, " + std::to_string(bytes) +
                                 " are needed; intvit_arena_bytes() tells");
      options.arena_bytes = bytes;
      options.arena = memory.data() + guard + 32;
      CHECK(intvit_session_create(tiny_handle().get(), &options, &session, &error) == INTVIT_BAD_ARGUMENT);
      CHECK(std::string(error.message).find("aligned to 64") != std::string::npos);
    }
}

TEST_CASE("session options: the caller's loop, in order, backwards and on threads") {
  struct Loop {
    int calls = 0;
    int tasks = 0;
    int kind = 0;
    static void run(void *context, int count, void (*task)(void *, int), void *argument) {
      auto &loop = *static_cast<Loop *>(context);
      ++loop.calls;
      loop.tasks = count;
      std::vector<std::thread> threads;
      for (int i = 0; i < count; ++i) {
        const int index = loop.kind == 1 ? count - 1 - i : i;
        if (loop.kind == 2)
          threads.emplace_back(task, argument, index);
        else
          task(argument, index);
      }
      for (std::thread &thread : threads)
        thread.join();
    }
  };
  const std::vector<std::int32_t> expected = logits_for(test::start(tiny_handle()), picture());
  for (const int tasks : {1, 2, 5})
    for (const int kind : {0, 1, 2}) {
      CAPTURE(tasks, kind);
      Loop loop;
      loop.kind = kind;
      intvit_session_options options = intvit_default_session_options();
      options.threads = tasks;
      options.parallel_for = Loop::run;
      options.parallel_for_context = &loop;
      const SessionHandle session = test::start(tiny_handle(), options);
      CHECK(loop.calls == 0);
      CHECK(logits_for(session, picture()) == expected);
      CHECK(loop.calls > 10);
      CHECK(loop.tasks == tasks);
    }
  intvit_session_options options = intvit_default_session_options();
  options.parallel_for = Loop::run;
  intvit_session *session = nullptr;
  intvit_error error;
  CHECK(intvit_session_create(tiny_handle().get(), &options, &session, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(error.message == std::string("a loop of the caller's needs the number of threads as well"));
}

TEST_CASE("session options: what is refused") {
  intvit_error error;
  std::size_t bytes = 1;
  intvit_session *session = nullptr;
  for (const auto &[threads, batch] : {std::pair(-1, 1), {1025, 1}, {1, 0}, {1, -1}, {1, 4097}}) {
    intvit_session_options options = intvit_default_session_options();
    options.threads = threads;
    options.max_batch = batch;
    CHECK(intvit_arena_bytes(tiny_handle().get(), &options, &bytes, &error) == INTVIT_BAD_ARGUMENT);
    CHECK(bytes == 0);
    CHECK(intvit_session_create(tiny_handle().get(), &options, &session, &error) == INTVIT_BAD_ARGUMENT);
    CHECK(session == nullptr);
  }
  intvit_session_options unset = intvit_default_session_options();
  unset.struct_size = sizeof(std::size_t);
  CHECK(intvit_session_create(tiny_handle().get(), &unset, &session, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(intvit_session_create(nullptr, nullptr, &session, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(error.message == std::string("the model is null"));
  CHECK(intvit_session_create(tiny_handle().get(), nullptr, nullptr, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(intvit_arena_bytes(tiny_handle().get(), nullptr, nullptr, &error) == INTVIT_BAD_ARGUMENT);
}

} // namespace
} // namespace intvit

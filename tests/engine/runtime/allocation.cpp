// A run allocates nothing: every allocation function of the program is replaced by one that counts, in all threads and
// libraries.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>

#include <catch2/catch.hpp>

#include "engine/include/intvit.h"
#include "engine/runtime/session.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/tiny_model.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> malloc_calls{0};
std::atomic<int> new_calls{0};

[[maybe_unused]] void count(std::atomic<int> &calls) {
  if (counting.load(std::memory_order_relaxed))
    ++calls;
}

} // namespace

#if defined(__GLIBC__) && !INTVIT_ADDRESS_SANITIZER && !INTVIT_THREAD_SANITIZER
#define INTVIT_COUNTS_ALLOCATIONS 1
// glibc's own names for what is replaced here.
extern "C" {
void *__libc_malloc(std::size_t bytes);
void *__libc_calloc(std::size_t count, std::size_t bytes);
void *__libc_realloc(void *old, std::size_t bytes);
void *__libc_memalign(std::size_t alignment, std::size_t bytes);

void *malloc(std::size_t bytes) noexcept {
  count(malloc_calls);
  return __libc_malloc(bytes);
}
void *calloc(std::size_t elements, std::size_t bytes) noexcept {
  count(malloc_calls);
  return __libc_calloc(elements, bytes);
}
void *realloc(void *old, std::size_t bytes) noexcept {
  count(malloc_calls);
  return __libc_realloc(old, bytes);
}
void *memalign(std::size_t alignment, std::size_t bytes) noexcept {
  count(malloc_calls);
  return __libc_memalign(alignment, bytes);
}
void *aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  count(malloc_calls);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **result, std::size_t alignment, std::size_t bytes) noexcept {
  count(malloc_calls);
  *result = __libc_memalign(alignment, bytes);
  return *result != nullptr ? 0 : 12; // ENOMEM
}
}

// The other forms of new end in one of these two.
void *operator new(std::size_t bytes) {
  count(new_calls);
  if (void *memory = std::malloc(bytes > 0 ? bytes : 1))
    return memory;
  throw std::bad_alloc();
}
void *operator new(std::size_t bytes, std::align_val_t alignment) {
  count(new_calls);
  const auto step = static_cast<std::size_t>(alignment);
  if (void *memory = std::aligned_alloc(step, (bytes + step - 1) / step * step))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept {
  std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void *memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
#else
#define INTVIT_COUNTS_ALLOCATIONS 0
#endif

namespace intvit {
namespace {

struct Calls {
  int by_malloc = 0;
  int by_new = 0;
};

template <typename Work> Calls calls_of(const Work &work) {
  malloc_calls = 0;
  new_calls = 0;
  counting = true;
  work();
  counting = false;
  return {malloc_calls, new_calls};
}

bool cannot_count() {
  if (INTVIT_COUNTS_ALLOCATIONS != 0)
    return false;
  test::skip("allocations can be counted with glibc and without sanitizers only");
  return true;
}

TEST_CASE("the counters count") {
  if (cannot_count())
    return;
  void *volatile kept = nullptr; // so that no call is optimized away
  Calls calls = calls_of([&] {
    kept = ::operator new(10);
    ::operator delete(kept);
    kept = ::operator new[](10, std::nothrow);
    ::operator delete[](kept);
    kept = ::operator new (64, std::align_val_t{64});
    ::operator delete (kept, std::align_val_t{64});
  });
  CHECK(calls.by_new == 3);
  CHECK(calls.by_malloc == 3);
  calls = calls_of([&] {
    kept = std::malloc(10);
    std::free(kept);
    kept = std::calloc(10, 10);
    kept = std::realloc(kept, 1000);
    std::free(kept);
    kept = std::aligned_alloc(64, 128);
    std::free(kept);
  });
  CHECK(calls.by_new == 0);
  CHECK(calls.by_malloc == 4);
  CHECK(calls_of([] {}).by_malloc == 0);
}

TEST_CASE("a run allocates nothing, nor does the first") {
  if (cannot_count())
    return;
  const std::vector<Image> images = test::random_images(3, 16, 16, 6);
  const std::array<const std::uint8_t *, 3> pointers{images[0].rgb.data(), images[1].rgb.data(), images[2].rgb.data()};
  for (const ResidualFormat residual : {ResidualFormat::int16, ResidualFormat::ptf8})
    for (const kernels::Softmax softmax : {kernels::Softmax::int8, kernels::Softmax::lis4}) {
      const std::shared_ptr<const Model> model =
          test::load_model(test::parse_model(test::tiny_model({.residual = residual, .softmax = softmax})));
      for (const int threads : {1, 2})
        for (const std::size_t batch : {std::size_t{1}, std::size_t{3}}) {
          CAPTURE(static_cast<int>(residual), static_cast<int>(softmax), threads, batch);
          Calls calls = calls_of([&] { static_cast<void>(Session::create(model, {.threads = threads})); });
          CHECK(calls.by_malloc > 0); // the arena
          Result<Session> session =
              Session::create(model, {.threads = threads, .max_batch = static_cast<int>(batch), .profile = batch > 1});
          REQUIRE(session.ok());
          bool ok = true;
          for (const int runs : {1, 5}) {
            calls = calls_of([&] {
              for (int i = 0; i < runs; ++i)
                ok = ok && session->run(std::span(pointers).first(batch)).ok();
            });
            CHECK(ok);
            CHECK(calls.by_malloc == 0);
            CHECK(calls.by_new == 0);
          }
        }
    }
}

// The threads are the session's, whoever calls it.
TEST_CASE("runs on other threads than the session's own allocate nothing either") {
  if (cannot_count())
    return;
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(test::tiny_model({})));
  const std::vector<Image> images = test::random_images(1, 16, 16, 6);
  const std::array<const std::uint8_t *, 1> input{images[0].rgb.data()};
  Result<Session> two = Session::create(model, {.threads = 2});
  Result<Session> four = Session::create(model, {.threads = 4});
  REQUIRE(two.ok());
  REQUIRE(four.ok());
  for (int i = 0; i < 3; ++i) {
    Calls calls;
    bool ok = false;
    std::thread([&] {
      calls = calls_of([&] { ok = two->run(input).ok() && four->run(input).ok() && two->run(input).ok(); });
    }).join();
    CHECK(ok);
    CHECK(calls.by_malloc == 0);
  }
}

// Also of the interface: pixels of the model's size, and of another size from the second image on.
TEST_CASE("a run through the C interface allocates nothing") {
  if (cannot_count())
    return;
  const std::vector<std::byte> file = test::tiny_model();
  intvit_model *model = nullptr;
  REQUIRE(intvit_model_from_memory(file.data(), file.size(), nullptr, &model, nullptr) == INTVIT_OK);
  const Image small = test::random_images(1, 16, 16, 6)[0];
  const Image large = test::random_images(1, 50, 40, 6)[0];
  const std::array<intvit_image, 2> exact{intvit_input_image(small.rgb.data(), 16, 16, 0),
                                          intvit_input_image(large.rgb.data(), 16, 16, 150)};
  const std::array<intvit_image, 2> frames{intvit_rgb_image(large.rgb.data(), 50, 40, 0),
                                           intvit_rgb_image(large.rgb.data(), 50, 40, 150)};
  const std::array<intvit_image, 1> other{intvit_rgb_image(small.rgb.data(), 14, 16, 48)};
  intvit_session_options options = intvit_default_session_options();
  options.threads = 2;
  options.max_batch = 2;
  intvit_session *session = nullptr;
  REQUIRE(intvit_session_create(model, &options, &session, nullptr) == INTVIT_OK);
  const auto calls_of_run = [&](std::span<const intvit_image> images) {
    intvit_error error;
    bool ok = true;
    const Calls calls = calls_of([&] {
      const std::int32_t *logits = nullptr;
      std::array<intvit_class, 5> top;
      ok = intvit_run(session, images.data(), static_cast<int>(images.size()), &error) == INTVIT_OK &&
           intvit_top_k(session, 0, 5, top.data(), &error) == INTVIT_OK &&
           intvit_logits(session, 0, &logits, &error) == INTVIT_OK;
    });
    CHECK(ok);
    return calls.by_malloc;
  };
  CHECK(calls_of_run(exact) == 0);
  CHECK(calls_of_run(frames) > 0); // tables for the resize, once
  CHECK(calls_of_run(frames) == 0);
  CHECK(calls_of_run(exact) == 0);
  CHECK(calls_of_run(frames) == 0);
  CHECK(calls_of_run(other) > 0);
  // Frames of cameras, in any position: those of the first picture's size that are converted need memory once.
  for (const intvit_pixel_format format : {INTVIT_PIXELS_NV12, INTVIT_PIXELS_I420, INTVIT_PIXELS_YUYV,
                                           INTVIT_PIXELS_BGRA, INTVIT_PIXELS_GREY, INTVIT_PIXELS_BGR}) {
    CAPTURE(format);
    intvit_frame frame = intvit_frame_of(format, large.rgb.data(), 30, 30, 0);
    const std::array<intvit_image, 1> one{intvit_frame_image(&frame)};
    calls_of_run(one);
    for (int turns = 0; turns < 4; ++turns)
      for (const int mirrored : {0, 1}) {
        frame.quarter_turns = turns;
        frame.mirrored = mirrored;
        calls_of_run(one);
        frame.left = 4 - frame.left; // another region of the same size
        frame.region_width = frame.region_height = 25;
        calls_of_run(one);
        CHECK(calls_of_run(one) == 0);
      }
  }
  intvit_session_free(session);
  intvit_model_free(model);
}

} // namespace
} // namespace intvit

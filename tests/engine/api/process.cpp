// What the process around the library does: forks, cancelled threads, runs that are to end, loops that are not what
// they should be, unloading.
#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/engine/api/fixture.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/sanitizers.hpp"

namespace intvit {
namespace {

using namespace test;

// A model, an image of its size and the right logits.
struct Case {
  std::vector<std::byte> file = tiny_model();
  ModelHandle model = load(file);
  Image image = random_images(1, tiny_side, tiny_side, 5)[0];
  std::vector<std::int32_t> logits;

  Case() {
    const SessionHandle session = start(model);
    REQUIRE(run(session) == INTVIT_OK);
    logits = logits_of(session);
  }

  intvit_status run(const SessionHandle &session, intvit_error *error = nullptr) const {
    const intvit_image input = exact(image);
    return intvit_run(session.get(), &input, 1, error);
  }
  bool right(const SessionHandle &session) const { return run(session) == INTVIT_OK && logits_of(session) == logits; }
};

TEST_CASE("process: after fork() the child runs its parent's session and sessions of its own") {
  if (INTVIT_THREAD_SANITIZER) {
    skip("ThreadSanitizer allows a forked process no threads");
    return;
  }
  const Case the;
  for (const int threads : {1, 2, 4})
    for (const bool used : {false, true})
      for (const bool own : {false, true}) {
        CAPTURE(threads, used, own);
        const SessionHandle session = start(the.model, threads);
        if (used)
          REQUIRE(the.right(session));
        else if (INTVIT_ADDRESS_SANITIZER)
          ::usleep(300'000); // its threads take locks of its allocator while they start, which a child would find taken
        const pid_t child = ::fork();
        if (child == 0) {
          ::alarm(10);
          bool right = true;
          for (int i = 0; i < 3; ++i)
            right = right && (own ? the.right(start(load(the.file), threads)) : the.right(session));
          ::_exit(right ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(the.right(session));
      }
}

void in_order(void *context, int count, void (*task)(void *argument, int index), void *argument) {
  const auto &numbers = *static_cast<const std::function<std::vector<int>(int)> *>(context);
  for (const int i : numbers(count))
    task(argument, i);
}

TEST_CASE("process: a loop that does not call every task once is an error, and nothing more") {
  const Case the;
  std::function<std::vector<int>(int)> numbers;
  intvit_session_options options = intvit_default_session_options();
  options.threads = 3;
  options.parallel_for = in_order;
  options.parallel_for_context = &numbers;
  const SessionHandle session = start(the.model, options);
  numbers = [](int) { return std::vector<int>{2, 0, 1}; };
  CHECK(the.right(session));
  for (const std::vector<int> &wrong :
       {std::vector<int>{}, {0, 1}, {0, 1, 2, 2}, {0, 1, 3}, {0, -1, 2}, {0, 1, 1 << 30}}) {
    numbers = [&](int) { return wrong; };
    intvit_error error;
    CHECK(the.run(session, &error) == INTVIT_BAD_ARGUMENT);
    CHECK_THAT(error.message, Catch::Contains("each of 3 tasks once"));
    const std::int32_t *logits = nullptr;
    CHECK(intvit_logits(session.get(), 0, &logits, &error) == INTVIT_NOT_AVAILABLE);
    CHECK(intvit_session_images(session.get()) == 0);
  }
  numbers = [](int) { return std::vector<int>{0, 1, 2}; };
  CHECK(the.right(session));
}

struct Canceller {
  intvit_session *session = nullptr;
  int after = 0; // tasks
  int calls = 0;
};

void cancelling_loop(void *context, int count, void (*task)(void *argument, int index), void *argument) {
  auto &canceller = *static_cast<Canceller *>(context);
  if (canceller.calls++ == canceller.after)
    intvit_session_cancel(canceller.session);
  for (int i = 0; i < count; ++i)
    task(argument, i);
}

TEST_CASE("process: a run that is cancelled ends between two operations, and the session goes on") {
  const Case the;
  Canceller canceller;
  intvit_session_options options = intvit_default_session_options();
  options.threads = 2;
  options.parallel_for = cancelling_loop;
  options.parallel_for_context = &canceller;
  const SessionHandle session = start(the.model, options);
  canceller = {session.get(), -1, 0};
  REQUIRE(the.right(session));
  const int nodes = canceller.calls;
  REQUIRE(nodes > 10);
  for (const int after : {0, 1, 7, nodes - 2}) {
    canceller = {session.get(), after, 0};
    intvit_error error;
    CHECK(the.run(session, &error) == INTVIT_CANCELLED);
    CHECK(error.message == std::string("the run was cancelled"));
    CHECK(canceller.calls == after + 1); // not one operation more
    CHECK(intvit_session_images(session.get()) == 0);
    canceller = {session.get(), -1, 0};
    CHECK(the.right(session));
  }
  intvit_session_cancel(session.get()); // no run goes on: nothing happens
  CHECK(the.right(session));
}

TEST_CASE("process: a run that is cancelled while pictures are decoded decodes no more of them") {
  const Case the;
  Canceller canceller;
  intvit_session_options options = intvit_default_session_options();
  options.threads = 2;
  options.max_batch = 2;
  options.parallel_for = cancelling_loop;
  options.parallel_for_context = &canceller;
  const SessionHandle session = start(the.model, options);
  const std::string picture = "no picture";
  const intvit_image encoded = intvit_encoded_image(picture.data(), picture.size());
  const intvit_image both[] = {encoded, encoded};
  intvit_error error;
  for (const auto &[after, status] : {std::pair(0, INTVIT_CANCELLED), {-1, INTVIT_BAD_FORMAT}}) {
    canceller = {session.get(), after, 0};
    CHECK(intvit_run(session.get(), both, 2, &error) == status);
  }
}

TEST_CASE("process: a run is cancelled from another thread") {
  const Case the;
  for (const int threads : {1, 2}) {
    const SessionHandle session = start(the.model, threads, 1);
    std::atomic<bool> ends = false;
    std::thread canceller([&] {
      while (!ends)
        intvit_session_cancel(session.get());
    });
    int cancelled = 0;
    for (int i = 0; i < 2000 && cancelled == 0; ++i) {
      const intvit_status status = the.run(session);
      CHECK((status == INTVIT_OK || status == INTVIT_CANCELLED));
      cancelled += status == INTVIT_CANCELLED ? 1 : 0;
    }
    ends = true;
    canceller.join();
    CHECK(cancelled > 0);
    CHECK(the.right(session));
  }
}

// How a thread of pthread_create() ends: null, or PTHREAD_CANCELED.
void *end_of(void *(*work)(void *), void *argument) {
  pthread_t thread{};
  REQUIRE(pthread_create(&thread, nullptr, work, argument) == 0);
  void *end = nullptr;
  REQUIRE(pthread_join(thread, &end) == 0);
  return end;
}

TEST_CASE("process: a thread can be cancelled inside the library") {
  if (INTVIT_ADDRESS_SANITIZER || INTVIT_THREAD_SANITIZER) {
    skip("the sanitizers' runtimes do not unwind cancelled threads");
    return;
  }
  // Cancellation waits until a file is opened or read.
  CHECK(end_of(
            [](void *) -> void * {
              pthread_cancel(pthread_self());
              intvit_model *model = nullptr;
              intvit_model_open(INTVIT_SHIPPED_MODEL, nullptr, &model, nullptr);
              intvit_model_free(model);
              return nullptr;
            },
            nullptr) == PTHREAD_CANCELED);

  const Case the;
  intvit_session_options options = intvit_default_session_options();
  options.threads = 2;
  options.parallel_for = [](void *, int, void (*)(void *, int), void *) { pthread_exit(PTHREAD_CANCELED); };
  const SessionHandle session = start(the.model, options);
  std::pair<const Case *, const SessionHandle *> both{&the, &session};
  CHECK(end_of(
            [](void *argument) -> void * {
              const auto &[of, its] = *static_cast<std::pair<const Case *, const SessionHandle *> *>(argument);
              of->run(*its);
              return nullptr;
            },
            &both) == PTHREAD_CANCELED);
}

#ifdef INTVIT_SHARED_LIBRARY
TEST_CASE("process: the library is unloaded, with sessions freed and not") {
  const Case the;
  const intvit_image input = exact(the.image);
  for (const bool freed : {true, true, false}) {
    void *library = ::dlopen(INTVIT_SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    INFO(::dlerror());
    REQUIRE(library != nullptr);
    const auto function = [&]<typename Function>(const char *name, Function *) {
      return reinterpret_cast<Function *>(::dlsym(library, name));
    };
    intvit_model *model = nullptr;
    intvit_session *session = nullptr;
    intvit_session_options options = intvit_default_session_options();
    options.threads = 3;
    REQUIRE(function("intvit_model_from_memory", &intvit_model_from_memory)(the.file.data(), the.file.size(), nullptr,
                                                                            &model, nullptr) == INTVIT_OK);
    REQUIRE(function("intvit_session_create", &intvit_session_create)(model, &options, &session, nullptr) == INTVIT_OK);
    CHECK(function("intvit_run", &intvit_run)(session, &input, 1, nullptr) == INTVIT_OK);
    if (freed)
      function("intvit_session_free", &intvit_session_free)(session);
    function("intvit_model_free", &intvit_model_free)(model);
    CHECK(::dlclose(library) == 0);
    ::usleep(20'000); // time for a thread whose code is gone to notice
  }
}
#endif

} // namespace
} // namespace intvit

// A session on the threads of a program that has OpenMP: without OpenMP the same tasks one after the other.
#include "engine/include/intvit_openmp.h"

#include <catch2/catch.hpp>

#include "tests/engine/api/fixture.hpp"

#ifdef _OPENMP
#include <atomic>
#include <omp.h>
#endif

namespace {

TEST_CASE("openmp: the loop of intvit_openmp.h calls every task once, on as many threads") {
  struct Seen {
    std::vector<int> calls = std::vector<int>(5);
    std::vector<int> threads = std::vector<int>(5);
  } seen;
  intvit_openmp_parallel_for(
      nullptr, 5,
      [](void *argument, int index) {
        auto &calls = *static_cast<Seen *>(argument);
        ++calls.calls[static_cast<std::size_t>(index)]; // each index has one thread
#ifdef _OPENMP
        calls.threads[static_cast<std::size_t>(index)] = omp_get_thread_num();
#endif
      },
      &seen);
  CHECK(seen.calls == std::vector<int>{1, 1, 1, 1, 1});
#ifdef _OPENMP
  CHECK(seen.threads == std::vector<int>{0, 1, 2, 3, 4});
#endif
}

TEST_CASE("openmp: a session on its threads gives the bits of any other") {
  using namespace intvit;
  const std::vector<std::byte> file = test::tiny_model();
  const test::ModelHandle model = test::load(file);
  const Image image = test::random_images(1, test::tiny_side, test::tiny_side, 5)[0];
  const intvit_image input = test::exact(image);
  const auto logits = [&](const intvit_session_options &options) {
    const test::SessionHandle session = test::start(model, options);
    REQUIRE(intvit_run(session.get(), &input, 1, nullptr) == INTVIT_OK);
    return test::logits_of(session);
  };
  intvit_session_options options = intvit_default_session_options();
  options.threads = 1;
  const std::vector<std::int32_t> expected = logits(options);
  options.parallel_for = intvit_openmp_parallel_for;
  for (const int threads : {1, 2, 5}) {
    options.threads = threads;
    CHECK(logits(options) == expected);
  }
}

} // namespace

// Sessions of one model side by side, on threads of the caller.
#include <array>
#include <thread>

#include <catch2/catch.hpp>

#ifdef _OPENMP
#include <unistd.h>
#endif

#include "tests/support/run_model.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

struct Fixture {
  std::shared_ptr<const Model> model;
  Image image;
  std::vector<std::int32_t> logits;

  Fixture() {
    const ModelFile file = test::parse_model(test::tiny_model());
    model = test::load_model(file);
    image = test::golden_image(file);
    logits = file.golden_logits();
  }

  // Runs a session of its own so many times; how many runs gave other logits.
  int failures(int threads, int runs) const {
    Result<Session> session = Session::create(model, {.threads = threads});
    if (!session.ok())
      return runs;
    const std::array<const std::uint8_t *, 1> input{image.rgb.data()};
    int failures = 0;
    for (int i = 0; i < runs; ++i) {
      const bool ok = session->run(input).ok();
      failures += ok && std::equal(logits.begin(), logits.end(), session->logits().begin()) ? 0 : 1;
    }
    return failures;
  }
};

TEST_CASE("sharing: sessions of one model run at the same time") {
  const Fixture fixture;
  for (const int threads : {1, 2}) {
    std::array<int, 3> failures{-1, -1, -1};
    std::vector<std::thread> callers;
    for (int &result : failures)
      callers.emplace_back([&fixture, &result, threads] { result = fixture.failures(threads, 20); });
    for (std::thread &caller : callers)
      caller.join();
    CHECK(failures == std::array<int, 3>{0, 0, 0});
  }
}

TEST_CASE("sharing: a session that one thread made runs on another") {
  const Fixture fixture;
  Result<Session> session = Session::create(fixture.model, {.threads = 2});
  REQUIRE(session.ok());
  bool same = false;
  std::thread([&] {
    const std::array<const std::uint8_t *, 1> input{fixture.image.rgb.data()};
    same =
        session->run(input).ok() && std::equal(fixture.logits.begin(), fixture.logits.end(), session->logits().begin());
  }).join();
  CHECK(same);
}

#ifdef _OPENMP
// Both kinds of session; one thread of the caller's team runs more often than the other, and the last not at all.
TEST_CASE("sharing: sessions inside a parallel region of the caller") {
  const Fixture fixture;
  for (const int threads : {1, 2}) {
    std::array<int, 3> failures{-1, -1, -1};
    ::alarm(120); // a barrier that waits for the caller's threads would wait forever
#pragma omp parallel for num_threads(3) schedule(static, 1)
    for (int i = 0; i < 3; ++i)
      failures[static_cast<std::size_t>(i)] = fixture.failures(threads, 10 * (2 - i));
    ::alarm(0);
    CHECK(failures == std::array<int, 3>{0, 0, 0});
  }
}
#endif

} // namespace
} // namespace intvit

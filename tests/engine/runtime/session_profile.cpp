// A session's profile: a time for every node, and the same logits.
#include <array>
#include <chrono>
#include <numeric>

#include <catch2/catch.hpp>

#include "tests/support/run_model.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

TEST_CASE("session: a profile has every node's time, measured anew in every run") {
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(test::tiny_model()));
  const std::vector<Image> images = test::random_images(2, 16, 16, 3);
  const std::array<const std::uint8_t *, 2> pointers{images[0].rgb.data(), images[1].rgb.data()};

  for (const int threads : {1, 3}) {
    CAPTURE(threads);
    Result<Session> plain = Session::create(model, {.threads = threads, .max_batch = 2});
    Result<Session> profiled = Session::create(model, {.threads = threads, .max_batch = 2, .profile = true});
    REQUIRE(plain.ok());
    REQUIRE(profiled.ok());
    REQUIRE(plain->run(pointers).ok());
    CHECK(plain->node_nanoseconds().empty());
    CHECK(profiled->node_nanoseconds().size() == model->program().nodes.size());

    for (int run = 0; run < 3; ++run) {
      const auto begin = std::chrono::steady_clock::now();
      REQUIRE(profiled->run(pointers).ok());
      const std::chrono::nanoseconds whole = std::chrono::steady_clock::now() - begin;
      const std::span<const std::int64_t> times = profiled->node_nanoseconds();
      const std::int64_t sum = std::accumulate(times.begin(), times.end(), std::int64_t{0});
      CHECK(sum > 0);
      CHECK(sum <= whole.count()); // the last run's alone
    }
    CHECK(std::equal(plain->logits().begin(), plain->logits().end(), profiled->logits().begin()));
  }
}

} // namespace
} // namespace intvit

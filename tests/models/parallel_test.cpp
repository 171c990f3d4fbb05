// Loops on several threads, as far as they promise an order.
#include "models/parallel.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace intvit {
namespace {

TEST_CASE("parallel in order: all is done once, finished in order, and not too far ahead") {
  for (const int threads : {1, 2, 5})
    for (const std::size_t ahead : {1U, 2U, 3U, 50U}) {
      CAPTURE(threads, ahead);
      constexpr std::size_t count = 300;
      std::vector<int> done(count);
      const std::thread::id caller = std::this_thread::get_id();
      std::vector<std::size_t> order;
      std::atomic<std::size_t> finished = 0;
      std::atomic<bool> too_far = false;
      std::atomic<bool> wrong_thread = false;
      parallel_in_order(
          threads, count, ahead,
          [&](std::size_t i, std::size_t thread) {
            if (i >= finished + ahead)
              too_far = true;
            if (thread >= static_cast<std::size_t>(threads))
              wrong_thread = true;
            // Some take longer, so that others come before them.
            for (volatile int spent = 0; spent < static_cast<int>(i % 7 == 0 ? 20'000 : 0);)
              spent = spent + 1;
            ++done[i];
          },
          [&](std::size_t i) {
            order.push_back(std::this_thread::get_id() == caller && done[i] == 1 ? i : count);
            ++finished;
          });
      CHECK_FALSE(too_far);
      CHECK_FALSE(wrong_thread);
      REQUIRE(order.size() == count);
      for (std::size_t i = 0; i < count; ++i)
        REQUIRE(order[i] == i);
    }
  parallel_in_order(
      3, 0, 1, [](std::size_t, std::size_t) {}, [](std::size_t) { throw std::runtime_error("of nothing"); });
}

TEST_CASE("parallel in order: an exception ends it") {
  for (const int threads : {1, 2, 5}) {
    CAPTURE(threads);
    std::vector<std::size_t> order;
    const auto remember = [&](std::size_t i) { order.push_back(i); };
    CHECK_THROWS_WITH(parallel_in_order(
                          threads, 1000, 4,
                          [&](std::size_t i, std::size_t) {
                            if (i == 20)
                              throw std::runtime_error("work on " + std::to_string(i));
                          },
                          remember),
                      "work on 20");
    CHECK(order.size() <= 20);
    for (std::size_t i = 0; i < order.size(); ++i)
      CHECK(order[i] == i);

    order.clear();
    CHECK_THROWS_WITH(parallel_in_order(
                          threads, 1000, 4, [](std::size_t, std::size_t) {},
                          [&](std::size_t i) {
                            if (i == 20)
                              throw std::runtime_error("finish of " + std::to_string(i));
                            order.push_back(i);
                          }),
                      "finish of 20");
    CHECK(order.size() == 20);
  }
}

} // namespace
} // namespace intvit

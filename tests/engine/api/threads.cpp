// Sessions of one model in threads of their own at once, with their loops on more threads: the caller's or OpenMP's.
// ThreadSanitizer looks on for a minute (preset tsan).
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/include/intvit.hpp"

namespace {

constexpr int side = 32;
constexpr int classes = 10;
constexpr int runs = 5;

using Logits = std::array<std::int32_t, classes>;

struct Picture {
  int width;
  int height;
  std::vector<std::uint8_t> rgb;

  Picture(int width_, int height_, unsigned seed)
      : width(width_), height(height_), rgb(static_cast<std::size_t>(width_ * height_ * 3)) {
    for (std::uint8_t &value : rgb) {
      seed = seed * 1664525U + 1013904223U;
      value = static_cast<std::uint8_t>(seed >> 24);
    }
  }
};

void on_threads(void *, int count, void (*task)(void *argument, int index), void *argument) {
  std::vector<std::thread> threads;
  for (int i = 1; i < count; ++i)
    threads.emplace_back(task, argument, i);
  task(argument, 0);
  for (std::thread &thread : threads)
    thread.join();
}

// How many threads a session's loops run on, and whose they are.
struct Loops {
  int threads = 1;
  bool callers = false;
};

// Logits of each picture, or nothing where a call failed. A session of its own, pictures of different sizes in turn.
std::vector<Logits> classify(const intvit::Model &model, const std::vector<Picture> &pictures, Loops loops) {
  intvit_session_options options = intvit_default_session_options();
  options.threads = loops.threads;
  if (loops.callers)
    options.parallel_for = on_threads;
  intvit::Result<intvit::Session> session = model.session(options);
  std::vector<Logits> results;
  for (const Picture &picture : pictures) {
    if (!session || !session->run(intvit_rgb_image(picture.rgb.data(), picture.width, picture.height, 0)))
      return {};
    const intvit::Result<intvit::Values> logits = session->logits();
    const auto top = session->top(3);
    if (!logits || !top || top->front().label == nullptr)
      return {};
    std::copy(logits->begin(), logits->end(), results.emplace_back().begin());
  }
  return results;
}

TEST_CASE("threads: sessions of one model at once, with loops of their own") {
  const intvit::Model model = intvit::Model::open(INTVIT_SHIPPED_MODEL).value();
  REQUIRE(model.classes() == classes);
  REQUIRE(model.width() == side);
  const std::vector<Picture> pictures = {{side, side, 1}, {50, 40, 2}, {20, 90, 3}};
  const std::vector<Logits> expected = classify(model, pictures, {});
  REQUIRE(expected.size() == pictures.size());
  CHECK(expected[0] != expected[1]);
  for (const Loops loops : {Loops{}, Loops{3, true}, Loops{3, false}})
    for (int run = 0; run < runs; ++run) {
      std::array<std::vector<Logits>, 2> results;
      std::vector<std::thread> callers;
      for (std::vector<Logits> &result : results)
        callers.emplace_back([&] { result = classify(model, pictures, loops); });
      for (std::thread &caller : callers)
        caller.join();
      for (const std::vector<Logits> &result : results)
        CHECK(result == expected);
    }
}

// Ends after a number of rounds, or after INTVIT_TEST_SECONDS, and tells how many calls gave other logits.
TEST_CASE("threads: a session a thread, again and again, opened and closed on the way") {
  const char *given = std::getenv("INTVIT_TEST_SECONDS");
  const std::chrono::seconds patience(given != nullptr ? std::atoi(given) : 0);
  const auto end = std::chrono::steady_clock::now() + patience;
  const intvit::Model model = intvit::Model::open(INTVIT_SHIPPED_MODEL).value();
  const std::vector<Picture> pictures = {{side, side, 1}, {50, 40, 2}, {20, 90, 3}, {1, 1, 4}, {1, 300, 5}};
  const std::vector<Logits> expected = classify(model, pictures, {});
  REQUIRE(expected.size() == pictures.size());
  std::atomic<int> wrong = 0;
  std::atomic<int> rounds = 0;
  const auto hammer = [&](int thread) {
    for (int round = 0; round < runs || std::chrono::steady_clock::now() < end; ++round, ++rounds)
      wrong += classify(model, pictures, {1 + (thread + round) % 3, round % 2 == 0}) == expected ? 0 : 1;
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back(hammer, thread);
  for (std::thread &thread : threads)
    thread.join();
  CHECK(rounds >= 4 * runs);
  CHECK(wrong == 0);
  WARN(rounds << " sessions, " << static_cast<std::size_t>(rounds) * pictures.size() << " runs");
}

TEST_CASE("threads: models opened at once") {
  std::array<bool, 3> opened{};
  std::vector<std::thread> callers;
  for (bool &result : opened)
    callers.emplace_back([&result] {
      const intvit::Result<intvit::Model> model = intvit::Model::open(INTVIT_SHIPPED_MODEL);
      result = model && model->session() && intvit_isa_name(0) != nullptr;
    });
  for (std::thread &caller : callers)
    caller.join();
  CHECK(opened == std::array<bool, 3>{true, true, true});
}

} // namespace

// A session's observer: every node's output, whole, in order, whatever the threads and the batch.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/run_model.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

struct Seen {
  std::vector<std::size_t> nodes;
  std::vector<std::vector<std::byte>> outputs;
};

void see(void *context, std::size_t node, std::span<const std::byte> output) {
  auto &seen = *static_cast<Seen *>(context);
  seen.nodes.push_back(node);
  seen.outputs.emplace_back(output.begin(), output.end());
}

void one_after_the_other(void *, int count, void (*task)(void *argument, int index), void *argument) {
  for (int i = count - 1; i >= 0; --i)
    task(argument, i);
}

TEST_CASE("session: an observer sees every node's output once, in order, and changes nothing") {
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(test::tiny_model()));
  const std::vector<Image> images = test::random_images(2, 16, 16, 3);
  const std::array<const std::uint8_t *, 2> pointers{images[0].rgb.data(), images[1].rgb.data()};
  Result<Session> plain = Session::create(model, {.threads = 1, .max_batch = 2});
  REQUIRE(plain.ok());
  REQUIRE(plain->run(pointers).ok());

  Seen first;
  for (const int threads : {1, 2, 3})
    for (const bool callers_loop : {false, true}) {
      CAPTURE(threads, callers_loop);
      Seen seen;
      SessionOptions options{.threads = threads, .max_batch = 3, .observer = {see, &seen}};
      if (callers_loop)
        options.parallel_for = {one_after_the_other, nullptr};
      Result<Session> session = Session::create(model, options);
      REQUIRE(session.ok());
      CHECK(seen.nodes.empty()); // nothing has run yet
      REQUIRE(session->run(pointers).ok());

      const Program &program = model->program();
      REQUIRE(seen.nodes.size() == program.nodes.size());
      for (std::size_t node = 0; node < seen.nodes.size(); ++node) {
        CHECK(seen.nodes[node] == node);
        CHECK(seen.outputs[node].size() == 2 * program.values[node + 1].bytes());
      }
      const std::span<const std::int32_t> logits = plain->logits();
      REQUIRE(seen.outputs.back().size() == logits.size_bytes());
      CHECK(std::memcmp(seen.outputs.back().data(), logits.data(), logits.size_bytes()) == 0);
      CHECK(std::equal(logits.begin(), logits.end(), session->logits().begin()));

      if (first.outputs.empty())
        first = seen;
      CHECK((seen.outputs == first.outputs));

      REQUIRE(session->run(std::span(pointers).first(1)).ok());
      REQUIRE(seen.nodes.size() == 2 * program.nodes.size());
      const std::vector<std::byte> &alone = seen.outputs.back();
      CHECK(alone.size() == program.values.back().bytes());
      CHECK(std::equal(alone.begin(), alone.end(), first.outputs.back().begin()));
    }
}

TEST_CASE("session: what an observer sees is what the next node reads") {
  // Pixels, cut into patches: the one node whose output can be told without arithmetic.
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(test::tiny_model()));
  const std::vector<Image> images = test::random_images(1, 16, 16, 4);
  Seen seen;
  Result<Session> session = Session::create(model, {.threads = 1, .observer = {see, &seen}});
  REQUIRE(session.ok());
  const std::array<const std::uint8_t *, 1> pointers{images[0].rgb.data()};
  REQUIRE(session->run(pointers).ok());
  const auto *patches = model->program().nodes.front().as<BoundPatches>();
  REQUIRE(patches != nullptr);
  const int side = patches->patch;
  std::size_t at = 0;
  for (int top = 0; top < 16; top += side)
    for (int left = 0; left < 16; left += side)
      for (int y = top; y < top + side; ++y)
        for (int x = left * 3; x < (left + side) * 3; ++x) {
          const int pixel = images[0].rgb[static_cast<std::size_t>(y * 48 + x)];
          REQUIRE(static_cast<std::int8_t>(seen.outputs[0][at++]) == pixel - 128);
        }
}

} // namespace
} // namespace intvit

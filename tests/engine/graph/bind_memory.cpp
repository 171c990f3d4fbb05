// Small files whose graph asks for much memory: they are refused before it is taken.
#include <fstream>

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "tests/engine/graph/bind_messages.hpp"
#include "tests/support/sanitizers.hpp"

namespace intvit {
namespace {

using test::bind_message;
using test::ModelParts;

// One patch of 4096 x 4096 pixels, 50 million columns, of which `operation` has no constants.
ModelParts wide(Operation operation) {
  ModelParts parts;
  parts.description.graph = {.image_height = 4096,
                             .image_width = 4096,
                             .nodes = {{"p", {"image"}, Patches{4096}}, {"n", {"p"}, std::move(operation)}}};
  parts.description.recipe = squash_recipe(4096, 4096);
  return parts;
}

// bind_message() where the process may take 64 MB more than it has.
std::string message_with_little_memory(const ModelParts &parts) {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  std::ifstream statistics("/proc/self/statm");
  rlim_t pages = 0;
  REQUIRE(statistics >> pages);
  rlimit little = before;
  little.rlim_cur = pages * 4096 + (rlim_t{64} << 20);
  REQUIRE(setrlimit(RLIMIT_AS, &little) == 0);
  std::string message = "no memory";
  try {
    message = bind_message(parts);
  } catch (const std::bad_alloc &) { // would end a program that does not expect it
  }
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  return message;
}

TEST_CASE("bind: no memory is taken for constants that a file does not have") {
  if (INTVIT_ADDRESS_SANITIZER || INTVIT_THREAD_SANITIZER)
    return test::skip("sanitizers need address space themselves");
  CHECK(message_with_little_memory(wide(LayerNorm{.shift = 32})) == "graph node n: more than 16384 channels");
  CHECK(message_with_little_memory(wide(MeanRows{.rows = 1, .shift = 32})) ==
        "graph node n: tensor n.multiplier is missing");
  CHECK(message_with_little_memory(
            wide(Attention{.heads = 1, .score_shift = 10, .exp = {16, 62, 1487, 8}, .shift = 40})) ==
        "graph node n: head_dim must be from 1 to 1024");
}

// Windows of one patch, in `nodes` nodes that read patches of one pixel: their rows alone take memory.
ModelParts many_windows(int height, int width, int nodes) {
  ModelParts parts;
  Graph &graph = parts.description.graph;
  graph = {.image_height = height, .image_width = width, .nodes = {{"p", {"image"}, Patches{1}}}};
  parts.description.recipe = squash_recipe(width, height);
  const Attention attention{.heads = 1, .score_shift = 10, .exp = {16, 62, 1487, 8}, .shift = 40};
  for (int i = 0; i < nodes; ++i) {
    const std::string name = "a" + std::to_string(i);
    graph.nodes.push_back({name, {"p"}, WindowAttention{attention, height, width, 1, 0}});
    parts.set(name + ".multiplier", DType::i32, {1}, std::vector<std::int32_t>{1});
    parts.set(name + ".offset", DType::i64, {1}, std::vector<std::int64_t>{0});
    parts.set(name + ".score_multiplier", DType::i32, {1}, std::vector<std::int32_t>{100});
    parts.set(name + ".relative_bias", DType::i32, {1, 1}, std::vector<std::int32_t>{0});
  }
  return parts;
}

TEST_CASE("bind: windows of more patches than a file of a few bytes should cost") {
  CHECK(bind_message(many_windows(2048, 1025, 1)) == "graph node a0: a grid of more than 2097152 patches");
  CHECK(bind_message(many_windows(16384, 16384, 1)) == "graph node a0: a grid of more than 2097152 patches");
  // 8 MB of rows a node, and a few biases.
  CHECK(bind_message(many_windows(2048, 1024, 40)) ==
        "graph node a39: the constants that its graph makes of those in the file would take more than 320 MB");
  const std::string last = "graph: the last node must give one row of int32 logits or features";
  CHECK(bind_message(many_windows(2048, 1024, 39)) == last);
}

} // namespace
} // namespace intvit

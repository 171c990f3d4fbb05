// Random models through an independent evaluation and every implementation. A seed that fails is printed;
// INTVIT_GRAPH_SEED=seed INTVIT_GRAPH_COUNT=1 repeats it alone.
#include <cstdlib>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "engine/graph/json.hpp"
#include "tests/engine/runtime/naive_graph.hpp"
#include "tests/fuzz/compare_kernels.hpp"
#include "tests/fuzz/random_graph.hpp"

namespace intvit::fuzz {
namespace {

std::uint64_t from_environment(const char *name, std::uint64_t otherwise) {
  const char *text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

RandomGraph graph_of(std::uint64_t seed) {
  Choices choices(seed);
  return random_graph(choices);
}

TEST_CASE("random graphs: every instruction set, number of threads and batch gives the naive evaluation's logits") {
  const std::uint64_t first = from_environment("INTVIT_GRAPH_SEED", 1);
  const std::uint64_t count = from_environment("INTVIT_GRAPH_COUNT", 100);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    CAPTURE(seed);
    const RandomGraph graph = graph_of(seed);
    const Result<ModelFile> file = ModelFile::parse(graph.file, "random graph");
    INFO(file.status().message());
    REQUIRE(file.ok());
    const Result<Program> program = file->bind();
    INFO(program.status().message());
    REQUIRE(program.ok());
    std::vector<std::vector<std::int32_t>> expected;
    for (const Image &image : graph.images)
      expected.push_back(test::naive_logits(file->tensors(), image));
    CHECK(compare_kernels(*file, graph.images, expected) == "");
  }
}

// The name of every operation that there is, and all that any of them may ask of a reader.
template <std::size_t Index> void want_all(std::vector<std::string> &wanted) {
  if constexpr (Index < std::variant_size_v<Operation>) {
    using Op = std::variant_alternative_t<Index, Operation>;
    wanted.emplace_back(Op::name);
    wanted.insert(wanted.end(), Op::all_features.begin(), Op::all_features.end());
    want_all<Index + 1>(wanted);
  }
}

TEST_CASE(
    "random graphs: every operation, epilogue and form of weights is among them, and pictures make a difference") {
  std::set<std::string> seen;
  int different = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    const RandomGraph graph = graph_of(seed);
    const Result<ModelFile> file = ModelFile::parse(graph.file, "random graph");
    REQUIRE(file.ok());
    for (const Node &node : file->description().graph.nodes) {
      seen.emplace(operation_name(node.operation));
      if (const auto *windows = std::get_if<WindowAttention>(&node.operation); windows && windows->window_shift > 0)
        seen.insert("shifted windows");
    }
    seen.insert(file->tensors().metadata().at("intvit.required_features"));
    different +=
        test::naive_logits(file->tensors(), graph.images[0]) != test::naive_logits(file->tensors(), graph.images[1])
            ? 1
            : 0;
  }
  std::string features;
  for (const std::string &text : seen)
    features += text + " ";
  std::vector<std::string> wanted{"shifted windows"};
  want_all<0>(wanted);
  for (const StoredFormat &format : stored_formats)
    if (!format.feature.empty()) // quoted: some begin as others do
      wanted.push_back('"' + std::string(format.feature) + '"');
  for (const std::string &word : wanted) {
    INFO(word << " is in none of " << features);
    CHECK(features.find(word) != std::string::npos);
  }
  CHECK(different > 15);
}

TEST_CASE("random graphs: from the bytes of a fuzzer, none and all the same ones") {
  for (const std::vector<std::uint8_t> &bytes :
       {std::vector<std::uint8_t>(), std::vector<std::uint8_t>(4096, 0xFF), std::vector<std::uint8_t>(4096, 0x55)}) {
    Choices choices(bytes);
    const RandomGraph graph = random_graph(choices);
    const Result<ModelFile> file = ModelFile::parse(graph.file, "random graph");
    REQUIRE(file.ok());
    CHECK(file->bind().status().message() == "");
  }
}

} // namespace
} // namespace intvit::fuzz

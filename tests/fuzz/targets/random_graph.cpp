// Valid models by the fuzzer's bytes: an independent evaluation in 128-bit integers, and every implementation.
#include "tests/fuzz/random_graph.hpp"
#include "engine/format/model_file.hpp"
#include "tests/engine/runtime/naive_graph.hpp"
#include "tests/fuzz/compare_kernels.hpp"
#include "tests/fuzz/exercise_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace intvit;
  fuzz::Choices choices(std::span(data, size));
  const fuzz::RandomGraph graph = fuzz::random_graph(choices, 10'000);
  const Result<ModelFile> file = ModelFile::parse(graph.file, "random graph");
  const Status bound = file.ok() ? file->bind().status() : file.status();
  if (!bound.ok())
    fuzz::report("a valid model is refused", bound.message().c_str());
  std::vector<std::vector<std::int32_t>> expected;
  for (const Image &image : graph.images)
    expected.push_back(test::naive_logits(file->tensors(), image));
  if (const std::string difference = fuzz::compare_kernels(*file, graph.images, expected); !difference.empty())
    fuzz::report("logits differ from the naive evaluation's", difference.c_str());
  return 0;
}

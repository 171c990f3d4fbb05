// The loader: header, metadata, graph, binding, packing. Model files are changed in their own terms.
#include "tests/fuzz/exercise_model.hpp"
#include "tests/fuzz/targets/model_bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  intvit::fuzz::exercise_model(intvit::fuzz::bytes_of(data, size), false);
  return 0;
}

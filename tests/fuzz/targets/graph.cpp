// What loads is run, with every instruction set, several threads and batches: the reference's bits.
#include "tests/fuzz/exercise_model.hpp"
#include "tests/fuzz/targets/model_bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  intvit::fuzz::exercise_model(intvit::fuzz::bytes_of(data, size), true);
  return 0;
}

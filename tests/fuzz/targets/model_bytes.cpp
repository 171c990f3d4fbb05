#include "tests/fuzz/targets/model_bytes.hpp"

#include <algorithm>

#include "tests/fuzz/model_mutator.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  if (seed % 8 == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  intvit::test::Random random(seed);
  const std::vector<std::byte> changed = intvit::fuzz::mutated_model(std::as_bytes(std::span(data, size)), random);
  if (changed.size() > max_size)
    return LLVMFuzzerMutate(data, size, max_size);
  std::copy(changed.begin(), changed.end(), reinterpret_cast<std::byte *>(data));
  return changed.size();
}

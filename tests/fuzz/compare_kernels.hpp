// One model, every instruction set of this processor, several numbers of threads and batch sizes: the same bits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/format/model_file.hpp"
#include "engine/image/image.hpp"

namespace intvit::fuzz {

// What a forward pass of one image takes.
struct Cost {
  std::uint64_t multiplications = 0;
  std::uint64_t bytes = 0; // of all values
};
Cost cost(const Program &program);

// What is wrong: the first logit that differs from `expected` (one vector an image), and with which kernels, threads
// and batch; or why there are none. Empty where all is well.
std::string compare_kernels(const ModelFile &file, const std::vector<Image> &images,
                            const std::vector<std::vector<std::int32_t>> &expected);

} // namespace intvit::fuzz

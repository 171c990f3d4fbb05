// Damages model files where it hurts: in the graph's fields, in tensors' types, shapes and values, in the metadata; and
// makes offsets and checksums fit again, so that the damage gets past them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "tests/fuzz/loose_model.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::fuzz {

// One to eight changes. Bytes that are no safetensors file are changed as bytes, and so is one file in eight: cut,
// lengthened, overwritten, its checksums left as they are.
std::vector<std::byte> mutated_model(std::span<const std::byte> file, test::Random &random);

// The same of a file that has been taken apart before, which takes a third of the time.
std::vector<std::byte> mutated_model(std::span<const std::byte> file, const std::optional<LooseModel> &parts,
                                     test::Random &random);

// Model files to begin with: so many random graphs of some kilobytes, and the small models that tests quantize.
std::vector<std::vector<std::byte>> model_seeds(int graphs);

} // namespace intvit::fuzz

// Random integers that are the same on every machine.
#pragma once

#include <cstdint>
#include <random>

namespace intvit {

// In [low, high]; std::uniform_int_distribution differs between standard libraries.
inline int random_integer(std::mt19937 &generator, int low, int high) {
  const std::uint64_t range = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<int>((std::uint64_t{generator()} * range) >> 32);
}

} // namespace intvit

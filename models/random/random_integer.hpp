// Random integers that are the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace intvit {

// In [low, high]; std::uniform_int_distribution differs between standard libraries.
inline int random_integer(std::mt19937 &generator, int low, int high) {
  const std::uint64_t range = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<int>((std::uint64_t{generator()} * range) >> 32);
}

// Weights of 7 bits, bell-shaped as trained ones: whether AVX2 multiplies them quickly depends on how many are large.
constexpr double int7_weight_spread = 21.5;
inline std::vector<std::int8_t> random_int7_weights(std::size_t count, std::mt19937 &generator) {
  std::vector<std::int8_t> weights(count);
  for (std::int8_t &weight : weights) {
    int sum = 0;
    for (int i = 0; i < 3; ++i)
      sum += random_integer(generator, -21, 21);
    weight = static_cast<std::int8_t>(sum);
  }
  return weights;
}

} // namespace intvit

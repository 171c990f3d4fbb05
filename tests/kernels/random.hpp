// Random operands, the same on every platform.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace intvit::test {

class Random {
public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits() { return engine_(); }

  // In low .. high; any T of at most 64 bits.
  template <typename T> T between(T low, T high) {
    const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    return static_cast<T>(static_cast<std::uint64_t>(low) + (span == 0 ? bits() : bits() % span));
  }

  // In -limit .. limit, every order of magnitude alike, so that small, large and zero operands all meet.
  std::int64_t any_magnitude(std::int64_t limit) {
    const auto largest = static_cast<std::uint64_t>(limit);
    const std::uint64_t magnitude = (bits() >> between(1, 63)) % (largest + 1);
    return (bits() & 1) != 0 ? static_cast<std::int64_t>(magnitude) : -static_cast<std::int64_t>(magnitude);
  }

  template <typename T> std::vector<T> values(std::size_t count, T low, T high) {
    std::vector<T> result(count);
    for (T &value : result)
      value = between(low, high);
    return result;
  }

private:
  std::mt19937_64 engine_;
};

} // namespace intvit::test

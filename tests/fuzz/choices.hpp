// Where generators take their decisions from: a fuzzer's bytes, one after the other, or a seed. A generator makes one
// decision in an expression, not two among whose operands or arguments a compiler may choose the first: by every
// compiler a seed is the same case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/kernels/random.hpp"

namespace intvit::fuzz {

class Choices {
public:
  explicit Choices(std::uint64_t seed) : random_(seed) {}
  // Behind the last byte every choice is the lowest one, so that a prefix of the bytes makes a smaller case.
  explicit Choices(std::span<const std::uint8_t> bytes) : from_bytes_(true), bytes_(bytes), random_(0) {}

  // In low .. high. A byte where that suffices, so that a fuzzer's small change of the bytes is one of the case.
  int between(int low, int high) {
    if (!from_bytes_)
      return random_.between(low, high);
    const auto span = static_cast<std::uint32_t>(high - low) + 1;
    const std::uint32_t value = span <= 256 ? byte() : span <= 65536 ? number(2) : number(4);
    return low + static_cast<int>(span == 0 ? value : value % span);
  }
  bool one_in(int n) { return between(0, n - 1) == n - 1; }
  template <typename T> const T &of(const std::vector<T> &list) {
    return list[static_cast<std::size_t>(between(0, static_cast<int>(list.size()) - 1))];
  }

  // For the elements of a tensor: a generator of their own, so that bytes decide about more than one tensor's values.
  test::Random elements() { return test::Random(from_bytes_ ? number(4) : random_.bits()); }

private:
  std::uint32_t byte() {
    if (next_ == bytes_.size())
      return 0;
    return bytes_[next_++];
  }
  std::uint32_t number(int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i)
      value = value << 8 | byte();
    return value;
  }

  bool from_bytes_ = false;
  std::span<const std::uint8_t> bytes_;
  std::size_t next_ = 0;
  test::Random random_;
};

} // namespace intvit::fuzz

// Memory aligned to 64 bytes, as packers and kernels expect it.
#pragma once

#include <cstddef>
#include <vector>

namespace intvit::test {

class AlignedBytes {
public:
  explicit AlignedBytes(std::size_t size) : lines_(size / sizeof(Line) + 1) {}
  std::byte *data() { return lines_[0].bytes; }

private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> lines_;
};

} // namespace intvit::test

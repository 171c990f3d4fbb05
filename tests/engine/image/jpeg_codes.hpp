// Huffman codes for the JPEG files that tests write.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/image/pictures.hpp"

namespace intvit::test {

// A table with a code for every symbol, of 2 to 16 bits; which symbols have the short ones depends on the seed.
class Codes {
public:
  // `symbols`: how many there are, at least 16; below 256 the longest codes have none.
  Codes(Lcg &random, int symbols) {
    constexpr std::array<int, 16> lengths = {0, 1, 2, 3, 3, 4, 5, 8, 12, 20, 30, 30, 30, 30, 38, 40};
    for (int i = 0; i < symbols; ++i)
      order_.push_back(i);
    for (std::size_t i = 1; i < order_.size(); ++i)
      std::swap(order_[i], order_[static_cast<std::size_t>(random.between(0, static_cast<int>(i)))]);
    int code = 0;
    std::size_t index = 0;
    for (int length = 1; length <= 16; ++length) {
      counts_[static_cast<std::size_t>(length - 1)] =
          std::min(lengths[static_cast<std::size_t>(length - 1)], symbols - static_cast<int>(index));
      for (int i = 0; i < counts_[static_cast<std::size_t>(length - 1)]; ++i, ++code, ++index)
        codes_[static_cast<std::size_t>(order_[index])] = {code, length};
      code *= 2;
    }
  }

  std::string table(int head) const {
    std::string payload(1, static_cast<char>(head));
    for (const int count : counts_)
      payload += static_cast<char>(count);
    for (const int symbol : order_)
      payload += static_cast<char>(symbol);
    return payload;
  }

  struct Code {
    int bits = 0, length = 0;
  };
  Code of(int symbol) const { return codes_[static_cast<std::size_t>(symbol)]; }

private:
  std::vector<int> order_;
  std::array<int, 16> counts_{};
  std::array<Code, 256> codes_{};
};

} // namespace intvit::test

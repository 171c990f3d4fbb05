// JPEG's Huffman tables, made for decoding.
#pragma once

#include <array>
#include <cstdint>

#include "engine/image/jpeg/bits.hpp"

namespace intvit {

// A table as the file stores it: the number of codes of each length from 1 to 16 bits, and the codes' symbols in order.
// The codes of one length are consecutive numbers and follow those of the previous length.
struct HuffmanCodes {
  std::array<std::uint8_t, 16> counts{};
  std::array<std::uint8_t, 256> symbols{};
  bool defined = false;
};

class HuffmanTable {
public:
  // Requires codes that read_tables() accepted: at most 256, and of each length only as many as exist.
  void build(const HuffmanCodes &codes);

  // Takes the next code and returns its symbol. Requires 17 bits in the reader. If no code matches, it takes 17 bits
  // and the symbol is 0, as in libjpeg.
  int take_symbol(BitReader &bits) const {
    const std::uint16_t entry = lookup_[bits.peek(lookup_bits)];
    if (entry != 0) {
      bits.skip(entry >> 8);
      return entry & 255;
    }
    return take_long_code(bits);
  }

protected:
  static constexpr int lookup_bits = 10;
  // For each value of the next bits, the code that they start with: its length * 256 + its symbol; 0 if the code is
  // longer.
  std::array<std::uint16_t, 1 << lookup_bits> lookup_{};

private:
  int take_long_code(BitReader &bits) const;

  // For each length from 1 to 16: the number behind the last code, shifted left to 16 bits; and the difference between
  // the index of a code's symbol and the code's number.
  std::array<std::int32_t, 17> limits_{};
  std::array<std::int32_t, 17> offsets_{};
  std::array<std::uint8_t, 256> symbols_{};
};

// The number that `size` bits stand for: if the first bit is 0, it is negative, value - (2^size - 1).
inline int extend(std::uint32_t value, int size) {
  const auto number = static_cast<int>(value);
  return number < 1 << (size - 1) ? number - (1 << size) + 1 : number;
}

// A table of AC coefficients. A symbol is the number of zeros before a coefficient, times 16, plus the coefficient's
// size in bits; these bits follow the code. Most codes are looked up together with the coefficient that follows.
class CoefficientTable : public HuffmanTable {
public:
  void build(const HuffmanCodes &codes);

  // The end of a block is stored as a coefficient 0 behind `end_of_block` zeros. If the code and its coefficient
  // together are longer than what is looked up, `bits` is 0 and `value` is the code's length times 16 plus the
  // coefficient's size. If the code alone is longer, `value` is 0.
  struct Entry {
    std::int16_t value;
    std::uint8_t zeros;
    std::uint8_t bits;
  };
  static constexpr int end_of_block = 128;

  Entry look_up(const BitReader &bits) const { return entries_[bits.peek(lookup_bits)]; }
  // Takes the code for which look_up() returned `entry`, and its coefficient. Requires 32 bits in the reader.
  Entry take(BitReader &bits, Entry entry) const {
    if (entry.bits != 0) [[likely]] {
      bits.skip(entry.bits);
      return entry;
    }
    if (entry.value == 0)
      return take_long(bits);
    bits.skip(entry.value >> 4);
    const int size = entry.value & 15;
    entry.value = static_cast<std::int16_t>(extend(bits.take(size), size));
    return entry;
  }

private:
  Entry take_long(BitReader &bits) const;

  std::array<Entry, 1 << lookup_bits> entries_{};
};

} // namespace intvit

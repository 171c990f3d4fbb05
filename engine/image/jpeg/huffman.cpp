#include "engine/image/jpeg/huffman.hpp"

#include <algorithm>

namespace intvit {

void HuffmanTable::build(const HuffmanCodes &codes) {
  symbols_ = codes.symbols;
  auto at = lookup_.begin(); // where the entries of the next code begin
  std::int32_t code = 0;     // the next one of the length
  std::size_t index = 0;
  for (int length = 1; length <= 16; ++length) {
    const std::size_t count = codes.counts[static_cast<std::size_t>(length - 1)];
    offsets_[static_cast<std::size_t>(length)] = static_cast<std::int32_t>(index) - code;
    if (length <= lookup_bits)
      for (std::size_t i = index; i < index + count; ++i)
        at = std::fill_n(at, 1 << (lookup_bits - length), static_cast<std::uint16_t>(length << 8 | symbols_[i]));
    code += static_cast<std::int32_t>(count);
    index += count;
    limits_[static_cast<std::size_t>(length)] = code << (16 - length);
    code <<= 1;
  }
  std::fill(at, lookup_.end(), std::uint16_t{0});
}

int HuffmanTable::take_long_code(BitReader &bits) const {
  const auto next = static_cast<std::int32_t>(bits.peek(16));
  for (int length = lookup_bits + 1; length <= 16; ++length)
    if (next < limits_[static_cast<std::size_t>(length)]) {
      bits.skip(length);
      const std::int32_t index = (next >> (16 - length)) + offsets_[static_cast<std::size_t>(length)];
      return symbols_[static_cast<std::size_t>(index)];
    }
  bits.skip(17);
  return 0;
}

void CoefficientTable::build(const HuffmanCodes &codes) {
  HuffmanTable::build(codes);
  // The entries of a code lie together, and those of codes that are too long for the table come last. Small pictures
  // spend much of their time here, so a code is looked at once, not once for each of its entries.
  auto at = entries_.begin();
  while (at != entries_.end() && lookup_[static_cast<std::size_t>(at - entries_.begin())] != 0) {
    const int code = lookup_[static_cast<std::size_t>(at - entries_.begin())];
    const int length = code >> 8;
    const int size = code & 15;
    Entry entry{0, static_cast<std::uint8_t>((code & 255) >> 4), 0};
    if (length + size > lookup_bits) {
      entry.value = static_cast<std::int16_t>(length << 4 | size);
      at = std::fill_n(at, 1 << (lookup_bits - length), entry);
      continue;
    }
    entry.bits = static_cast<std::uint8_t>(length + size);
    if (size == 0) {
      if (entry.zeros != 15)
        entry.zeros = end_of_block;
      at = std::fill_n(at, 1 << (lookup_bits - length), entry);
      continue;
    }
    for (std::uint32_t bits = 0; bits < 1U << size; ++bits) {
      entry.value = static_cast<std::int16_t>(extend(bits, size));
      at = std::fill_n(at, 1 << (lookup_bits - length - size), entry);
    }
  }
  std::fill(at, entries_.end(), Entry{});
}

CoefficientTable::Entry CoefficientTable::take_long(BitReader &bits) const {
  const int symbol = take_symbol(bits);
  const int size = symbol & 15;
  const int zeros = symbol >> 4;
  if (size == 0)
    return {0, static_cast<std::uint8_t>(zeros == 15 ? zeros : end_of_block), 0};
  return {static_cast<std::int16_t>(extend(bits.take(size), size)), static_cast<std::uint8_t>(zeros), 0};
}

} // namespace intvit

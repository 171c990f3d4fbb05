// The Huffman tables of the JPEG standard's Annex K.
#include <algorithm>
#include <cstddef>
#include <initializer_list>

#include "engine/image/jpeg/headers.hpp"

namespace intvit {
namespace {

HuffmanCodes codes(std::initializer_list<std::uint8_t> counts, std::initializer_list<std::uint8_t> symbols) {
  HuffmanCodes result;
  std::copy(counts.begin(), counts.end(), result.counts.begin());
  std::copy(symbols.begin(), symbols.end(), result.symbols.begin());
  result.defined = true;
  return result;
}

// The numbers of bits from 0 to 11.
HuffmanCodes dc_codes(std::initializer_list<std::uint8_t> counts) {
  return codes(counts, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

// The symbols that have 16 bits are all others that there are, in ascending order: sizes of 1 to 10 bits behind up to
// 15 zeros.
HuffmanCodes ac_codes(std::initializer_list<std::uint8_t> counts, std::initializer_list<std::uint8_t> shorter) {
  HuffmanCodes result = codes(counts, shorter);
  auto next = result.symbols.begin() + static_cast<std::ptrdiff_t>(shorter.size());
  for (int symbol = 0; symbol < 256; ++symbol)
    if (symbol % 16 >= 1 && symbol % 16 <= 10 && std::find(shorter.begin(), shorter.end(), symbol) == shorter.end())
      *next++ = static_cast<std::uint8_t>(symbol);
  return result;
}

} // namespace

std::array<HuffmanCodes, 4> standard_dc_codes() {
  return {dc_codes({0, 1, 5, 1, 1, 1, 1, 1, 1}), dc_codes({0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}), {}, {}};
}

std::array<HuffmanCodes, 4> standard_ac_codes() {
  return {ac_codes({0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
                   {0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13,
                    0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42,
                    0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72, 0x82}),
          ac_codes({0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119},
                   {0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61,
                    0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33,
                    0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1}),
          {},
          {}};
}

} // namespace intvit

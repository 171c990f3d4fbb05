#include "engine/image/png/deflate_codes.hpp"

#include <algorithm>

namespace intvit::deflate {

namespace {

// The first of the code's bits becomes the lowest.
unsigned reversed(unsigned code, int length) {
  unsigned result = 0;
  for (int i = 0; i < length; ++i)
    result |= (code >> i & 1U) << (length - 1 - i);
  return result;
}

} // namespace

// Literals 0 to 255, the end, and lengths from 3 up in groups of 4 with as many extra bits, but for the first two and
// for the last symbol, which is 258 alone.
constinit const std::array<Entry, literal_symbols> literal_meanings = [] {
  std::array<Entry, literal_symbols> meanings{};
  for (Entry i = 0; i < 256; ++i)
    meanings[i] = literal_entry | i << 16;
  meanings[end_of_block] = other_entry | end_entry;
  Entry length = 3;
  for (Entry i = 257; i < 285; ++i) {
    const Entry extra = i < 265 ? 0 : (i - 261) / 4;
    meanings[i] = length << 16 | extra << 8;
    length += 1U << extra;
  }
  meanings[285] = 258U << 16;
  meanings[286] = meanings[287] = other_entry;
  return meanings;
}();

// Distances from 1 up in groups of 2 with as many extra bits, but for the first two.
constinit const std::array<Entry, distance_symbols> distance_meanings = [] {
  std::array<Entry, distance_symbols> meanings{};
  Entry distance = 1;
  for (Entry i = 0; i < 30; ++i) {
    const Entry extra = i < 4 ? 0 : i / 2 - 1;
    meanings[i] = distance << 16 | extra << 8;
    distance += 1U << extra;
  }
  meanings[30] = meanings[31] = other_entry;
  return meanings;
}();

bool build_table(std::span<const std::uint8_t> lengths, std::span<const Entry> meanings, int first_bits,
                 std::span<Entry> table) {
  std::array<std::uint16_t, longest_code + 1> counts{};
  for (const std::uint8_t length : lengths)
    ++counts[length];
  const std::size_t used = lengths.size() - counts[0];
  std::array<std::uint16_t, longest_code + 2> offsets{};
  int left = 1; // numbers of the present length that are no code's beginning
  for (std::size_t length = 1; length < counts.size(); ++length) {
    left = 2 * left - counts[length];
    if (left < 0)
      return false;
    offsets[length + 1] = static_cast<std::uint16_t>(offsets[length] + counts[length]);
  }
  if (left > 0 && used > 1)
    return false;
  if (left > 0 && used == 1 && counts[1] == 0)
    return false;
  std::array<std::uint16_t, literal_symbols> symbols{}; // in the order of their codes
  for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol)
    if (lengths[symbol] != 0)
      symbols[offsets[lengths[symbol]]++] = static_cast<std::uint16_t>(symbol);

  std::fill(table.begin(), table.end(), other_entry);
  const auto fill = [&](std::size_t begin, int bits, unsigned code, int length, Entry entry) {
    for (std::size_t i = reversed(code, length); i < std::size_t{1} << bits; i += std::size_t{1} << length)
      table[begin + i] = entry;
  };
  std::size_t free = std::size_t{1} << first_bits; // where the next further part may begin
  unsigned code = 0;
  int length = 0;
  for (std::size_t i = 0; i < used;) {
    const auto step = [&] { // to the code of symbols[i]
      const int next = lengths[symbols[i]];
      code <<= next - length;
      length = next;
    };
    step();
    if (length <= first_bits) {
      fill(0, first_bits, code, length, meanings[symbols[i++]] | static_cast<Entry>(length));
      ++code;
      continue;
    }
    // All codes that begin with the same bits. The last one is the longest.
    const unsigned prefix = code >> (length - first_bits);
    std::size_t last = i;
    unsigned last_code = code;
    int last_length = length;
    for (std::size_t j = i + 1; j < used; ++j) {
      const int next = lengths[symbols[j]];
      const unsigned next_code = (last_code + 1) << (next - last_length);
      if (next_code >> (next - first_bits) != prefix)
        break;
      last = j;
      last_code = next_code;
      last_length = next;
    }
    const int part_bits = last_length - first_bits;
    if (free + (std::size_t{1} << part_bits) > table.size())
      return false; // cannot happen, see the sizes of the tables
    fill(0, first_bits, prefix, first_bits,
         other_entry | part_entry | static_cast<Entry>(free) << 16 | static_cast<Entry>(part_bits) << 8 |
             static_cast<Entry>(first_bits));
    for (; i <= last; ++i) {
      step();
      const int rest = length - first_bits;
      fill(free, part_bits, code & ((1U << rest) - 1), rest, meanings[symbols[i]] | static_cast<Entry>(rest));
      ++code;
    }
    free += std::size_t{1} << part_bits;
  }
  return true;
}

} // namespace intvit::deflate

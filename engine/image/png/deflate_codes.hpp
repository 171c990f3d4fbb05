// The codes of deflate (RFC 1951), made for decoding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace intvit::deflate {

// What a table tells of the next bits. A code is found by as many bits as the table's first part has; if it is longer,
// by further ones in a part that the first one's entry names.
//   bits 0-7    how many bits to skip
//   bits 8-11   how many bits follow the code, or index the further part
//   bits 12-15  what it is: one of the following; a length or a distance if none
//   bits 16-31  the literal, the least length or distance, or where the further part begins
using Entry = std::uint32_t;
inline constexpr Entry literal_entry = 1U << 15;
inline constexpr Entry other_entry = 1U << 14; // one of the next two, or a code that does not exist
inline constexpr Entry part_entry = 1U << 13;  // a further part of the table
inline constexpr Entry end_entry = 1U << 12;   // the end of the block

constexpr int code_bits(Entry entry) {
  return static_cast<int>(entry & 255);
}
constexpr int extra_bits(Entry entry) {
  return static_cast<int>(entry >> 8 & 15);
}
constexpr Entry value(Entry entry) {
  return entry >> 16;
}

inline constexpr int longest_code = 15;
inline constexpr int literal_symbols = 288;
inline constexpr int distance_symbols = 32;
inline constexpr int end_of_block = 256;

// Entries of the symbols, but for the code's bits.
extern const std::array<Entry, literal_symbols> literal_meanings; // lengths too
extern const std::array<Entry, distance_symbols> distance_meanings;

// How many bits index a table's first part, and how many entries hold any complete code with all its further parts.
inline constexpr int literal_bits = 11;
inline constexpr int distance_bits = 8;
using LiteralTable = std::array<Entry, 2342>;
using DistanceTable = std::array<Entry, 402>;

// Makes a table of the codes whose lengths are given, 0 to 15 bits, 0 for symbols without one: codes of one length are
// consecutive numbers in the order of their symbols, behind those of the length before. Returns whether that is a
// complete code. A single code of one bit, or none at all, will do too, as in zlib.
bool build_table(std::span<const std::uint8_t> lengths, std::span<const Entry> meanings, int first_bits,
                 std::span<Entry> table);

} // namespace intvit::deflate

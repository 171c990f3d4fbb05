// The bits of a scan's compressed data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/status.hpp"

namespace intvit {

// Reads bits, the most significant bit of a byte first. Behind the last byte it reads zeros, enough for one MCU
// (padding_bytes); so overrun() must be checked after each MCU.
class BitReader {
public:
  // An MCU has at most 10 blocks. A block takes at most 64 codes of 17 bits (an invalid code takes 17), each followed
  // by 15 bits of value. Refills read up to 16 bytes ahead. Together: 64 * 32 / 8 * 10 + 2 * 8 = 2576.
  static constexpr std::size_t padding_bytes = 2576;
  // The reader has at least this many bits after refill().
  static constexpr int refilled_bits = 56;

  BitReader() = default;
  // Requires padding_bytes of zeros behind `size` bytes.
  BitReader(const std::uint8_t *bytes, std::size_t size) : next_(bytes), end_(bytes + size) {}

  void refill() {
    std::uint64_t word = 0;
    std::memcpy(&word, next_, sizeof word);
    word = __builtin_bswap64(word);
    // Bits that do not count yet are set already: with 60 bits that count, the lowest four of `bits_` come from the
    // next byte, which is not passed. The next refill reads that byte again and sets them to the same values.
    bits_ |= word >> count_;
    next_ += (63 - count_) >> 3;
    count_ |= refilled_bits;
  }

  // The next `n` bits, 1 <= n <= 32. The reader must have them.
  std::uint32_t peek(int n) const { return static_cast<std::uint32_t>(bits_ >> (64 - n)); }
  void skip(int n) {
    bits_ <<= n;
    count_ -= n;
  }
  std::uint32_t take(int n) {
    const std::uint32_t value = peek(n);
    skip(n);
    return value;
  }

  // Whether more bits were taken than the data has.
  bool overrun() const { return (next_ - end_) * 8 > count_; }

private:
  const std::uint8_t *next_ = nullptr;
  const std::uint8_t *end_ = nullptr;
  std::uint64_t bits_ = 0; // the next bit is the highest one; only the highest `count_` bits count
  int count_ = 0;
};

// The compressed data of one scan after the other. Restart markers divide it into segments.
class ScanData {
public:
  explicit ScanData(std::span<const std::byte> file) : file_(file) {}

  // Reads the first segment of a scan; `at` is the first byte behind its header. Errors: bad_format if the file ends
  // before a marker; unsupported if memory is short.
  Status begin(std::size_t at);

  // Goes on to the segment behind the next restart marker. If another marker is there instead, this does what libjpeg
  // does by default (jpeg_resync_to_restart). One of the two restart markers before the expected one is skipped,
  // because data was probably repeated. One of the two after it, or a marker of another kind, is kept for later,
  // because data was probably lost; then the segment is empty. A restart marker further away is taken for the expected
  // one. Errors: as begin().
  Status restart();

  BitReader &bits() { return bits_; }

  // Whether blocks needed more data than the segment had. Then no more blocks are read from it; they are grey.
  bool exhausted() const { return exhausted_; }
  void note_overrun() { exhausted_ = exhausted_ || bits_.overrun(); }

  // The position in the file behind the marker that ends the present segment.
  std::size_t position() const { return at_; }

private:
  Status read_segment();

  std::span<const std::byte> file_;
  std::size_t at_ = 0;
  std::uint8_t marker_ = 0;
  int expected_restart_ = 0; // 0 .. 7
  bool exhausted_ = false;
  std::vector<std::uint8_t> segment_; // without stuffed zeros; padding_bytes of zeros at its end
  BitReader bits_;
};

} // namespace intvit

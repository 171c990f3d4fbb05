// Decompresses the data of PNG files: deflate (RFC 1951) in a zlib stream (RFC 1950). The checksum at the stream's end
// is not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/image/png/deflate_codes.hpp"
#include "engine/status.hpp"

namespace intvit {

// Reads bits, the least significant bit of a byte first. Behind the last byte it reads zeros.
struct DeflateBits {
  // How many zeros must follow the data. can_refill() allows a refill where `next` is up to 8 bytes beyond the end.
  // That refill moves `next` on by up to 7 bytes, and a second one may follow unasked, which reads 8: up to byte 8 + 7
  // + 8.
  static constexpr std::size_t padding_bytes = 32;
  // There are at least this many bits after a refill.
  static constexpr int refilled_bits = 56;

  const std::uint8_t *next = nullptr;
  const std::uint8_t *end = nullptr;
  std::uint64_t bits = 0; // the next bit is the lowest one
  int count = 0;          // how many of them count; those above are set to what the next refill sets them to

  // False only if more bits were taken than the data has. They may have been even if this is true: see overrun().
  bool can_refill() const { return next - end <= 8; }
  void refill() {
    std::uint64_t word = 0;
    std::memcpy(&word, next, sizeof word);
    bits |= word << count;
    next += (63 - count) >> 3;
    count |= refilled_bits;
  }
  // n <= 16.
  std::uint32_t peek(int n) const { return static_cast<std::uint32_t>(bits) & ((1U << n) - 1); }
  void skip(int n) {
    bits >>= n;
    count -= n;
  }
  std::uint32_t take(int n) {
    const std::uint32_t value = peek(n);
    skip(n);
    return value;
  }
  // Whether more bits were taken than the data has.
  bool overrun() const { return (next - end) * 8 > count; }
};

class Inflater {
public:
  // Requires DeflateBits::padding_bytes zeros behind `size` bytes, which must outlive this.
  Inflater(const std::uint8_t *bytes, std::size_t size) : in_{bytes, bytes + size} {}
  Inflater(const Inflater &) = delete;
  Inflater &operator=(const Inflater &) = delete;

  // The next piece of the decompressed bytes, valid until the next call. Up to 8 bytes behind it may be read. Empty
  // when there are no more. What precedes damage is handed out before the error is. Errors: bad_format (no such stream,
  // or it ends too early).
  Result<std::span<const std::uint8_t>> next();

private:
  enum class State { start, block, stored, codes, done };

  Status read_start();
  void build_fixed_codes();
  Status read_block();
  Status read_codes();
  void copy_stored(const std::uint8_t *limit);
  Status decode_codes(const std::uint8_t *limit);

  // History, a piece, and what the last match of a piece and its copying in steps of 8 bytes go beyond it.
  static constexpr std::size_t window = 32'768;
  static constexpr std::size_t piece = 65'536;
  static constexpr std::size_t slack = 288;

  DeflateBits in_;
  State state_ = State::start;
  Status failure_; // where the stream goes no further
  bool last_block_ = false;
  std::uint32_t stored_ = 0; // bytes of the block that are still to come
  std::array<std::uint8_t, window + piece + slack> buffer_{};
  std::uint8_t *out_ = buffer_.data();
  deflate::LiteralTable literals_{};
  deflate::DistanceTable distances_{};
  bool has_fixed_codes_ = false; // the tables are those of a block of fixed codes
};

} // namespace intvit

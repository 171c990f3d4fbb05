#include "engine/image/png/inflate.hpp"

#include <algorithm>

#include "engine/image/damage.hpp"

namespace intvit {
namespace {

using namespace deflate;

Status bad_data() {
  return corrupt_picture("bad compressed data");
}

// Bytes of a match, which may overlap with what it copies. Writes up to 7 bytes beyond it.
inline void copy_match(std::uint8_t *to, std::size_t distance, std::size_t length) {
  const std::uint8_t *from = to - distance;
  const std::uint8_t *const end = to + length;
  if (distance >= 8) {
    do {
      std::memcpy(to, from, 8);
      to += 8;
      from += 8;
    } while (to < end);
  } else if (distance == 1) {
    std::memset(to, *from, length);
  } else {
    do
      *to++ = *from++;
    while (to < end);
  }
}

} // namespace

Status Inflater::read_start() {
  if (in_.end - in_.next < 2)
    return picture_cut_short();
  const unsigned method = in_.next[0];
  const unsigned flags = in_.next[1];
  if ((method * 256 + flags) % 31 != 0 || (method & 15) != 8 || method >> 4 > 7 || (flags & 32) != 0)
    return bad_data();
  in_.next += 2;
  state_ = State::block;
  return {};
}

// Empty blocks take 10 bits, so the tables are made only where they are not there yet.
void Inflater::build_fixed_codes() {
  if (has_fixed_codes_)
    return;
  std::array<std::uint8_t, literal_symbols> lengths{};
  for (std::size_t i = 0; i < lengths.size(); ++i)
    lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  std::array<std::uint8_t, distance_symbols> distances{};
  distances.fill(5);
  build_table(lengths, literal_meanings, literal_bits, literals_);
  build_table(distances, distance_meanings, distance_bits, distances_);
  has_fixed_codes_ = true;
}

Status Inflater::read_block() {
  if (last_block_) {
    state_ = State::done;
    return {};
  }
  if (!in_.can_refill())
    return picture_cut_short();
  in_.refill();
  last_block_ = in_.take(1) != 0;
  switch (in_.take(2)) {
  case 0: {
    in_.skip(in_.count & 7);
    in_.next -= in_.count >> 3; // whole bytes that were not taken
    in_.bits = 0;
    in_.count = 0;
    if (in_.end - in_.next < 4)
      return picture_cut_short();
    stored_ = in_.next[0] | static_cast<std::uint32_t>(in_.next[1]) << 8;
    const std::uint32_t complement = in_.next[2] | static_cast<std::uint32_t>(in_.next[3]) << 8;
    if ((stored_ ^ complement) != 0xFFFF)
      return bad_data();
    in_.next += 4;
    if (in_.end - in_.next < static_cast<std::ptrdiff_t>(stored_))
      return picture_cut_short();
    state_ = State::stored;
    return {};
  }
  case 1:
    build_fixed_codes();
    state_ = State::codes;
    return {};
  case 2:
    return read_codes();
  default:
    return bad_data();
  }
}

// The lengths of a block's codes, which are themselves coded.
Status Inflater::read_codes() {
  constexpr int order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  constexpr std::array<Entry, 19> plain = [] {
    std::array<Entry, 19> meanings{};
    for (Entry i = 0; i < 19; ++i)
      meanings[i] = literal_entry | i << 16;
    return meanings;
  }();
  constexpr int first_bits = 7; // no code of lengths is longer
  const std::size_t literals = in_.take(5) + 257;
  const std::size_t distances = in_.take(5) + 1;
  const std::size_t coded = in_.take(4) + 4;
  if (literals > 286 || distances > 30)
    return bad_data();
  std::array<std::uint8_t, 19> code_lengths{};
  for (std::size_t i = 0; i < coded; ++i) {
    if (!in_.can_refill())
      return picture_cut_short();
    in_.refill();
    code_lengths[static_cast<std::size_t>(order[i])] = static_cast<std::uint8_t>(in_.take(3));
  }
  std::array<Entry, 1 << first_bits> table{};
  if (!build_table(code_lengths, plain, first_bits, table))
    return bad_data();

  std::array<std::uint8_t, 286 + 30> lengths{};
  for (std::size_t i = 0; i < literals + distances;) {
    if (!in_.can_refill())
      return picture_cut_short();
    in_.refill();
    const Entry entry = table[in_.peek(first_bits)];
    if ((entry & literal_entry) == 0)
      return bad_data();
    in_.skip(code_bits(entry));
    const Entry symbol = deflate::value(entry);
    if (symbol < 16) {
      lengths[i++] = static_cast<std::uint8_t>(symbol);
      continue;
    }
    if (symbol == 16 && i == 0)
      return bad_data();
    const std::uint8_t repeated = symbol == 16 ? lengths[i - 1] : 0;
    const std::size_t times = symbol == 16 ? 3 + in_.take(2) : symbol == 17 ? 3 + in_.take(3) : 11 + in_.take(7);
    if (times > literals + distances - i)
      return bad_data();
    std::fill_n(lengths.begin() + static_cast<std::ptrdiff_t>(i), times, repeated);
    i += times;
  }
  has_fixed_codes_ = false;
  const std::span<const std::uint8_t> all = lengths;
  if (lengths[end_of_block] == 0 || !build_table(all.first(literals), literal_meanings, literal_bits, literals_) ||
      !build_table(all.subspan(literals, distances), distance_meanings, distance_bits, distances_))
    return bad_data();
  state_ = State::codes;
  return {};
}

void Inflater::copy_stored(const std::uint8_t *limit) {
  const std::size_t count = std::min(static_cast<std::size_t>(limit - out_), std::size_t{stored_});
  std::memcpy(out_, in_.next, count);
  out_ += count;
  in_.next += count;
  stored_ -= static_cast<std::uint32_t>(count);
  if (stored_ == 0)
    state_ = State::block;
}

// Each round takes up to two literals, and then a third or a match: at most 2 * 11 bits of the first refill; of the
// second, 15 and 5 bits of a length and 15 and 13 of its distance.
Status Inflater::decode_codes(const std::uint8_t *limit) {
  DeflateBits in = in_; // in registers
  std::uint8_t *out = out_;
  // A match may reach back to here: to the stream's first byte, or to one that is at least `window` bytes back, which
  // is as far as any distance goes.
  const std::uint8_t *const oldest = buffer_.data();
  const Entry *const literals = literals_.data();
  const Entry *const distances = distances_.data();
  Status status;
  while (out < limit) {
    if (!in.can_refill()) [[unlikely]] {
      status = picture_cut_short();
      break;
    }
    in.refill();
    Entry entry = literals[in.peek(literal_bits)];
    if ((entry & literal_entry) != 0) {
      in.skip(code_bits(entry));
      *out++ = static_cast<std::uint8_t>(deflate::value(entry));
      entry = literals[in.peek(literal_bits)];
      if ((entry & literal_entry) != 0) {
        in.skip(code_bits(entry));
        *out++ = static_cast<std::uint8_t>(deflate::value(entry));
        entry = literals[in.peek(literal_bits)];
      }
    }
    in.refill();
    if ((entry & other_entry) != 0) [[unlikely]] {
      if ((entry & part_entry) != 0) {
        in.skip(code_bits(entry));
        entry = literals[deflate::value(entry) + in.peek(extra_bits(entry))];
      }
      if ((entry & other_entry) != 0) {
        if ((entry & end_entry) == 0) {
          status = bad_data();
          break;
        }
        in.skip(code_bits(entry));
        state_ = State::block;
        break;
      }
    }
    in.skip(code_bits(entry));
    if ((entry & literal_entry) != 0) {
      *out++ = static_cast<std::uint8_t>(deflate::value(entry));
      continue;
    }
    const std::size_t length = deflate::value(entry) + in.take(extra_bits(entry));
    entry = distances[in.peek(distance_bits)];
    if ((entry & part_entry) != 0) {
      in.skip(code_bits(entry));
      entry = distances[deflate::value(entry) + in.peek(extra_bits(entry))];
    }
    if ((entry & other_entry) != 0) [[unlikely]] {
      status = bad_data();
      break;
    }
    in.skip(code_bits(entry));
    const std::size_t distance = deflate::value(entry) + in.take(extra_bits(entry));
    if (distance > static_cast<std::size_t>(out - oldest)) [[unlikely]] {
      status = bad_data();
      break;
    }
    copy_match(out, distance, length);
    out += length;
  }
  in_ = in;
  out_ = out;
  return status;
}

Result<std::span<const std::uint8_t>> Inflater::next() {
  std::uint8_t *const first = buffer_.data();
  if (out_ > first + window) {
    std::memmove(first, out_ - window, window);
    out_ = first + window;
  }
  const std::uint8_t *const begin = out_;
  const std::uint8_t *const limit = first + window + piece;
  while (failure_.ok() && out_ < limit && state_ != State::done)
    switch (state_) {
    case State::start:
      failure_ = read_start();
      break;
    case State::block:
      failure_ = read_block();
      break;
    case State::stored:
      copy_stored(limit);
      break;
    case State::codes:
      failure_ = decode_codes(limit);
      break;
    case State::done:
      break;
    }
  if (in_.overrun()) // then some of the bytes are made of zeros that are not there
    return picture_cut_short();
  if (!failure_.ok() && out_ == begin)
    return failure_;
  return std::span<const std::uint8_t>(begin, static_cast<std::size_t>(out_ - begin));
}

} // namespace intvit

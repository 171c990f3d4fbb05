#include "engine/image/jpeg/blocks.hpp"

#include <algorithm>
#include <utility>

namespace intvit {

Status BlockReader::begin(const JpegScan &scan, const JpegFrame &frame, const JpegTables &tables) {
  first_ = scan.first;
  last_ = scan.last;
  low_ = scan.low;
  kind_ = !frame.progressive ? Kind::sequential
          : scan.first == 0  ? (scan.high == 0 ? Kind::first_dc : Kind::refine_dc)
                             : (scan.high == 0 ? Kind::first_ac : Kind::refine_ac);
  const bool has_dc = kind_ == Kind::sequential || kind_ == Kind::first_dc;
  const bool has_ac = kind_ != Kind::first_dc && kind_ != Kind::refine_dc;
  std::array<bool, 4> has_built_dc{};
  std::array<bool, 4> has_built_ac{};
  for (std::size_t i = 0; i < scan.parts.size(); ++i) {
    const std::size_t dc = scan.parts[i].dc_table;
    const std::size_t ac = scan.parts[i].ac_table;
    if ((has_dc && !tables.dc[dc].defined) || (has_ac && !tables.ac[ac].defined))
      return Status(StatusCode::bad_format, "corrupt picture: a Huffman table is missing");
    if (has_dc && !std::exchange(has_built_dc[dc], true)) {
      const auto &symbols = tables.dc[dc].symbols;
      // A DC symbol is a number of bits.
      if (std::any_of(symbols.begin(), symbols.end(), [](std::uint8_t symbol) { return symbol > 15; }))
        return Status(StatusCode::bad_format, "corrupt picture: bad or incomplete Huffman table");
      dc_[dc].build(tables.dc[dc]);
    }
    if (has_ac && !std::exchange(has_built_ac[ac], true))
      ac_[ac].build(tables.ac[ac]);
    tables_[i] = {&dc_[dc], &ac_[ac]};
  }
  restart();
  return {};
}

void BlockReader::restart() {
  previous_dc_.fill(0);
  end_of_band_run_ = 0;
}

int BlockReader::read(BitReader &bits, std::size_t part, std::int16_t *block) {
  switch (kind_) {
  case Kind::sequential:
    return read_sequential(bits, part, block);
  case Kind::first_dc:
    read_first_dc(bits, part, block);
    break;
  case Kind::refine_dc:
    bits.refill();
    if (bits.take(1) != 0)
      block[0] = static_cast<std::int16_t>(block[0] | 1 << low_);
    break;
  case Kind::first_ac:
    read_first_ac(bits, block);
    break;
  case Kind::refine_ac:
    refine_ac(bits, block);
    break;
  }
  return block_samples - 1;
}

// 17 + 15 bits.
inline int BlockReader::take_dc(BitReader &bits, std::size_t part) {
  const int size = tables_[part].dc->take_symbol(bits);
  if (size != 0)
    previous_dc_[part] += static_cast<std::uint32_t>(extend(bits.take(size), size));
  return static_cast<int>(previous_dc_[part]);
}

int BlockReader::read_sequential(BitReader &bits, std::size_t part, std::int16_t *block) {
  const CoefficientTable &table = *tables_[part].ac;
  BitReader reader = bits; // in registers
  reader.refill();
  block[0] = static_cast<std::int16_t>(take_dc(reader, part));
  reader.refill();
  std::size_t k = 1;
  // A refill brings 56 bits. That is enough for two coefficients that are looked up with their code (10 bits each) and
  // a third one of any kind (32 bits).
  const auto next = [&] {
    const CoefficientTable::Entry found = table.look_up(reader);
    const CoefficientTable::Entry entry = table.take(reader, found);
    if (found.bits == 0)
      reader.refill();
    k += entry.zeros;
    block[natural_order[k]] = entry.value;
    ++k;
    return k < block_samples;
  };
  while (next() && next() && next())
    reader.refill();
  bits = reader;
  // The end of the block was counted as a coefficient behind end_of_block zeros.
  const std::size_t end = k > CoefficientTable::end_of_block ? k - CoefficientTable::end_of_block - 1 : block_samples;
  return static_cast<int>(end) - 1;
}

void BlockReader::read_first_dc(BitReader &bits, std::size_t part, std::int16_t *block) {
  bits.refill();
  block[0] = static_cast<std::int16_t>(static_cast<std::uint32_t>(take_dc(bits, part)) << low_);
}

// The low half of a symbol is a coefficient's size, the high half the number of zeros before it. Size 0 means 16 zeros
// if the high half is 15. With a smaller high half n it means that the band ends in this and the next blocks; their
// number, this one included, is 2^n plus an n-bit number that follows.
void BlockReader::read_first_ac(BitReader &bits, std::int16_t *block) {
  if (end_of_band_run_ > 0) {
    --end_of_band_run_;
    return;
  }
  for (int k = first_; k <= last_; ++k) {
    bits.refill();
    const int symbol = tables_[0].ac->take_symbol(bits);
    const int zeros = symbol >> 4;
    const int size = symbol & 15;
    if (size == 0 && zeros < 15) {
      end_of_band_run_ = (1U << zeros) - 1 + (zeros > 0 ? bits.take(zeros) : 0);
      return;
    }
    k += zeros;
    if (size != 0)
      block[natural_order[static_cast<std::size_t>(k)]] =
          static_cast<std::int16_t>(static_cast<std::uint32_t>(extend(bits.take(size), size)) << low_);
  }
}

// Reads one more bit of the coefficients that are not 0, and the coefficients that this bit makes 1 or -1.
void BlockReader::refine_ac(BitReader &bits, std::int16_t *block) {
  const auto one = static_cast<std::int16_t>(1 << low_);
  int k = first_;
  // Moves k on behind `zeros` coefficients that are 0, to the next one that is 0 or behind the band. Refines the
  // coefficients in between that are not 0.
  const auto refine = [&](int zeros) {
    for (; k <= last_; ++k) {
      std::int16_t &coefficient = block[natural_order[static_cast<std::size_t>(k)]];
      if (coefficient == 0) {
        if (--zeros < 0)
          return;
        continue;
      }
      bits.refill();
      if (bits.take(1) != 0 && (coefficient & one) == 0)
        coefficient = static_cast<std::int16_t>(coefficient + (coefficient > 0 ? one : -one));
    }
  };
  if (end_of_band_run_ == 0) {
    while (k <= last_) {
      bits.refill();
      const int symbol = tables_[0].ac->take_symbol(bits);
      const int zeros = symbol >> 4;
      const int size = symbol & 15; // 1 in undamaged data
      std::int16_t value = 0;
      if (size != 0) {
        value = static_cast<std::int16_t>(bits.take(1) != 0 ? one : -one);
      } else if (zeros < 15) {
        end_of_band_run_ = (1U << zeros) + (zeros > 0 ? bits.take(zeros) : 0);
        break;
      }
      refine(zeros);
      if (size != 0)
        block[natural_order[static_cast<std::size_t>(k)]] = value;
      ++k;
    }
  }
  if (end_of_band_run_ > 0) {
    refine(block_samples);
    --end_of_band_run_;
  }
}

} // namespace intvit

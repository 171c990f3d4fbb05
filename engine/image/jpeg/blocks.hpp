// From a scan's bits to coefficients, a block at a time.
#pragma once

#include <array>
#include <cstdint>

#include "engine/image/jpeg/headers.hpp"
#include "engine/image/jpeg/huffman.hpp"
#include "engine/status.hpp"

namespace intvit {

class BlockReader {
public:
  BlockReader() = default;
  BlockReader(const BlockReader &) = delete;
  BlockReader &operator=(const BlockReader &) = delete;

  // Builds the tables that the scan needs. Errors: bad_format.
  Status begin(const JpegScan &scan, const JpegFrame &frame, const JpegTables &tables);

  // Forgets what a restart marker resets.
  void restart();

  // Reads the scan's share of the next block of the scan's component `part`. `block` is in natural order and holds what
  // earlier scans stored, otherwise zeros. For a sequential frame the result is the last coefficient, in the file's
  // order, that may differ from 0.
  int read(BitReader &bits, std::size_t part, std::int16_t *block);

private:
  int read_sequential(BitReader &bits, std::size_t part, std::int16_t *block);
  void read_first_dc(BitReader &bits, std::size_t part, std::int16_t *block);
  void read_first_ac(BitReader &bits, std::int16_t *block);
  void refine_ac(BitReader &bits, std::int16_t *block);
  int take_dc(BitReader &bits, std::size_t part);

  enum class Kind : std::uint8_t { sequential, first_dc, refine_dc, first_ac, refine_ac };
  Kind kind_ = Kind::sequential;
  int first_ = 0;
  int last_ = 0;
  int low_ = 0;
  std::uint32_t end_of_band_run_ = 0; // number of blocks, the present one included, without more coefficients
  std::array<HuffmanTable, 4> dc_;
  std::array<CoefficientTable, 4> ac_;
  struct Tables {
    const HuffmanTable *dc = nullptr;
    const CoefficientTable *ac = nullptr;
  };
  std::array<Tables, 4> tables_;               // of the scan's parts
  std::array<std::uint32_t, 4> previous_dc_{}; // modulo 2^32, because damaged data may add up to any value
};

} // namespace intvit

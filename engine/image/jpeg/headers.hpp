// The headers of a JPEG file, before and between its scans: frame, tables, scan headers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/image/jpeg/huffman.hpp"
#include "engine/status.hpp"

namespace intvit {

inline constexpr int block_side = 8;
inline constexpr int block_samples = 64;

constexpr std::array<std::uint8_t, 64 + 128> make_natural_order() {
  std::array<std::uint8_t, 64 + 128> order{};
  std::size_t k = 0;
  for (int diagonal = 0; diagonal < 2 * block_side - 1; ++diagonal)
    for (int i = 0; i <= diagonal; ++i) {
      const int row = diagonal % 2 == 0 ? diagonal - i : i; // even diagonals run upwards
      const int column = diagonal - row;
      if (row < block_side && column < block_side)
        order[k++] = static_cast<std::uint8_t>(row * block_side + column);
    }
  while (k < order.size())
    order[k++] = block_samples - 1;
  return order;
}

// The place of coefficient k of the file's order (zigzag) in the natural order, row by row. In damaged data k can
// exceed 63, by the zeros before a coefficient or by end_of_block; such coefficients are stored at the last place.
inline constexpr auto natural_order = make_natural_order();

struct alignas(16) QuantizationTable {
  std::array<std::uint16_t, block_samples> steps{}; // in natural order
};

struct JpegComponent {
  std::uint8_t id = 0;
  int horizontal = 1; // sampling factor, 1 .. 4; the largest of all components is `most_horizontal`
  int vertical = 1;
  std::size_t quantization = 0; // index of its table
  int width = 0;                // samples
  int height = 0;
  int columns = 0; // blocks, rounded up to whole MCUs
  int rows = 0;
};

struct JpegFrame {
  bool progressive = false;
  int width = 0; // pixels
  int height = 0;
  std::vector<JpegComponent> components; // 1, 3 or 4
  int most_horizontal = 1;
  int most_vertical = 1;
  int mcu_columns = 0; // of scans of several components
  int mcu_rows = 0;
};

// What the components mean.
enum class JpegColors : std::uint8_t { grey, ycc, rgb, cmyk, ycck };

struct JpegScan {
  struct Part {
    std::size_t component = 0; // index
    std::size_t dc_table = 0;
    std::size_t ac_table = 0;
  };
  std::vector<Part> parts; // 1 .. 4
  int first = 0;           // first coefficient in the scan, in the file's order
  int last = block_samples - 1;
  int high = 0; // the lowest bit that earlier scans stored; 0: this is the first scan
  int low = 0;  // the lowest bit that this scan stores
};

// What a file may leave out, as the frames of cameras do (Motion JPEG): tables 0 (luma) and 1 (colours) are those of
// the standard, Annex K, until the file has its own. libjpeg does likewise.
std::array<HuffmanCodes, 4> standard_dc_codes();
std::array<HuffmanCodes, 4> standard_ac_codes();

struct JpegTables {
  std::array<QuantizationTable, 4> quantization;
  std::array<bool, 4> has_quantization{};
  std::array<HuffmanCodes, 4> dc = standard_dc_codes();
  std::array<HuffmanCodes, 4> ac = standard_ac_codes();
  int restart_interval = 0; // MCUs; 0: no restarts
  bool has_jfif = false;
  int adobe_transform = -1; // -1: no Adobe marker
};

// Payloads of segments, without marker and length. Errors: bad_format; unsupported for kinds of JPEG that are not
// decoded (arithmetic coding, 12 bits, lossless, hierarchical) and other numbers of components than 1, 3 and 4.
Result<JpegFrame> read_frame(std::uint8_t marker, std::span<const std::byte> payload);
Result<JpegScan> read_scan(std::span<const std::byte> payload, const JpegFrame &frame);

// Stores what a segment says about tables or colours; ignores all other segments. Errors: bad_format.
Status read_tables(std::uint8_t marker, std::span<const std::byte> payload, JpegTables &tables);

// Decides as libjpeg does: a file with JFIF marker is YCbCr; otherwise Adobe's marker decides; otherwise the
// components' names decide.
JpegColors colors_of(const JpegFrame &frame, const JpegTables &tables);

bool is_frame(std::uint8_t marker);

} // namespace intvit
